"""What a batch costs beside the training step that learns from it, for every task that makes its own data.

    python benchmarks/generation.py [NAME ...] [KEY=VALUE ...]

A batch is made of training data alone, as the engine has it drawn; a step is what that engine takes that the
experiment would be trained with, batches included. Both are means, in processor time on one thread, of as many as take
half a second at least, the best of five tries, since neighbours on the machine only ever slow them down; what
training costs at its start and its end is left out. A batch should cost less than a tenth of its step.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from itertools import count

os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

from seqlab.configure import load_settings
from seqlab.engines import engine_of
from seqlab.errors import SeqlabError
from seqlab.fused.batches import training_batches
from seqlab.fused.drawing import drawer_of
from seqlab.fused.layout import LANES
from seqlab.session import Session, open_session
from seqlab.settings import TrainExperiment, experiment_names
from seqlab.training import new_learner

FEWEST, SECONDS, TRIES, AHEAD = 8, 0.5, 5, 64
STARTS = count(0, 2_000_000)
"""Numbers of batches from which each measurement draws, so that none finds what the one before it has kept."""
TEXTS = ("char-lm",)
"""Tasks whose one validation, at the end, is a whole text."""


def makes_data(name: str) -> bool:
    """Say whether an experiment trains one model, and on what is drawn anew."""
    experiment, _ = load_settings(name)
    return isinstance(experiment, TrainExperiment) and experiment.task.name not in TEXTS


def session_of(name: str, steps: int) -> Session:
    """Return an experiment of so many steps."""
    words = [f"training.steps={steps}", "training.evaluate_every=1000000", "training.evaluation_sequences=1"]
    words += [word for word in sys.argv[1:] if "=" in word]
    experiment, _ = load_settings(name, overrides=words)
    assert isinstance(experiment, TrainExperiment)
    return open_session(experiment)


def train(name: str, steps: int) -> float:
    """Return the processor's seconds of so many steps."""
    session = session_of(name, steps)
    training = session.experiment.training
    engine, learner = engine_of(training.engine), new_learner(session.model, training)
    engine.make_ready(task=session.task)
    began = time.process_time()
    for _ in engine.fit(session.experiment, session.task, [learner], [1]):
        pass
    return time.process_time() - began


def draw(name: str, batches: int) -> float:
    """Return the processor's seconds of so many batches."""
    session = session_of(name, 1)
    task, training, start = session.task, session.experiment.training, next(STARTS)
    is_packed = training.engine == "fused" and drawer_of(task) is not None
    began = time.process_time()
    for first in range(start, start + batches, AHEAD):
        ahead = min(AHEAD, start + batches - first)
        if is_packed:
            for _ in training_batches(task, first, ahead, training.batch_size, 1, LANES):
                pass
            continue
        for index in range(first, first + ahead):
            task.batch("train", index, training.batch_size, 1)
    return time.process_time() - began


def each(work: Callable[[str, int], float], name: str) -> float:
    """Return the mean seconds of one: what many take longer than a few, shared among those that they are more."""
    few, more = min(work(name, FEWEST) for _ in range(TRIES)), FEWEST
    while work(name, FEWEST + more) - few < SECONDS:
        more *= 2
    most = min(work(name, FEWEST + more) for _ in range(TRIES))
    return (most - few) / more


def main() -> None:
    for name in [word for word in sys.argv[1:] if "=" not in word] or filter(makes_data, experiment_names()):
        try:
            step, batch = each(train, name), each(draw, name)
        except SeqlabError as error:
            print(f"{name}: {error}", flush=True)
            continue
        print(
            f"{name}: a batch {1e6 * batch:,.1f} us, a step {1e6 * step:,.1f} us, {batch / step:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
