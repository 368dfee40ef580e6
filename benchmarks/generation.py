"""What a batch costs beside the training step that learns from it, for every task that makes its own data.

    python benchmarks/generation.py [NAME ...]

A batch is made of training data alone; a step is what the engine takes that the experiment would be trained with,
batches included. Both are means of 24, in processor time; a batch is of one thread. A batch should cost less than a
tenth of its step.
"""

from __future__ import annotations

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

from seqlab.configure import load_settings
from seqlab.engines import engine_of
from seqlab.errors import SeqlabError
from seqlab.session import open_session
from seqlab.settings import TrainExperiment, experiment_names
from seqlab.training import new_learner

STEPS = 24
TEXTS = ("char-lm",)
"""Tasks whose one validation, at the end, is a whole text."""


def seconds(experiment: TrainExperiment) -> tuple[float, float]:
    """Return the mean seconds of a batch, and of a whole step."""
    session = open_session(experiment)
    experiment, task, size = session.experiment, session.task, session.experiment.training.batch_size
    engine = engine_of(experiment.training.engine)
    engine.make_ready()
    for _ in range(2):  # the first time something is loaded
        began = time.thread_time()
        for index in range(STEPS):
            task.batch("train", 1000 + index, size, 1)
        batches = time.thread_time() - began
        learner = new_learner(session.model, experiment.training)
        began = time.process_time()
        for _ in engine.fit(experiment, task, [learner], [1]):
            pass
        steps = time.process_time() - began
    return batches / STEPS, steps / STEPS


def main() -> None:
    for name in sys.argv[1:] or experiment_names():
        words = [f"training.steps={STEPS}", "training.evaluate_every=1000", "training.evaluation_sequences=1"]
        try:
            experiment, _ = load_settings(name, overrides=words)
            if isinstance(experiment, TrainExperiment) and experiment.task.name not in TEXTS:
                batch, step = seconds(experiment)
                print(f"{name}: a batch {1e3 * batch:.2f} ms, a step {1e3 * step:.2f} ms, {batch / step:.1%}")
        except SeqlabError:
            continue  # an experiment of another kind


if __name__ == "__main__":
    main()
