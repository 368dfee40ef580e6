"""Engines, which train and judge: one file each, its name the engine's. Nobody else asks which one it is.

``training.engine: auto`` asks them in their order which can train an experiment, and takes the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

import torch

from seqlab.contracts import Split
from seqlab.errors import SeqlabError, SettingsError
from seqlab.models import SequenceModel, count_parameters, outline
from seqlab.settings import TrainExperiment, engine_names
from seqlab.tasks import Task
from seqlab.training import Learner, Step, evaluate
from seqlab.training.runtime import is_here, pick_device, threads_for

PROCESSOR_UP_TO = 5_000
"""Parameters up to which compiled code on the processor is taken though there is a GPU."""

Announce = Callable[[str], None] | None
"""Called with a line on what is done, as when something must be done first that takes some seconds."""


class Refusal(NamedTuple):
    """Why an engine cannot train something.

    Attributes:
        reason: the rest of a sentence that begins with the engine.
        advice: what to say where another engine is taken for this reason, if anything.
    """

    reason: str
    advice: str | None = None


class Settled(NamedTuple):
    """Settings as an engine takes them.

    Attributes:
        experiment: nothing in it is left open.
        reason: why its precision was taken, where that was left open.
    """

    experiment: TrainExperiment
    reason: str | None = None


class Engine:
    """What trains and judges; a file of this folder holds one, called ``ENGINE``.

    An engine writes :meth:`why_not`, :meth:`settle` and :meth:`fit`; the rest is for those that have nothing
    to make ready and judge a model by its forward pass.

    Attributes:
        place: ``auto`` asks those with a smaller one first.
        together: whether it trains several learners that differ in their seed at once.
        knows_models: whether it trains only models that it knows, which need not be tried out before.
        computes_with: the packages on whose versions figures depend.
        devices: the kinds of device that it computes on; empty for all.
        by_autograd: whether it learns from the gradient that torch's autograd takes.
    """

    place: int
    together: bool = False
    knows_models: bool = False
    devices: tuple[str, ...] = ()
    by_autograd: bool = False
    computes_with: tuple[str, ...] = ("torch", "numpy")

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        raise NotImplementedError

    def settle(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device
    ) -> Settled:
        """Put what it will do in the place of what the settings leave open."""
        raise NotImplementedError

    def modules(self, task: Task) -> tuple[str, ...]:
        """Return by name the modules, beside its own, that compute for one task alone."""
        return ()

    def is_ready(self) -> bool:
        """Say whether :meth:`make_ready` has nothing to do that takes seconds."""
        return True

    def make_ready(self, announce: Announce = None, task: Task | None = None) -> None:
        """Load what it needs, and what it needs for a task alone, before a clock runs."""

    def fit(
        self,
        experiment: TrainExperiment,
        task: Task,
        learners: Sequence[Learner],
        seeds: Sequence[int],
        *,
        pause_at: Collection[int] = (),
        on_failure: Callable[[int, SeqlabError], None] | None = None,
        announce: Announce = None,
    ) -> Iterator[tuple[Step | None, ...]]:
        """Train learners to their ends, each as it would be trained alone.

        Args:
            experiment: the settings, settled.
            task: where batches come from.
            learners: that differ in nothing but their seed; changed in place.
            seeds: of each learner's data and dropout.
            pause_at: steps at which a learner must be where its step says; elsewhere an engine may have gone
                ahead of what it tells.
            on_failure: called with the place of a learner that cannot go on, and the error; the others go on.
                None to raise the error.
            announce: called with a line where training goes on otherwise than was to be expected.

        Yields:
            For each update the step of every learner, in their order; None for one that has made none.
        """
        raise NotImplementedError

    def judge(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, split: Split, sequences: int
    ) -> dict[str, float]:
        """Return the task's figures over the fixed set of a split."""
        return evaluate(model, task, task.evaluation(split, sequences, experiment.seed))


def alone(step: Step, place: int, learners: Sequence[Learner]) -> tuple[Step | None, ...]:
    """Return the steps of an update that one learner has made, and no other; see :meth:`Engine.fit`."""
    return (*(None,) * place, step, *(None,) * (len(learners) - place - 1))


@cache
def engine_of(name: str) -> Engine:
    """Return the engine of that name."""
    engine: Engine = import_module(f"seqlab.engines.{name}").ENGINE
    return engine


def take_engine(experiment: TrainExperiment, task: Task) -> tuple[TrainExperiment, str | None]:
    """Put the engine that will train in the place of ``auto``.

    Returns:
        The settings, and an advice where a faster engine was passed over for a reason that can be mended.

    Raises:
        SettingsError: when none can train this.
    """
    if experiment.training.engine != "auto":
        return experiment, None
    if (spared := _without_gpu(experiment, task)) is not None:
        return spared
    advice, reasons = None, []
    for name in sorted(engine_names(), key=lambda name: engine_of(name).place):
        refusal = engine_of(name).why_not(experiment, task)
        if refusal is None:
            return with_engine(experiment, name), advice
        advice = advice or refusal.advice
        reasons.append(f"{name}: {refusal.reason}")
    raise SettingsError(f"No engine can train this ({'; '.join(reasons)}).")


def _without_gpu(experiment: TrainExperiment, task: Task) -> tuple[TrainExperiment, str] | None:
    """Leave a GPU alone that is slower: small networks train by compiled code on the processor.

    So it is where neither the settings nor SEQLAB_DEVICE name a device. None where the GPU is taken, or there
    is none.
    """
    chosen = experiment.compute.device != "auto" or "SEQLAB_DEVICE" in os.environ
    if chosen or pick_device("auto").type == "cpu":
        return None
    if count_parameters(outline(experiment.model, task.spec)) > PROCESSOR_UP_TO:
        return None
    compute = experiment.compute.model_copy(update={"device": "cpu"})
    here, _ = take_engine(experiment.model_copy(update={"compute": compute}), task)
    if engine_of(here.training.engine).by_autograd:
        return None
    return (
        here,
        "A network this small trains faster on the processor than on the GPU: --device cuda takes that.",
    )


def settle(experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device) -> Settled:
    """Return the settings with an engine as they will be taken: nothing is left open.

    Args:
        experiment: whose engine is taken already.
        task: built from it.
        model: likewise; an outline of it will do.
        device: where.
    """
    threads = experiment.compute.threads or threads_for(count_parameters(model))
    compute = experiment.compute.model_copy(update={"threads": threads})
    experiment = experiment.model_copy(update={"compute": compute})
    return engine_of(experiment.training.engine).settle(experiment, task, model, device)


def with_engine(experiment: TrainExperiment, engine: str) -> TrainExperiment:
    """Return the settings with an engine."""
    training = experiment.training.model_copy(update={"engine": engine})
    return experiment.model_copy(update={"training": training})


def as_it_can_be_here(experiment: TrainExperiment) -> TrainExperiment:
    """Return the settings of a run for this machine, which may have other devices than the run's.

    Where the settings leave the device open, it is one that the run's engine computes on. What there is not
    here is left open.
    """
    if experiment.training.engine == "auto":
        return experiment
    kinds = engine_of(experiment.training.engine).devices
    wanted = [experiment.compute.device]
    if wanted == ["auto"] and "SEQLAB_DEVICE" not in os.environ:
        wanted = [*kinds] or wanted
    device = next(filter(is_here, wanted), "auto")
    compute = experiment.compute.model_copy(update={"device": device})
    experiment = experiment.model_copy(update={"compute": compute})
    return experiment if not kinds or pick_device(device).type in kinds else with_engine(experiment, "auto")


def check_engine(experiment: TrainExperiment, task: Task) -> None:
    """Raise a SettingsError when the engine of the settings cannot train this."""
    engine = experiment.training.engine
    refusal = engine_of(engine).why_not(experiment, task)
    if refusal is not None:
        raise SettingsError(
            f"training.engine is {engine}, which cannot train this: {refusal.reason}.",
            hint="training.engine=auto takes one that can.",
        )
