"""Training that ends after so many passes over the data: what is seen often enough is learned by heart."""

from __future__ import annotations

from math import ceil

from seqlab.settings import TrainExperiment
from seqlab.tasks import Task


def within_passes(experiment: TrainExperiment, task: Task) -> tuple[TrainExperiment, str | None]:
    """Return the settings with no more steps than ``training.passes`` allows; a note on what that does.

    Each pass is then validated. Settings that have been through this once stay as they are.

    Args:
        experiment: the settings.
        task: built from them.
    """
    training = experiment.training
    steps_of_a_pass = task.steps_of_a_pass(training.batch_size)
    if training.passes is None:
        return experiment, None
    if steps_of_a_pass is None:
        return experiment, (
            f"training.passes={training.passes:g} changes nothing: the data of this task have no end. "
            "training.steps says how long it is trained."
        )
    steps = ceil(training.passes * steps_of_a_pass)
    if steps >= training.steps:
        return experiment, None
    fewer = {"steps": steps, "evaluate_every": min(training.evaluate_every, max(1, round(steps_of_a_pass)))}
    note = (
        f"{steps:,} steps instead of {training.steps:,}: these are training.passes={training.passes:g} "
        "passes over the data, beyond which it would be learned by heart."
    )
    return experiment.model_copy(update={"training": training.model_copy(update=fewer)}), note
