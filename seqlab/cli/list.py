"""`seqlab list`: what there is by name."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli.console import show_json, show_table
from seqlab.errors import UnknownNameError

if TYPE_CHECKING:
    from seqlab.registry import Kind


class Shelf(StrEnum):
    """What can be listed."""

    experiments = "experiments"
    models = "models"
    tasks = "tasks"


def list_(
    what: Annotated[
        str | None, typer.Argument(help="experiments, models, tasks, or a family of them; all without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON.")] = False,
) -> None:
    """List experiments, models and tasks by family, each with what it is.

    Examples: seqlab list / seqlab list models --json / seqlab list lags
    """
    found = {shelf.value: _rows(shelf) for shelf in Shelf}
    families = sorted({row["family"] for rows in found.values() for row in rows})
    if what in found:
        found = {what: found[what]}
    elif what is not None:
        if what not in families:
            raise UnknownNameError("family", what, [*found, *families])
        found = {shelf: [row for row in rows if row["family"] == what] for shelf, rows in found.items()}
    if as_json:
        show_json(found)
        return
    table = [
        (shelf.removesuffix("s"), row["family"], row["name"], _text(row))
        for shelf, rows in found.items()
        for row in rows
    ]
    show_table(["kind", "family", "name", "summary"], table)


def _text(row: dict[str, Any]) -> str:
    presets = ", ".join(row.get("presets", ()))
    return f"{row['summary']} [--preset {presets}]" if presets else str(row["summary"])


def _rows(shelf: Shelf) -> list[dict[str, Any]]:
    from seqlab.registry import entries
    from seqlab.settings import experiment_names, family, preset_names, summary

    if shelf is Shelf.experiments:
        rows = [
            {"name": name, "family": family(name), "summary": summary(name), "presets": preset_names(name)}
            for name in experiment_names()
        ]
        return sorted(rows, key=lambda row: str(row["family"]))
    kind: Kind = "model" if shelf is Shelf.models else "task"
    return [{"name": entry.name, "family": entry.family, "summary": entry.summary} for entry in entries(kind)]
