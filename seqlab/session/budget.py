"""A time budget turned into a number of steps, before the run: so the run that is recorded is still exact."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from itertools import islice

from seqlab.engines import Announce, check_engine, engine_of
from seqlab.errors import UsageError
from seqlab.session.mixing import mix_with_counts
from seqlab.session.opening import open_session
from seqlab.settings import TrainExperiment
from seqlab.training import evaluate, new_learner

MEASURED_SHARE = 0.05
"""Of the budget, spent on measuring."""

ENDLESS = 10**9
"""Steps, between validations too: none is made while steps are timed."""


@dataclass(frozen=True)
class Speed:
    """What a run costs, measured.

    Attributes:
        step_seconds: one training step.
        validation_seconds: one validation.
        test_seconds: the judgement at the end.
        first_loss: the loss of the first batch.
        parameters: of the model.
        steps: that a run of these settings makes.
    """

    step_seconds: float
    validation_seconds: float
    test_seconds: float
    first_loss: float
    parameters: int
    steps: int

    def seconds_for(self, experiment: TrainExperiment) -> float:
        """Return the seconds that a run of these settings takes if it uses all its steps."""
        validations = -(-self.steps // experiment.training.evaluate_every)
        return self.steps * self.step_seconds + validations * self.validation_seconds + self.test_seconds


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


def measure(experiment: TrainExperiment, seconds: float, announce: Announce = None) -> Speed:
    """Take steps with a throw-away model for about so many seconds, at least two, and time them.

    The first, in which much is loaded, does not count; nor does compiling, as ``announce`` then says.
    """
    session = open_session(experiment)
    check_engine(session.experiment, session.task)
    engine = engine_of(session.experiment.training.engine)
    engine.make_ready(announce, session.task)
    settings, seed = session.experiment.training, experiment.seed
    endless = settings.model_copy(update={"steps": ENDLESS, "evaluate_every": ENDLESS})
    endless_experiment = session.experiment.model_copy(update={"training": endless})
    learner = new_learner(session.model, endless)
    steps = engine.fit(endless_experiment, session.task, [learner], [seed])
    readings = [time.perf_counter()]
    first_loss = math.nan
    for (step,) in islice(steps, max(settings.steps, 1)):
        assert step is not None
        first_loss = step.loss if step.step == 1 else first_loss
        readings.append(time.perf_counter())
        if step.step == learner.step > 1 and readings[-1] >= readings[1] + seconds:
            break
    made = readings[1:] if len(readings) > 2 else readings
    typical = (made[-1] - made[0]) / (len(made) - 1)
    started = time.perf_counter()
    judged = engine.judge(
        session.experiment, session.task, session.model, "validation", settings.evaluation_sequences
    )
    validation = time.perf_counter() - started
    test = validation  # where the task took what there is, a text
    if judged.get("sequences") == settings.evaluation_sequences:
        test *= settings.test_sequences / settings.evaluation_sequences
    test *= 1 + sum(not trial.is_ordinary for trial in session.trials.values())
    if session.experiment.mixture is not None:
        started = time.perf_counter()
        mixture = mix_with_counts(session.model, session.task, session.experiment.mixture)
        evaluate(mixture, session.task, session.task.evaluation("validation", 0, seed))
        test += (time.perf_counter() - started) * 2  # in the other trials, too, but counted once
    parameters = sum(weight.numel() for weight in session.model.parameters())
    return Speed(typical, validation, test, first_loss, parameters, settings.steps)


def steps_within(experiment: TrainExperiment, seconds: float, announce: Announce = None) -> int:
    """Return how many steps, with their validations and the judgement at the end, fit into so many seconds.

    Raises:
        UsageError: when not even one step fits.
    """
    speed = measure(experiment, seconds * MEASURED_SHARE, announce)
    per_step = speed.step_seconds + speed.validation_seconds / experiment.training.evaluate_every
    steps = int((seconds * (1 - MEASURED_SHARE) - speed.test_seconds) / per_step)
    if steps < 1:
        raise UsageError(
            f"A budget of {seconds:.0f} s is too small: one step takes {speed.step_seconds:.2f} s, "
            f"the judgement at the end {speed.test_seconds:.1f} s."
        )
    return steps
