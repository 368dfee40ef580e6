"""What a batch costs beside the training step that learns from it, for every task that makes its own data.

    python benchmarks/generation.py [NAME ...]

A batch is made of training data alone; a step is what the engine takes that the experiment would be trained with,
batches included. Both are means of as many as take half a second, in processor time on one thread; what training
costs at its start and its end is left out. A batch should cost less than a tenth of its step.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

from seqlab.configure import load_settings
from seqlab.engines import engine_of
from seqlab.errors import SeqlabError
from seqlab.fused.batches import DRAWN_PACKED, training_batches
from seqlab.fused.layout import LANES
from seqlab.session import Session, open_session
from seqlab.settings import TrainExperiment, experiment_names
from seqlab.training import new_learner

FEWEST, SECONDS = 8, 0.5
TEXTS = ("char-lm",)
"""Tasks whose one validation, at the end, is a whole text."""


def session_of(name: str, steps: int) -> Session:
    """Return an experiment of so many steps.

    Raises:
        SeqlabError: when the experiment is one of another kind, or of a text.
    """
    words = [f"training.steps={steps}", "training.evaluate_every=1000000", "training.evaluation_sequences=1"]
    experiment, _ = load_settings(name, overrides=words)
    if not isinstance(experiment, TrainExperiment) or experiment.task.name in TEXTS:
        raise SeqlabError(f"{name} is not measured.")
    return open_session(experiment)


def train(name: str, steps: int) -> float:
    """Return the processor's seconds of so many steps."""
    session = session_of(name, steps)
    training = session.experiment.training
    engine, learner = engine_of(training.engine), new_learner(session.model, training)
    engine.make_ready()
    began = time.process_time()
    for _ in engine.fit(session.experiment, session.task, [learner], [1]):
        pass
    return time.process_time() - began


def draw(name: str, batches: int) -> float:
    """Return the processor's seconds of so many batches, as the engine draws them."""
    session = session_of(name, 1)
    task, training = session.task, session.experiment.training
    began = time.process_time()
    if training.engine == "fused" and type(task) in DRAWN_PACKED:
        for _ in training_batches(task, 1000, batches, training.batch_size, 1, LANES):
            pass
    else:
        for index in range(batches):
            task.batch("train", 1000 + index, training.batch_size, 1)
    return time.process_time() - began


def each(work: Callable[[str, int], float], name: str) -> float:
    """Return the mean seconds of one, in the better of two tries."""
    work(name, FEWEST)  # the first time something is loaded
    count = max(FEWEST, int(SECONDS / (work(name, FEWEST) / FEWEST)))
    return min(work(name, 2 * count) - work(name, count) for _ in range(2)) / count


def main() -> None:
    for name in sys.argv[1:] or experiment_names():
        try:
            step, batch = each(train, name), each(draw, name)
        except SeqlabError:
            continue
        print(
            f"{name}: a batch {1e6 * batch:,.1f} us, a step {1e6 * step:,.1f} us, {batch / step:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
