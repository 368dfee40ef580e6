"""The fused engine: small recurrent networks, several seeds at once, trained by compiled code.

A small network spends its time in the overhead of the many small operations of each step. Here the whole
training step is one compiled function, made by Numba (``pip install 'seqlab[fast]'``). Learners, records and
checkpoints are those of :mod:`seqlab.training`, so a run can be begun with one engine and resumed with the
other.

:func:`why_not` says whether it can be used, :func:`make_ready` loads the compiled code, :func:`fit_together`
trains, :func:`evaluate` judges. Numba is imported only where compiled code is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from seqlab.compiling import BROKEN
from seqlab.errors import SeqlabError
from seqlab.fused.choice import NO_NUMBA, why_not
from seqlab.fused.engine import Engine
from seqlab.fused.judging import evaluate
from seqlab.fused.kernels import run
from seqlab.settings import Training
from seqlab.tasks import Task
from seqlab.training import Learner, Step

__all__ = ["BROKEN", "NO_NUMBA", "evaluate", "fit_together", "is_compiled", "make_ready", "why_not"]

COMPILING = "Compiling the fused engine; this takes some 25 seconds, once."


def fit_together(
    learners: Sequence[Learner],
    task: Task,
    settings: Training,
    seeds: Sequence[int],
    *,
    threads: int | None = None,
    ahead: int = 64,
    pause_at: Sequence[int] = (),
    on_failure: Callable[[int, SeqlabError], None] | None = None,
) -> Iterator[tuple[Step | None, ...]]:
    """Train several learners at once, each as :func:`seqlab.training.fit` would train it.

    Several updates are made ahead of what is yielded, so between two pauses a learner is further than its
    step says; wherever ``step.step == learner.step`` it is where the step says, and can be saved, judged or
    sampled from. That is so at least at every multiple of ``evaluate_every`` and of ``checkpoint_every``, at
    ``pause_at`` and at the end. What a learner learns does not depend on its company, on ``threads`` or on
    ``ahead``.

    Args:
        learners: for all of which :func:`why_not` is None; changed in place. Their weights and what their
            optimisers keep become views of the engine's memory.
        task: where batches come from.
        settings: how to train.
        seeds: of each learner's data.
        threads: seeds that advance at the same time; None for the number of cores.
        ahead: most updates between two pauses; fewer are made where they take longer than a tenth of a
            second.
        pause_at: further steps at which the learners shall be where the step says.
        on_failure: called with the place of a learner whose loss is not finite, and the error; the others go
            on. None to raise the error.

    Yields:
        For each update the step of every learner, in their order; None for one that has ended.

    Raises:
        NonFiniteLossError: when a loss or gradient is not finite and there is no ``on_failure``.
    """
    engine = Engine(learners, task, settings, seeds, ahead=ahead, pause_at=pause_at)
    yield from engine.fit(threads, on_failure)


def make_ready(announce: Callable[[str], None] | None = None) -> None:
    """Load the compiled code, and compile it first where that has not been done on this machine.

    It is for before a clock runs: whatever is not ready is made so at the first step.

    Args:
        announce: called with a line when the code must be compiled, which takes some seconds.

    Raises:
        EngineError: when Numba does not work on this machine.
    """
    if announce is not None and not is_compiled():
        announce(COMPILING)
    run.load()


def is_compiled() -> bool:
    """Say whether nothing must be compiled that takes more than a second or two."""
    return run.is_compiled()
