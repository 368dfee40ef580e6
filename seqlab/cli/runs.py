"""`seqlab runs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, stdout, tell

if TYPE_CHECKING:
    from seqlab.registry import Kind
    from seqlab.runs import RunEntry

COLUMNS = ("run", "status", "steps", "held out", "guessing", "solved", "seconds", "age")
NARROW, WIDE = (0, 1, 3, 4), 120
"""The columns for which a narrow terminal has room, and the width at which it has room for all."""


class Group(StrEnum):
    """What --per takes."""

    experiment = "experiment"
    model = "model"


class StatusName(StrEnum):
    """What --status takes."""

    running = "running"
    finished = "finished"
    failed = "failed"
    interrupted = "interrupted"
    damaged = "damaged"
    foreign = "foreign"


def runs(
    experiment: Annotated[
        str | None,
        typer.Option(help="Only runs of this experiment.", autocompletion=options.complete_experiment),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only runs of this model.", autocompletion=options.complete_model)
    ] = None,
    status: Annotated[StatusName | None, typer.Option(help="Only runs that stand so.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only runs with this tag.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Only runs with this setting; may be repeated.",
            metavar="KEY=VALUE",
            autocompletion=options.complete_setting,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(help="By a figure, the best first: accuracy, loss, bits, steps, wall_seconds ..."),
    ] = None,
    best: Annotated[
        str | None, typer.Option(help="Only the best run, by a figure.", metavar="FIGURE")
    ] = None,
    per: Annotated[
        Group | None, typer.Option(help="With --best: the best of each experiment or model.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only runs made since a day or for so long: 2026-11-01, 12h, 7d.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="What to show of each run: seed,accuracy,training.learning_rate ...", metavar="A,B"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the first.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Show all, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The runs as JSON.")] = False,
) -> None:
    """List the runs, the newest first.

    Examples: seqlab runs --experiment hello --status finished / seqlab runs --where seed=3 --sort accuracy /
    seqlab runs --best accuracy --per experiment --since 7d /
    seqlab runs --columns seed,parameters,training.learning_rate,accuracy
    """
    from seqlab.cli.show import word
    from seqlab.errors import UsageError
    from seqlab.runs import list_runs
    from seqlab.runs.choosing import best_of_each, column, having, made_since, sort_by, with_tag
    from seqlab.settings import parse_override

    if best is not None and sort is not None:
        raise UsageError("--best and --sort both say which figure.", hint="Leave one out.")
    if per is not None and best is None:
        raise UsageError("--per says of what --best is the best.", hint=f"Add --best accuracy --per {per}")
    entries = list_runs()
    found = [entry for entry in entries if _is_wanted(entry, experiment, model, status)]
    if not found:
        _check_names(entries, experiment, model)
    if tag is not None:
        found = list(filter(with_tag(tag), found))
    for setting in where or []:
        found = having(found, *parse_override(setting))
    if since is not None:
        found = made_since(found, since)
    if best is not None:
        found = best_of_each(found, best, per and per.value)
    if sort is not None:
        found = sort_by(found, sort)
    shown = found if everything else found[:limit]
    chosen = list(dict.fromkeys(filter(None, map(str.strip, (columns or "").split(",")))))
    told = [as_data(entry) for entry in shown]
    values = {name: column(shown, name, told) for name in chosen}
    if as_json:
        added = [{name: values[name][place] for name in chosen} for place in range(len(shown))]
        return show_json([facts | own for facts, own in zip(told, added, strict=True)])
    if chosen:
        rows = zip(*values.values(), strict=True)
        show_table(
            ("run", *chosen),
            [
                (entry.id, *("-" if one is None else word(one) for one in row))
                for entry, row in zip(shown, rows, strict=True)
            ],
        )
    else:
        _show(shown, sort or best)
    _say_what_next(len(shown), len(found), len(entries))
    return None


def _show(entries: Sequence[RunEntry], sort: str | None) -> None:
    """Show runs as a table: with the figure that they are sorted by, what they differ in, and their tags."""
    from seqlab.runs.choosing import differing
    from seqlab.runs.summary import figures

    columns = range(len(COLUMNS)) if not sys.stdout.isatty() or stdout().width >= WIDE else NARROW
    table = [[row[index] for index in columns] for row in (COLUMNS, *map(_row, entries))]
    if sort is not None and sort != "steps":
        values = [figures(entry.summary).get(sort) for entry in entries]
        table[0].append(sort)
        for row, value in zip(table[1:], values, strict=True):
            row.append("-" if value is None else f"{value:.6g}")
    differ = differing(entries)
    if any(differ.values()):
        from seqlab.cli.show import word

        table[0].append("differs in")
        for row, entry in zip(table[1:], entries, strict=True):
            settings = differ.get(entry.id, {}).items()
            row.append(" ".join(f"{key.rpartition('.')[2]}={word(value)}" for key, value in settings) or "-")
    tags = [as_data(entry)["tags"] for entry in entries]
    if any(tags):
        table[0].append("tags")
        for row, words in zip(table[1:], tags, strict=True):
            row.append(" ".join(words) or "-")
    show_table(table[0], table[1:])
    for entry in entries:
        if entry.problem:
            tell(f"{entry.id}: {entry.problem}")


def _say_what_next(shown: int, found: int, known: int) -> None:
    from seqlab.runs import runs_dir

    if not found:
        filtered = " of this kind" if known else ""
        text = f"No runs{filtered} in {runs_dir()}. Next: seqlab train EXPERIMENT"
    elif shown < found:
        text = f"{shown} of {found} runs; --all shows every one. Next: seqlab show RUN"
    else:
        text = "Next: seqlab show RUN, or seqlab plot RUN ..."
    tell(text)


def as_data(entry: RunEntry) -> dict[str, Any]:
    """Return what is known of a run as plain data, the same keys for every run."""
    from seqlab.runs import guessed, headline, note_of, tags_of

    info, summary = entry.info, entry.summary or {}
    metric = headline(summary, info.extra.get("metric") if info else None)
    guess = guessed(info).figures if info else {}
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
        "guess": guess.get(metric[0]) if metric else None,
        "solved": summary.get("solved"),
        "wall_seconds": summary.get("wall_seconds"),
        "tags": tags_of(info) if info else [],
        "note": note_of(info) if info else None,
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
        return [entry.id, entry.status, "-", "-", "-", "-", "-", "-"]
    data = as_data(entry)
    return [
        entry.id,
        entry.status,
        _number(data["steps"], ",d"),
        f"{data['metric']} {data['held_out']:.4g}" if data["metric"] else "-",
        _number(data["guess"], ".3g"),
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
    from seqlab.runs.choosing import with_model

    if status is not None and entry.status != status:
        return False
    if experiment is not None and (entry.info is None or entry.info.experiment != experiment):
        return False
    return model is None or with_model(model)(entry)


def _check_names(entries: Iterable[RunEntry], experiment: str | None, model: str | None) -> None:
    """Refuse a name that neither a run nor seqlab has; nothing may be found of one that exists.

    Raises:
        UnknownNameError: with the nearest name.
    """
    from seqlab import registry, settings
    from seqlab.errors import UnknownNameError
    from seqlab.runs import short_model

    infos = [entry.info for entry in entries if entry.info is not None]
    kind: Kind = "model"
    known_models = {name for info in infos for name in (info.model, short_model(info.model))}
    known_models |= set(registry.names(kind))
    known_experiments = {info.experiment for info in infos} | set(settings.experiment_names())
    if experiment is not None and experiment not in known_experiments:
        raise UnknownNameError("experiment", experiment, known_experiments)
    if model is not None and model not in known_models:
        raise UnknownNameError("model", model, known_models)
