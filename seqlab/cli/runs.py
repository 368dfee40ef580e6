"""`seqlab runs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli.console import show_json, show_table, stderr, stdout

if TYPE_CHECKING:
    from seqlab.registry import Kind
    from seqlab.runs import RunEntry

COLUMNS = ("run", "status", "steps", "held out", "solved", "seconds", "age")
NARROW, WIDE = (0, 1, 3), 120
"""The columns for which a narrow terminal has room, and the width at which it has room for all."""


class StatusName(StrEnum):
    """What --status takes."""

    running = "running"
    finished = "finished"
    failed = "failed"
    interrupted = "interrupted"
    damaged = "damaged"
    foreign = "foreign"


def runs(
    experiment: Annotated[str | None, typer.Option(help="Only runs of this experiment.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.")] = None,
    status: Annotated[StatusName | None, typer.Option(help="Only runs that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest first.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Show all, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The runs as JSON.")] = False,
) -> None:
    """List the runs, the newest first.

    Examples: seqlab runs / seqlab runs --experiment hello --status finished / seqlab runs --all --json
    """
    from seqlab.runs import list_runs, runs_dir

    entries = list_runs()
    found = [entry for entry in entries if _is_wanted(entry, experiment, model, status)]
    if not found:
        _check_names(entries, experiment, model)
    shown = found if everything else found[:limit]
    if as_json:
        return show_json([as_data(entry) for entry in shown])
    columns = range(len(COLUMNS)) if not sys.stdout.isatty() or stdout().width >= WIDE else NARROW
    table = [[row[index] for index in columns] for row in (COLUMNS, *map(_row, shown))]
    show_table(table[0], table[1:])
    console = stderr()
    for entry in shown:
        if entry.problem:
            console.print(f"{entry.id}: {entry.problem}", soft_wrap=True, markup=False)
    if not found:
        filtered = " of this kind" if entries else ""
        console.print(f"No runs{filtered} in {runs_dir()}. Next: seqlab train EXPERIMENT", soft_wrap=True)
    elif len(shown) < len(found):
        console.print(
            f"{len(shown)} of {len(found)} runs; --all shows every one. Next: seqlab show RUN", soft_wrap=True
        )
    else:
        console.print("Next: seqlab show RUN, or seqlab plot RUN ...", soft_wrap=True)
    return None


def as_data(entry: RunEntry) -> dict[str, Any]:
    """Return what is known of a run as plain data, the same keys for every run."""
    from seqlab.runs import headline

    info, summary = entry.info, entry.summary or {}
    metric = headline(summary, info.extra.get("metric") if info else None)
    return {
        "id": entry.id,
        "path": str(entry.path),
        "status": entry.status,
        "problem": entry.problem,
        "experiment": info.experiment if info else None,
        "model": info.model if info else None,
        "task": info.task if info else None,
        "seed": info.seed if info else None,
        "created": info.created if info else None,
        "ended": info.ended if info else None,
        "steps": summary.get("steps"),
        "metric": metric[0] if metric else None,
        "held_out": metric[1] if metric else None,
        "solved": summary.get("solved"),
        "wall_seconds": summary.get("wall_seconds"),
    }


def age(created: str) -> str:
    """Word the time since a moment.

    >>> age("2000-01-01T00:00:00+00:00").endswith(" d")
    True
    """
    try:
        seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())
    except (ValueError, TypeError):
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _row(entry: RunEntry) -> list[str]:
    if entry.info is None:
        return [entry.id, entry.status, "-", "-", "-", "-", "-"]
    data = as_data(entry)
    return [
        entry.id,
        entry.status,
        _number(data["steps"], ",d"),
        f"{data['metric']} {data['held_out']:.4g}" if data["metric"] else "-",
        {True: "yes", False: "no"}.get(data["solved"], "-"),
        _number(data["wall_seconds"], ",.1f"),
        age(entry.info.created),
    ]


def _number(value: object, form: str) -> str:
    return (
        format(value, form)
        if isinstance(value, int) or (isinstance(value, float) and "d" not in form)
        else "-"
    )


def _is_wanted(entry: RunEntry, experiment: str | None, model: str | None, status: str | None) -> bool:
    if status is not None and entry.status != status:
        return False
    if experiment is None and model is None:
        return True
    info = entry.info
    return (
        info is not None
        and experiment in (None, info.experiment)
        and model in (None, *_model_names(info.model))
    )


def _model_names(model: str) -> tuple[str, str]:
    from seqlab.runs.store import short_model

    return model, short_model(model)


def _check_names(entries: Iterable[RunEntry], experiment: str | None, model: str | None) -> None:
    """Refuse a name that neither a run nor seqlab has; nothing may be found of one that exists.

    Raises:
        UnknownNameError: with the nearest name.
    """
    from seqlab import registry, settings
    from seqlab.errors import UnknownNameError

    infos = [entry.info for entry in entries if entry.info is not None]
    kind: Kind = "model"
    known_models = {name for info in infos for name in _model_names(info.model)} | set(registry.names(kind))
    known_experiments = {info.experiment for info in infos} | set(settings.experiment_names())
    if experiment is not None and experiment not in known_experiments:
        raise UnknownNameError("experiment", experiment, known_experiments)
    if model is not None and model not in known_models:
        raise UnknownNameError("model", model, known_models)
