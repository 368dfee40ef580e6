"""`seqlab list`: what there is by name."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from seqlab.cli.console import show_json, show_table


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
        show_json(
            {shelf: [{"name": name, "summary": text} for name, text in rows] for shelf, rows in found.items()}
        )
        return
    rows = [(shelf.removesuffix("s"), *row) for shelf, rows in found.items() for row in rows]
    show_table(["kind", "name", "summary"], rows)


def _rows(shelf: Shelf) -> list[tuple[str, str]]:
    from seqlab.registry import entries
    from seqlab.settings import experiment_names, summary

    if shelf is Shelf.experiments:
        return [(name, summary(name)) for name in experiment_names()]
    return [(entry.name, entry.summary) for entry in entries("model" if shelf is Shelf.models else "task")]
