"""What guessing comes to on the task of a run, judged as the run will be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.doing import doing
from seqlab.settings import TrainExperiment
from seqlab.tasks import Guess, Task, Trial


def guesses(
    experiment: TrainExperiment, task: Task, trials: Mapping[str, tuple[Trial, Task]]
) -> dict[str, Any]:
    """Return the figures of guessing, for a run's record.

    Args:
        experiment: the settings.
        task: what is learned.
        trials: by name, with the task as each has it.
    """
    count, seed = experiment.training.test_sequences, experiment.seed

    def guess(trial: Trial, judged: Task) -> Guess | None:
        if trial.answers != "shown":
            return judged.guess_written(count, seed)
        return own if judged is task else judged.guess(count, seed)

    with doing("working out what guessing comes to"):
        own = task.guess(count, seed)
        others = {name: guess(*judged) for name, judged in trials.items()}
    return {
        "held_out": own.to_dict(),
        "trials": {name: found.to_dict() for name, found in others.items() if found is not None},
    }
