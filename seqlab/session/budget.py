"""A time budget turned into a number of steps, before the run: so the run that is recorded is still exact."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from seqlab.errors import UsageError
from seqlab.session.opening import open_session
from seqlab.settings import TrainExperiment
from seqlab.training.evaluation import evaluate
from seqlab.training.loop import new_learner, train_step
from seqlab.training.runtime import autocast

MEASURED_SHARE = 0.05
"""Of the budget, spent on measuring."""


@dataclass(frozen=True)
class Speed:
    """What a run costs, measured.

    Attributes:
        step_seconds: one training step.
        validation_seconds: one validation.
        test_seconds: the judgement at the end.
        first_loss: the loss of the first batch.
        parameters: of the model.
    """

    step_seconds: float
    validation_seconds: float
    test_seconds: float
    first_loss: float
    parameters: int

    def seconds_for(self, experiment: TrainExperiment) -> float:
        """Return the seconds that a run of these settings takes if it uses all its steps."""
        training = experiment.training
        validations = -(-training.steps // training.evaluate_every)
        return training.steps * self.step_seconds + validations * self.validation_seconds + self.test_seconds


def parse_seconds(text: str) -> float:
    """Read a time span.

    >>> parse_seconds("90s"), parse_seconds("1.5m"), parse_seconds("1h")
    (90.0, 90.0, 3600.0)

    Raises:
        UsageError: when the text is no positive time span.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is not a time span.", hint="Write it as 90s, 5m or 1h.")
    if float(match[1]) == 0:
        raise UsageError(f"In {text!r} nothing can be trained.", hint="Write more, as 90s, 5m or 1h.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def measure(experiment: TrainExperiment, seconds: float) -> Speed:
    """Take steps with a throw-away model for about so many seconds, at least one, and time them."""
    session = open_session(experiment)
    task, training, seed = session.task, experiment.training, experiment.seed
    learner = new_learner(session.model, training)
    precision = autocast(session.experiment.compute.precision, session.device)
    times: list[float] = []
    losses: list[float] = []
    until = time.perf_counter() + seconds
    while not times or (len(times) < training.steps and time.perf_counter() < until):
        started = time.perf_counter()
        batch = task.batch("train", len(times), training.batch_size, seed).to(session.device)
        losses.append(train_step(learner, task, batch, training, precision)[0])
        times.append(time.perf_counter() - started)
    typical = sorted(times)[len(times) // 2]
    started = time.perf_counter()
    evaluate(session.model, task, task.evaluation("validation", training.evaluation_sequences, seed))
    validation = time.perf_counter() - started
    if task.protocols:  # the judgement at the end reads the whole text once in each protocol
        test = validation * len(task.protocols)
    else:
        test = validation * training.test_sequences / training.evaluation_sequences
    return Speed(
        typical, validation, test, losses[0], sum(weight.numel() for weight in session.model.parameters())
    )


def steps_within(experiment: TrainExperiment, seconds: float) -> int:
    """Return how many steps, with their validations and the judgement at the end, fit into so many seconds.

    Raises:
        UsageError: when not even one step fits.
    """
    speed = measure(experiment, seconds * MEASURED_SHARE)
    per_step = speed.step_seconds + speed.validation_seconds / experiment.training.evaluate_every
    steps = int((seconds * (1 - MEASURED_SHARE) - speed.test_seconds) / per_step)
    if steps < 1:
        raise UsageError(
            f"A budget of {seconds:.0f} s is too small: one step takes {speed.step_seconds:.2f} s, "
            f"the judgement at the end {speed.test_seconds:.1f} s."
        )
    return steps
