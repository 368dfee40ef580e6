"""`seqlab plot`."""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.pictures import Album, Formats, Title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqlab.runs import Guessed, Run

ASCII_BLOCKS = "_.-=+*%#"


def plot(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids, unique prefixes, `latest`, or paths.",
            metavar="[RUN]...",
            autocompletion=options.complete_run,
        ),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="What a run is called; once for each, in their order.")
    ] = None,
    title: Title = None,
    formats: Formats = None,
    style: Annotated[
        str | None, typer.Option(help="paper, slides, a style of matplotlib's, or a file NAME.mplstyle.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Width x height, such as 3.3x2.4 (inches) or 9x6cm.")
    ] = None,
    colour: Annotated[
        list[str] | None, typer.Option(help="MODEL=COLOUR, such as lstm=red; again for more.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Write the numbers that are drawn to this CSV.")] = None,
    output: options.PictureFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Paths and figures as JSON.")] = False,
) -> None:
    """Draw learning curves, of one run or of several in one picture; and what a run takes for what.

    Examples: seqlab plot / seqlab plot hello-rnn-s1 hello-rnn-s2 --output pictures /
    seqlab plot RUN RUN --label small --label large --title "Two sizes" --format pdf /
    seqlab plot --style paper --size 9x6cm --colour lstm=black --format pdf --data curves.csv
    """
    from seqlab.errors import UnknownNameError
    from seqlab.figures.wishes import read_wishes, wishing

    wishes = read_wishes(style, size, colour or ())
    found = list({run.path.resolve(): run for run in map(options.the_run, runs or ["latest"])}.values())
    options.require_writable(data, "--data", found)
    known = {run.info().model for run in found}
    if strange := next((name for name in wishes.colours if name not in known), None):
        raise UnknownNameError("model of --colour", strange, known)
    labels = _labels(found, label)
    records = [_records(run) for run in found]
    name = "curves" if len(found) == 1 or output is not None else "curves-overlaid"
    album = Album(found[0].figures if output is None else output, formats, title)
    with wishing(wishes):
        pictures = {name: _curves(found, labels, records)} | _trials(found, labels) | _confusion(found)
        paths = album.keep(pictures)
    if data is not None:
        paths.append(_write_data(data, pictures))
    lines = _in_short(found, labels, records)
    if as_json:
        return show_json({"figures": paths, "runs": lines})
    _say(lines)
    for path in paths:
        print(path)
    tell("Next: seqlab show RUN, or seqlab plot RUN RUN ... to lay runs over each other.")
    return None


def _write_data(path: Path, pictures: dict[str, Figure]) -> str:
    """Write down the numbers of pictures."""
    from seqlab.figures.drawn import rows
    from seqlab.files import write_output

    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows(pictures))
    write_output(path, written.getvalue())
    return str(path)


def _confusion(runs: list[Run]) -> dict[str, Figure]:
    """Draw which class was said where which was wanted, of a run by itself that has it on record."""
    from seqlab.figures.confusion import confusion_figure
    from seqlab.runs.confusion import confusion_of

    found = confusion_of(runs[0].summary()) if len(runs) == 1 else None
    return {} if found is None else {"confusion": confusion_figure(found, runs[0].id)}


def _labels(runs: list[Run], given: list[str] | None) -> list[str]:
    """Return what the runs are called: as the user says, or by what they differ in."""
    from seqlab.errors import UsageError
    from seqlab.runs.labels import labels_of

    if not given:
        return labels_of(runs)
    if len(given) != len(runs):
        count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        raise UsageError(f"{count}, but {len(given)} of --label.", hint="Give --label once for each run.")
    return given


def _records(run: Run) -> list[dict[str, Any]]:
    from seqlab.errors import RunFolderError
    from seqlab.runs.summary import is_number

    lines = run.metrics()
    if not lines:
        raise RunFolderError(f"{run.id} has recorded nothing yet: its metrics.jsonl is empty or missing.")
    if not any(is_number(line.get("step")) and is_number(line.get("loss")) for line in lines):
        raise RunFolderError(f"{run.id}: {run.metrics_path} is damaged: no line has a step and a loss.")
    return lines


def _unit(run: Run) -> str:
    """Return the unit of a run's loss."""
    return str(run.info().extra.get("loss_unit", "nats"))


def _curves(runs: list[Run], labels: list[str], records: list[list[dict[str, Any]]]) -> Figure:
    from seqlab.figures.curves import curves

    extra = runs[0].info().extra
    experiments = dict.fromkeys(run.info().experiment for run in runs)
    return curves(
        list(zip(labels, records, strict=True)),
        models=[run.info().model for run in runs],
        metric=extra.get("metric"),
        metrics=extra.get("metrics") or (),
        loss_unit=" or ".join(dict.fromkeys(map(_unit, runs))),
        guess=_shared_guess(runs),
        title=None if len(runs) == 1 else ", ".join(experiments),
    )


def _shared_guess(runs: list[Run]) -> Guessed:
    """Return what guessing comes to on the held-out set, where that is as good as the same for all runs."""
    from seqlab.runs import Guessed, guessed

    first, *others = [guessed(run.info()) for run in runs]
    near = {
        name: value
        for name, value in first.figures.items()
        if all(math.isclose(other.figures.get(name, math.inf), value, rel_tol=0.05) for other in others)
    }
    return Guessed(first.name, near)


def _trials(runs: list[Run], labels: list[str]) -> dict[str, Figure]:
    """Draw the metric over each option of the task that differs among the trials of runs."""
    from seqlab.figures.style import lines_of
    from seqlab.figures.trials import trials_figure
    from seqlab.runs.trials import OptionCurve, option_curves

    metric = next(iter(runs[0].info().extra.get("metrics") or ()), None)
    if metric is None:
        return {}
    styles = dict(zip(labels, lines_of([run.info().model for run in runs]), strict=True))
    found: dict[tuple[str, str], dict[str, list[OptionCurve]]] = {}
    for label, run in zip(labels, runs, strict=True):
        for curve in option_curves(run, metric["name"]):
            found.setdefault((curve.option, curve.answers), {})[label] = [curve]
    return {
        f"{metric['name']}-by-{option}{'' if answers == 'shown' else f'-{answers}'}": trials_figure(
            curves,
            metric.get("label") or metric["name"],
            metric.get("bounds") == [0.0, 1.0],
            styles,
            runs[0].info().experiment,
        )
        for (option, answers), curves in found.items()
    }


def _in_short(
    runs: list[Run], labels: list[str], records: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return each run's training loss as a line of blocks, with its first and last value.

    What is in one unit has one scale.
    """
    from seqlab.figures.curves import sparkline

    losses = [
        [record["loss"] for record in lines if isinstance(record.get("loss"), int | float)]
        for lines in records
    ]
    finite: dict[str, list[float]] = {}
    for run, own in zip(runs, losses, strict=True):
        finite.setdefault(_unit(run), []).extend(filter(math.isfinite, own))
    limits = {unit: (min(own), max(own)) for unit, own in finite.items() if own}
    return [
        {
            "id": run.id,
            "label": label,
            "points": len(own),
            "first_loss": own[0] if own else None,
            "last_loss": own[-1] if own else None,
            "unit": _unit(run),
            "limits": limits.get(_unit(run)),
            "sparkline": sparkline(own, 32, blocks(), limits.get(_unit(run))),
        }
        for run, label, own in zip(runs, labels, losses, strict=True)
    ]


def _say(lines: list[dict[str, Any]]) -> None:
    """Print the lines of blocks; losses in different units have a scale each."""
    units = list(dict.fromkeys(item["unit"] for item in lines))
    low, high = lines[0]["limits"] or (None, None)
    scale = f", {_word(low)} to {_word(high)} {units[0]}" if len(units) == 1 else ""
    show_table(
        ("run", f"training loss{scale}", "first", "last", *(["in"] if len(units) > 1 else [])),
        [
            (
                item["label"],
                item["sparkline"],
                _word(item["first_loss"]),
                _word(item["last_loss"]),
                *([item["unit"]] if len(units) > 1 else []),
            )
            for item in lines
        ],
    )


def blocks() -> str:
    """Return the signs that lines are drawn with, lowest to highest: those that the terminal can show."""
    from seqlab.figures.curves import BLOCKS

    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII_BLOCKS
    return BLOCKS


def _word(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
