"""How runs side by side are shown while they go: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seqlab.cli.console import stderr, tell

if TYPE_CHECKING:
    from rich.table import Table

    from seqlab.comparison.entries import Entry
    from seqlab.comparison.workers import Update

ROOM = 70
"""Narrower terminals show no bars and no single seeds: names and counts come first."""

SHOWN = 3
"""So many running seeds are shown of each model."""


@dataclass
class Row:
    """What the table shows of one model on one level.

    Attributes:
        total: its seeds.
        done: seeds that are over, reused ones among them.
        solved: seeds that met the task's criterion.
        failed: seeds whose run failed.
        running: by seed, the share of the steps made, and the loss; None before the first word of it.
    """

    total: int = 0
    done: int = 0
    solved: int = 0
    failed: int = 0
    running: dict[int, tuple[float, float | None]] = field(default_factory=dict)


class Board:
    """Keeps count of the runs of a comparison.

    Args:
        entries: all of them.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.began = time.monotonic()
        self.rows: dict[tuple[str | None, str], Row] = {}
        for entry in entries:
            self.rows.setdefault((entry.level, entry.label), Row()).total += 1

    def note(self, entry: Entry, update: Update) -> None:
        """Take in what a run says."""
        row, seed = self.rows[entry.level, entry.label], entry.experiment.seed
        if update.kind == "began":
            row.running[seed] = (0.0, None)
        elif update.kind == "step":
            share = update.facts["step"] / max(entry.experiment.training.steps, 1)
            row.running[seed] = (min(share, 1.0), update.facts["loss"])
        else:
            row.running.pop(seed, None)
            row.done += update.kind in ("reused", "finished", "failed")
            row.solved += bool(update.facts.get("solved"))
            row.failed += update.kind == "failed"

    def table(self, room: int) -> Table:
        """Return the table as it stands, for a terminal of so many columns."""
        from rich.box import SIMPLE_HEAD
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done, total = (sum(getattr(row, name) for row in self.rows.values()) for name in ("done", "total"))
        minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
        table = Table(
            box=SIMPLE_HEAD,
            pad_edge=False,
            caption=f"{done} of {total} runs, {minutes}:{seconds:02d} min; Ctrl-C saves them all",
            caption_justify="left",
        )
        wide = room >= ROOM
        for heading in ("model", "seeds", *(("", "running") if wide else ()), "solved", "failed"):
            table.add_column(heading, no_wrap=heading != ("running" if wide else "model"), overflow="fold")
        for (level, label), row in self.rows.items():
            progress = row.done + sum(share for share, _ in row.running.values())
            bar = ProgressBar(total=row.total, completed=progress, width=20)
            table.add_row(
                Text(f"{level}: {label}" if level else label),
                f"{row.done}/{row.total}",
                *((bar, Text(_running(row))) if wide else ()),
                str(row.solved),
                Text(str(row.failed), style="bold red" if row.failed else ""),
            )
        return table


@contextmanager
def board(entries: Sequence[Entry], quiet: bool) -> Iterator[Callable[[Entry, Update], None]]:
    """Show the runs as they go, and each that fails.

    Args:
        entries: all of the comparison.
        quiet: whether nothing but failures is shown.

    Yields:
        The function to call with everything that a run says.
    """
    from rich.live import Live

    console = stderr()
    state = Board(entries)
    plain = quiet or not console.is_terminal

    def note(entry: Entry, update: Update) -> None:
        state.note(entry, update)
        if update.kind == "failed":
            tell(line(entry, update), "bold red", console)
        elif update.kind == "finished" and plain and not quiet:
            tell(line(entry, update), console=console)

    if plain:
        yield note
    else:

        def table() -> Table:
            return state.table(console.width)

        with Live(get_renderable=table, console=console, refresh_per_second=5, transient=True):
            yield note


def line(entry: Entry, update: Update) -> str:
    """Word the end of a run."""
    name = f"{entry.title}, seed {entry.experiment.seed}"
    if update.kind == "failed":
        return f"{name}: failed: {update.facts['message']}"
    if update.facts.get("solved"):
        return f"{name}: solved after {update.facts['sequences_to_solve']:,} sequences"
    made = update.facts["steps"]
    steps = f"{name}: {made:,} step{'' if made == 1 else 's'}"
    return f"{steps}, not solved" if update.facts["solved"] is False else steps


def _running(row: Row) -> str:
    parts = [
        f"seed {seed} {share:.0%}" + ("" if loss is None else f" loss {loss:.3f}")
        for seed, (share, loss) in sorted(row.running.items())[:SHOWN]
    ]
    more = len(row.running) - SHOWN
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")
