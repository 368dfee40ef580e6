"""`seqlab plot`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell

if TYPE_CHECKING:
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
    output: options.PictureFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Paths and figures as JSON.")] = False,
) -> None:
    """Draw learning curves, of one run or of several in one picture.

    Examples: seqlab plot / seqlab plot hello-rnn-s1 hello-rnn-s2 --output pictures
    """
    from seqlab.errors import RunFolderError
    from seqlab.figures.curves import curves
    from seqlab.figures.style import save
    from seqlab.runs.summary import is_number

    found = list({run.path.resolve(): run for run in map(options.the_run, runs or ["latest"])}.values())
    records = {run: run.metrics() for run in found}
    for run, lines in records.items():
        if not lines:
            raise RunFolderError(f"{run.id} has recorded nothing yet: its metrics.jsonl is empty or missing.")
        if not any(is_number(line.get("step")) and is_number(line.get("loss")) for line in lines):
            raise RunFolderError(f"{run.id}: {run.metrics_path} is damaged: no line has a step and a loss.")
    extra = found[0].info().extra
    figure = curves(
        [(run.id, lines) for run, lines in records.items()],
        metric=extra.get("metric"),
        loss_unit=extra.get("loss_unit", "nats"),
        guess=_shared_guess(found),
    )
    name = "curves" if len(found) == 1 or output is not None else "curves-overlaid"
    target = (found[0].figures if output is None else output) / name
    paths = [*save(figure, target), *_trials(found, output)]
    lines = [_in_short(run, lines) for run, lines in records.items()]
    if as_json:
        return show_json({"figures": [str(path) for path in paths], "runs": lines})
    show_table(
        ("run", "training loss", "first", "last"),
        [
            (item["id"], item["sparkline"], _word(item["first_loss"]), _word(item["last_loss"]))
            for item in lines
        ],
    )
    for path in paths:
        print(path)
    tell("Next: seqlab show RUN, or seqlab plot RUN RUN ... to lay runs over each other.")
    return None


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


def _trials(runs: list[Run], output: Path | None) -> list[Path]:
    """Draw the metric over each option of the task that differs among the trials of runs."""
    from seqlab.figures.style import save
    from seqlab.figures.trials import trials_figure
    from seqlab.runs.trials import OptionCurve, option_curves

    extra = runs[0].info().extra
    metric = next(iter(extra.get("metrics") or ()), None)
    if metric is None:
        return []
    found: dict[tuple[str, str], dict[str, list[OptionCurve]]] = {}
    for run in runs:
        for curve in option_curves(run, metric["name"]):
            found.setdefault((curve.option, curve.answers), {})[run.id] = [curve]
    paths: list[Path] = []
    for (option, answers), curves in found.items():
        figure = trials_figure(curves, metric["label"] or metric["name"], metric["bounds"] == [0.0, 1.0])
        name = f"{metric['name']}-by-{option}{'' if answers == 'shown' else f'-{answers}'}"
        paths += save(figure, (runs[0].figures if output is None else output) / name)
    return paths


def _in_short(run: Run, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a run's training loss as a line of blocks, with its first and last value."""
    from seqlab.figures.curves import sparkline

    losses = [record["loss"] for record in records if isinstance(record.get("loss"), int | float)]
    return {
        "id": run.id,
        "points": len(losses),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "sparkline": sparkline(losses, 40, blocks()),
    }


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
