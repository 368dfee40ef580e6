"""How a training run is shown while it goes: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seqlab.cli.console import stderr

if TYPE_CHECKING:
    from seqlab.training import Step

BAR_SECONDS, LINE_SECONDS = 0.2, 5.0


class Reporter:
    """Words the steps of a run.

    Args:
        steps: updates in all.
        start: updates made before this process.
        characters_per_step: of a language model; None for other tasks.
    """

    def __init__(self, steps: int, start: int, characters_per_step: int | None) -> None:
        self.steps = steps
        self.start = start
        self.characters_per_step = characters_per_step
        self.began = time.perf_counter()
        self.best = math.inf

    def note(self, step: Step) -> None:
        """Remember the best validation loss."""
        if step.validation is not None:
            self.best = min(self.best, step.validation.metrics["loss"])

    def line(self, step: Step) -> str:
        """Return what is known at a step, in one line."""
        rate = (step.step - self.start) / max(time.perf_counter() - self.began, 1e-9)
        parts = [f"loss {step.smoothed_loss:.4f}"]
        if self.characters_per_step is None:
            parts.append(f"{rate:,.0f} steps/s")
        else:
            parts.append(f"{step.smoothed_loss / math.log(2):.3f} bits/char")
            parts.append(f"{rate * self.characters_per_step:,.0f} chars/s")
        if math.isfinite(self.best):
            parts.append(f"best validation {self.best:.4f}")
        return ", ".join(parts)

    def seconds_left(self, step: Step) -> float:
        """Return the seconds that the rest will take at the pace so far."""
        elapsed = time.perf_counter() - self.began
        return (self.steps - step.step) * elapsed / max(step.step - self.start, 1)


@contextmanager
def progress(
    reporter: Reporter, log: Callable[[str], None], *, quiet: bool = False
) -> Iterator[Callable[[Step], None]]:
    """Show a run's progress on stderr and in its log.

    Args:
        reporter: words the steps.
        log: takes the plain lines, for train.log.
        quiet: whether the screen stays empty.

    Yields:
        The function to call with every step.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    live = console.is_terminal and not quiet
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    line_due, bar_due = _timer(LINE_SECONDS), _timer(BAR_SECONDS)

    with Progress(*columns, console=console, transient=True, auto_refresh=live, disable=not live) as bar:
        row = bar.add_task("", total=reporter.steps, completed=reporter.start)

        def show(step: Step) -> None:
            reporter.note(step)
            if line_due() or step.step == reporter.steps:
                line = f"step {step.step:,}/{reporter.steps:,}, {reporter.line(step)}"
                line += f", {reporter.seconds_left(step):.0f} s left" if step.step < reporter.steps else ""
                log(line)
                if not live and not quiet:
                    console.print(line, soft_wrap=True)
            if live and bar_due():
                bar.update(row, completed=step.step, description=reporter.line(step))

        yield show


def _timer(seconds: float) -> Callable[[], bool]:
    """Return a function that says True when so many seconds have passed since it last did."""
    last = time.perf_counter()

    def due() -> bool:
        nonlocal last
        now = time.perf_counter()
        if now - last < seconds:
            return False
        last = now
        return True

    return due
