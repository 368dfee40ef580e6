"""How a training run is shown while it goes: a live bar on a terminal, plain lines elsewhere.

A language model also writes a little now and then: below the bar, or as a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from seqlab.cli.console import PATIENCE, stderr, tell
from seqlab.cli.language_model import harmless, visible
from seqlab.doing import listening

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import Progress

    from seqlab.session import Session
    from seqlab.settings import Training
    from seqlab.tasks import Task
    from seqlab.training import Step

BAR_SECONDS, LINE_SECONDS = 0.2, 5.0
LIVE_SAMPLE_SECONDS, LINE_SAMPLE_SECONDS = 5.0, 60.0
SAMPLE_SHARE = 0.005
"""Of the time, spent on samples to be looked at, at most."""

SAMPLE_LENGTH, SAMPLE_LINES = 200, 6


def sampler(session: Session) -> Callable[[], str] | None:
    """Return what writes a short sample with a session's model as it is; None where it writes none."""
    from seqlab.session.recording import write_sample

    sample = session.task.sample
    if sample is None or sample.length < SAMPLE_LENGTH:
        return None
    return lambda: harmless(write_sample(session, SAMPLE_LENGTH))


class Reporter:
    """Words the steps of a run.

    Args:
        task: what is learned.
        training: how.
        start: updates made before this process.
    """

    def __init__(self, task: Task, training: Training, start: int) -> None:
        self.task, self.training = task, training
        self.steps, self.start = training.steps, start
        self.began = time.perf_counter()
        self.best: Mapping[str, float] | None = None

    def note(self, step: Step) -> None:
        """Remember the best validation."""
        if step.validation is None:
            return
        found = step.validation.metrics
        if self.best is None or self.task.score(found) < self.task.score(self.best):
            self.best = found

    def line(self, step: Step) -> str:
        """Return what is known at a step, in one line."""
        rate = (step.step - self.start) / max(time.perf_counter() - self.began, 1e-9)
        parts = self.task.progress(step.smoothed_loss, rate, self.training.batch_size)
        if self.best is not None:
            parts.append(f"best validation {self._best(self.best)}")
        return ", ".join(parts)

    def _best(self, figures: Mapping[str, float]) -> str:
        """Word the figure that the best weights are chosen by: the loss or, without one, the metric."""
        metric = self.task.metric
        return f"{figures['loss']:.4f}" if "loss" in figures else f"{metric.title} {figures[metric.name]:.4g}"

    def seconds_left(self, step: Step) -> float:
        """Return the seconds that the rest will take at the pace so far."""
        elapsed = time.perf_counter() - self.began
        return (self.steps - step.step) * elapsed / max(step.step - self.start, 1)


@contextmanager
def progress(
    reporter: Reporter,
    log: Callable[[str], None],
    *,
    quiet: bool = False,
    sample: Callable[[], str] | None = None,
) -> Iterator[Callable[[Step], None]]:
    """Show a run's progress on stderr and in its log.

    Args:
        reporter: words the steps.
        log: takes the plain lines, for train.log.
        quiet: whether the screen stays empty.
        sample: writes what is shown now and then; None for a run that writes nothing.

    Yields:
        The function to call with every step.
    """
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = stderr()
    live = console.is_terminal and not quiet
    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)  # as much as there is room for
    width = 40 if console.width >= 120 else 12
    columns = (
        BarColumn(width, table_column=Column(min_width=width)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.description}", table_column=rest),
    )
    line_due, bar_due = _timer(LINE_SECONDS, PATIENCE), _timer(BAR_SECONDS)
    pause = LIVE_SAMPLE_SECONDS if live else LINE_SAMPLE_SECONDS
    sample_at = time.perf_counter() + pause
    written = ""
    bar = Progress(*columns, console=console, auto_refresh=False, expand=True)
    row = bar.add_task("", total=reporter.steps, completed=reporter.start)
    screen = Live(bar, console=console, transient=True, auto_refresh=False) if live else None

    def say(line: str) -> None:
        log(line)
        if not live and not quiet:
            tell(line, console=console)

    def show(step: Step) -> None:
        nonlocal written, sample_at
        reporter.note(step)
        if line_due() or step.step == reporter.steps:
            line = f"step {step.step:,}/{reporter.steps:,}, {reporter.line(step)}"
            line += f", {reporter.seconds_left(step):.0f} s left" if step.step < reporter.steps else ""
            say(line)
        began = time.perf_counter()
        if sample is not None and not quiet and began >= sample_at:
            written = sample()
            sample_at = began + max(pause, (time.perf_counter() - began) / SAMPLE_SHARE)
            if not live:
                say(f"sample: {visible(written.strip())}")
        if screen is not None and bar_due():
            bar.update(row, completed=step.step, description=reporter.line(step))
            screen.update(_picture(bar, written), refresh=True)

    def judging(what: str | None) -> None:
        if screen is not None and what is not None:
            bar.update(row, description=what)
            screen.update(_picture(bar, written), refresh=True)

    with screen or nullcontext(), listening(judging) if live else nullcontext():
        yield show


def _picture(bar: Progress, written: str) -> Group:
    """Put the beginning of the latest sample below the bar."""
    from rich.console import Group
    from rich.text import Text as Plain

    lines = [line for line in written.splitlines() if line.strip()][:SAMPLE_LINES]
    return Group(bar, *(Plain(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines))


def _timer(seconds: float, first: float | None = None) -> Callable[[], bool]:
    """Return a function that says True when so many seconds have passed since it last did; first earlier."""
    last = time.perf_counter() - (0.0 if first is None else seconds - first)

    def due() -> bool:
        nonlocal last
        now = time.perf_counter()
        if now - last < seconds:
            return False
        last = now
        return True

    return due
