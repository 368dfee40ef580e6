"""`seqlab list`: what there is by name."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli.console import show_json, show_table

if TYPE_CHECKING:
    from seqlab.registry import Kind


class Shelf(StrEnum):
    """What can be listed."""

    experiments = "experiments"
    models = "models"
    tasks = "tasks"


def list_(
    what: Annotated[Shelf | None, typer.Argument(help="One kind alone; all without.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON.")] = False,
) -> None:
    """List experiments, models and tasks, each with what it is.

    Examples: seqlab list / seqlab list models --json
    """
    shelves = [what] if what else list(Shelf)
    found = {shelf.value: _rows(shelf) for shelf in shelves}
    if as_json:
        show_json(found)
        return
    table = [(shelf.removesuffix("s"), row["name"], _text(row)) for shelf in found for row in found[shelf]]
    show_table(["kind", "name", "summary"], table)


def _text(row: dict[str, Any]) -> str:
    presets = ", ".join(row.get("presets", ()))
    return f"{row['summary']} [--preset {presets}]" if presets else str(row["summary"])


def _rows(shelf: Shelf) -> list[dict[str, Any]]:
    from seqlab.registry import entries
    from seqlab.settings import experiment_names, preset_names, summary

    if shelf is Shelf.experiments:
        return [
            {"name": name, "summary": summary(name), "presets": preset_names(name)}
            for name in experiment_names()
        ]
    kind: Kind = "model" if shelf is Shelf.models else "task"
    return [{"name": entry.name, "summary": entry.summary} for entry in entries(kind)]
