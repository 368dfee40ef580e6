"""Which engine trains an experiment: torch, or the code of :mod:`seqlab.fused`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from seqlab.contracts import Split
from seqlab.errors import SeqlabError, SettingsError
from seqlab.fused import BROKEN, NO_NUMBA, fit_together, make_ready, why_not
from seqlab.fused import evaluate as evaluate_fused
from seqlab.models import SequenceModel
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training import Learner, Step, evaluate, fit
from seqlab.training.runtime import autocast, pick_device

ADVICE = "Such a small network trains many times faster with Numba: pip install 'seqlab[fast]'"

TOGETHER = ("fused",)
"""Engines that train several seeds at once."""


def take_engine(experiment: TrainExperiment, task: Task) -> tuple[TrainExperiment, str | None]:
    """Put the engine that will train in the place of ``auto``.

    Returns:
        The settings, and an advice where only Numba stood in the way of the faster engine.
    """
    if experiment.training.engine != "auto":
        return experiment, None
    reason = why_not(experiment, task)
    advice = ADVICE if reason == NO_NUMBA else None
    if reason is not None and reason.startswith(BROKEN):
        advice = f"{reason}, so torch trains."
    return with_engine(experiment, "fused" if reason is None else "torch"), advice


def with_engine(experiment: TrainExperiment, engine: str) -> TrainExperiment:
    """Return the settings with an engine."""
    training = experiment.training.model_copy(update={"engine": engine})
    return experiment.model_copy(update={"training": training})


def check_engine(experiment: TrainExperiment, task: Task) -> None:
    """Raise a SettingsError when the engine of the settings cannot train this."""
    engine = experiment.training.engine
    reason = why_not(experiment, task) if engine == "fused" else None
    if reason is not None:
        raise SettingsError(
            f"training.engine is {engine}, which cannot train this: {reason}.",
            hint="training.engine=auto takes torch where it must.",
        )


def make_engine_ready(experiment: TrainExperiment, announce: Callable[[str], None] | None = None) -> None:
    """Load what the engine of the settings needs, before a clock runs.

    Args:
        experiment: the settings.
        announce: called with a line when code must be compiled first, which takes some seconds, once.
    """
    if experiment.training.engine == "fused":
        make_ready(announce)


def steps_of(
    experiment: TrainExperiment,
    task: Task,
    learners: Sequence[Learner],
    seeds: Sequence[int],
    *,
    pause_at: Collection[int] = (),
    on_failure: Callable[[int, SeqlabError], None] | None = None,
) -> Iterator[tuple[Step | None, ...]]:
    """Train learners with the engine that the settings name; see :func:`seqlab.fused.fit_together`.

    Torch trains them one after the other.
    """
    settings = experiment.training
    if settings.engine == "fused":
        yield from fit_together(
            learners, task, settings, seeds, threads=experiment.compute.threads, pause_at=sorted(pause_at),
            on_failure=on_failure,
        )  # fmt: skip
        return
    precision = autocast(experiment.compute.precision, pick_device(experiment.compute.device))
    for place, (learner, seed) in enumerate(zip(learners, seeds, strict=True)):
        try:
            for step in fit(learner, task, settings, seed, precision):
                yield (*(None,) * place, step, *(None,) * (len(learners) - place - 1))
        except SeqlabError as error:
            if on_failure is None:
                raise
            on_failure(place, error)


def judge(
    experiment: TrainExperiment, task: Task, model: SequenceModel, split: Split, sequences: int
) -> dict[str, float]:
    """Return the task's metrics over the fixed set of a split, computed by the engine of the settings."""
    if experiment.training.engine == "fused":
        return evaluate_fused(model, task, split, sequences, experiment.seed)
    return evaluate(model, task, task.evaluation(split, sequences, experiment.seed))
