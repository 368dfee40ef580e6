"""Which settings change the data that models are judged on: figures across these cannot be held together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from seqlab.comparison.entrants import Grid
from seqlab.settings import TrainExperiment
from seqlab.tasks import build_task


def level_keys(grid: Grid, load: Callable[[Sequence[str]], TrainExperiment]) -> frozenset[str]:
    """Return the keys of a sweep whose values change what is judged; each value of one is a level of its own.

    An option of the task that only training knows (through how many steps the gradient flows) is none.

    Args:
        grid: settings that take several values.
        load: reads the settings, with words ``key=value`` laid over them.
    """
    first = {key: f"{key}={values[0]}" for key, values in grid.items()}

    def differs(key: str) -> bool:
        words = [[*({**first, key: f"{key}={value}"}).values()] for value in grid[key]]
        return len({what_is_judged(load(some)) for some in words}) > 1

    return frozenset(key for key in grid if key.startswith("task.") and len(grid[key]) > 1 and differs(key))


def what_is_judged(experiment: TrainExperiment) -> str:
    """Return what is equal for experiments that are judged on the same data: of the first batches, a hash."""
    task, training = build_task(experiment.task), experiment.training
    digest = hashlib.sha256(repr([metric.to_dict() for metric in task.metrics]).encode())
    digest.update(b"" if task.data is None else task.data.sha256.encode())
    validation = task.evaluation("validation", training.evaluation_sequences, experiment.seed)
    test = task.evaluation("test", training.test_sequences, experiment.seed)
    for batch in (next(validation), next(test)):
        for part in (batch.inputs, batch.targets, batch.mask, *batch.context.values()):
            if part is not None:
                digest.update(str(part.shape).encode() + part.numpy(force=True).tobytes())
    return digest.hexdigest()
