"""What guessing comes to on the task of a run, judged as the run will be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.doing import doing
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task


def guesses(experiment: TrainExperiment, task: Task, trials: Mapping[str, Task]) -> dict[str, Any]:
    """Return the figures of guessing, for a run's record.

    Args:
        experiment: the settings.
        task: what is learned.
        trials: by name, the task as each trial has it in which answers are shown.
    """

    def guess(task: Task) -> dict[str, Any]:
        return task.guess(experiment.training.test_sequences, experiment.seed).to_dict()

    with doing("working out what guessing comes to"):
        own = guess(task)
        others = {name: own if other is task else guess(other) for name, other in trials.items()}
    return {"held_out": own, "trials": others}
