"""What `seqlab train` spends around the arithmetic: data, logging, clipping, metrics, progress; in % of a step.

    python benchmarks/overhead.py [KEY=VALUE ...]

char-shakespeare with its shipped settings is trained for 300 steps with each engine, with all that the command
does: batches, the run's folder, log and figures, and a live bar that is drawn (into nothing). The arithmetic is
what a bare loop cannot do without:

    fused     the compiled function, which clips, too
    torch     forward, loss, backward, optimizer.step

All else is the loop's, in two parts. What every step costs (``loop``) is measured in processor time, over the
arithmetic's divided by the threads that share it. What is done so often a second (``progress``: the bar five
times, a live sample for at most 0.5 % of the time) is the processor time spent on it over the clock. So measured,
both hold on a busy machine. The first fifth of the steps does not count; neither do validations, checkpoints
and the three samples that a run keeps, of which there are as many as the settings say.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["FORCE_COLOR"] = "1"  # the bar is drawn though there is no terminal

import torch

from seqlab.cli.progress import Reporter, progress, sampler, text_in
from seqlab.configure import load_training
from seqlab.fused import member
from seqlab.models import SequenceModel
from seqlab.runs.machine import processors
from seqlab.session import begin, running, train
from seqlab.training import loop

STEPS = 300
SHIPPED = [f"training.{name}={STEPS}" for name in ("steps", "evaluate_every", "checkpoint_every")]


class Meter:
    """Adds up what the arithmetic takes, and what progress takes, in seconds."""

    def __init__(self) -> None:
        self.arithmetic = self.elsewhere = self.progress = 0.0
        self.deep = False
        self.readings: list[tuple[float, ...]] = []

    def inside(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the arithmetic, measured unless a measured one calls it."""

        def measured(*args: Any, **options: Any) -> Any:
            if self.deep:
                return function(*args, **options)
            self.deep = True
            whole, thread = time.process_time(), time.thread_time()
            try:
                return function(*args, **options)
            finally:
                self.arithmetic += time.process_time() - whole
                self.elsewhere += time.thread_time() - thread
                self.deep = False

        return measured

    def watching(self, watch: Callable[..., None]) -> Callable[..., None]:
        """Return the function that shows progress, measured."""

        def measured(step: object) -> None:
            thread = time.thread_time()
            watch(step)
            self.progress += time.thread_time() - thread

        return measured

    def before_each(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function before each call of which the meter is read."""

        def noted(*args: Any, **options: Any) -> Any:
            around = time.thread_time() - self.elsewhere - self.progress
            self.readings.append((self.arithmetic, around, self.progress, time.perf_counter()))
            return function(*args, **options)

        return noted


@contextmanager
def measured(meter: Meter, engine: str) -> Iterator[None]:
    """Have the meter read what an engine does."""
    if engine == "fused":
        inside: list[tuple[Any, str]] = [(member, "run"), (member, "run_spread")]
        each: tuple[Any, str] = (member.Member, "advance")
    else:
        inside = [(SequenceModel, "__call__"), (torch.Tensor, "backward"), (torch.optim.AdamW, "step")]
        inside += [(torch.nn.functional, "cross_entropy")]
        each = (loop, "train_step")
    with ExitStack() as stack:
        for owner, name in inside:
            stack.enter_context(mock.patch.object(owner, name, meter.inside(getattr(owner, name))))
        stack.enter_context(mock.patch.object(*each, meter.before_each(getattr(*each))))
        stack.enter_context(mock.patch.object(running, "SAMPLE_AT", ()))
        yield


def measure(engine: str) -> str:
    """Train with an engine, and return what the loop took."""
    words = [*SHIPPED, *sys.argv[1:], f"training.engine={engine}"]
    run, session = begin(load_training("char-shakespeare", overrides=words), command="overhead.py")
    threads = (session.experiment.compute.threads if engine == "torch" else None) or processors()
    meter = Meter()
    reporter = Reporter(session.experiment.training.steps, 0, text_in(session))
    with (
        Path(os.devnull).open("w") as nothing,
        redirect_stderr(nothing),
        progress(reporter, run.log, sample=sampler(session)) as watch,
        measured(meter, engine),
    ):
        train(run, session, watch=meter.watching(watch))
    first, last = meter.readings[len(meter.readings) // 5], meter.readings[-1]
    arithmetic, around, shown, clock = (b - a for a, b in zip(first, last, strict=True))
    arithmetic /= threads
    each_step, each_second = around / (around + arithmetic), shown / clock
    milliseconds = 1000 / (0.8 * session.experiment.training.steps)
    return (
        f"{engine:>6}: loop {each_step:.1%} ({around * milliseconds:.2f} ms, arithmetic "
        f"{arithmetic * milliseconds:.1f} ms on each of {threads} threads), progress {each_second:.1%}, "
        f"together {each_step + each_second:.1%}"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEQLAB_RUNS_DIR"] = folder
        for name in ("fused", "torch"):
            print(measure(name), flush=True)
