"""The torch engine: the training loop, for every model that learns by gradient, on every device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import torch

from seqlab.engines import Announce, Engine, Refusal, Settled, alone
from seqlab.errors import SeqlabError
from seqlab.models import SequenceModel, count_parameters
from seqlab.registry import load
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training import Learner, Step, fit
from seqlab.training.memory import within_memory
from seqlab.training.precision import take_precision
from seqlab.training.runtime import autocast, pick_device


class Torch(Engine):
    """It trains learners one after the other."""

    place, by_autograd = 3, True

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        if getattr(load("model", experiment.model.name), "counts", False):
            return Refusal("the model counts, and has no gradient")
        if getattr(load("model", experiment.model.name), "guesses", 0):
            return Refusal("the model guesses, and has no gradient")
        return None

    def settle(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device
    ) -> Settled:
        """Take a precision."""
        wanted = experiment.compute.precision
        precision, reason = take_precision(wanted, device, count_parameters(model), model.bfloat16_from)
        compute = experiment.compute.model_copy(update={"precision": precision})
        return Settled(experiment.model_copy(update={"compute": compute}), reason)

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
        """Train learners one after the other; see :meth:`seqlab.engines.Engine.fit`."""
        for place, (learner, seed) in enumerate(zip(learners, seeds, strict=True)):
            try:
                with within_memory(experiment, task, learner.model):
                    for step in self.steps(experiment, task, learner, seed, pause_at, announce):
                        yield alone(step, place, learners)
            except SeqlabError as error:
                if on_failure is None:
                    raise
                on_failure(place, error)

    def steps(
        self,
        experiment: TrainExperiment,
        task: Task,
        learner: Learner,
        seed: int,
        pause_at: Collection[int],
        announce: Announce,
    ) -> Iterator[Step]:
        """Train one learner; the arguments are those of :meth:`fit`."""
        precision = autocast(experiment.compute.precision, pick_device(experiment.compute.device))
        return fit(learner, task, experiment.training, seed, precision)


ENGINE = Torch()
