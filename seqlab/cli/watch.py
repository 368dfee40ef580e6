"""`seqlab watch`: the curve of a run in the terminal, while another terminal trains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import say, stderr, tell

if TYPE_CHECKING:
    from seqlab.runs import RunInfo

HEIGHT = 10
"""Lines of a curve."""

LEFT = 10
"""Columns for the numbers beside it."""


def watch(
    run: options.NamedRun = "latest",
    every: Annotated[float, typer.Option(min=0.05, max=3600, help="Seconds between two looks.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Every record as a line of JSON.")] = False,
) -> None:
    """Watch a run that is being trained elsewhere, until it ends: its loss as a curve, and how it stands.

    In a pipe there is a line for each validation. Ctrl-C ends the watching; the run goes on.

    Examples: seqlab watch / seqlab watch latest --every 10
    """
    from rich.live import Live
    from rich.text import Text

    from seqlab.cli.plot import blocks
    from seqlab.files import to_json
    from seqlab.runs.following import follow

    found = options.the_run(run)
    info, console, records = found.info(), stderr(), list[dict[str, Any]]()
    drawn = console.is_terminal and not as_json
    screen = Live(console=console, transient=True, auto_refresh=False) if drawn else None
    with screen or nullcontext():
        for anew, new in follow(found, every):
            if anew:
                records = []
            records += new
            if as_json:
                for record in new:
                    print(to_json(record), flush=True)
            elif screen is None:
                for record in new:
                    if line := _validation(record, info):
                        say(line)
            else:
                width = max(20, console.width - LEFT - 2)
                lines = chart(_losses(records), width, HEIGHT, blocks())
                screen.update(Text("\n".join([*lines, "", stands(records, info)])), refresh=True)
    if drawn:
        for line in chart(_losses(records), max(20, console.width - LEFT - 2), HEIGHT, blocks()):
            console.print(Text(line), soft_wrap=True)
    ended = found.info()
    if not as_json:
        say(f"{found.id}: {ended.status}. {stands(records, ended)}")
    tell(f"Next: seqlab {_following(ended)} {found.id}")


def chart(values: Sequence[float], width: int, height: int, blocks: str) -> Iterator[str]:
    """Yield the lines of a curve, highest first; each column is the mean of its share of the values.

    Args:
        values: what is finite of them is drawn.
        width: columns, at most.
        height: lines.
        blocks: signs of growing height, the last of which fills a line.

    >>> print("\\n".join(chart([1.0, 2.0, 4.0, 5.0], 4, 2, "_.-=+*%#")))
             5   =#
             1 _+##
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return
    count = min(width, len(finite))
    cuts = [len(finite) * column // count for column in range(count + 1)]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(cuts)]
    low, high = min(means), max(means)
    scale = (height * len(blocks) - 1) / (high - low) if high > low else 0.0
    levels = [round((mean - low) * scale) for mean in means]
    for line in reversed(range(height)):
        signs = (min(level - line * len(blocks), len(blocks) - 1) for level in levels)
        beside = high if line == height - 1 else low if line == 0 else None
        number = "" if beside is None else f"{beside:.4g}"
        yield f"{number:>{LEFT}} " + "".join(" " if sign < 0 else blocks[sign] for sign in signs)


def stands(records: Sequence[dict[str, Any]], info: RunInfo) -> str:
    """Say in words what was recorded last."""
    latest: dict[str, Any] = {}
    for record in records:
        latest.update(record)
    if not latest:
        return "nothing recorded yet"
    words = [f"step {latest.get('step', 0):,}", f"{latest.get('sequences', 0):,} sequences"]
    for key in ("loss", f"validation_{info.extra.get('metric')}"):
        if isinstance(latest.get(key), int | float):
            words.append(f"{key.replace('_', ' ')} {latest[key]:.4g}")
    return ", ".join(words)


def _losses(records: Sequence[dict[str, Any]]) -> list[float]:
    return [record["loss"] for record in records if isinstance(record.get("loss"), int | float)]


def _validation(record: dict[str, Any], info: RunInfo) -> str | None:
    """Word a record of a validation; None for another."""
    figures = {key: value for key, value in record.items() if key.startswith("validation_")}
    return stands([record], info) if figures else None


def _following(info: RunInfo) -> str:
    return "show" if info.status == "finished" else "resume"
