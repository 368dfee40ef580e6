"""The engine of models that count: one step, in which the whole training text is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import torch

from seqlab.engines import Announce, Engine, Refusal, Settled, alone
from seqlab.errors import SeqlabError
from seqlab.models import SequenceModel, read_batch
from seqlab.registry import load
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.text.ngram import check_countable
from seqlab.training import Learner, Step
from seqlab.training.loop import note_step, validate


class Counting(Engine):
    """Its loss is that of the first batch once the text has been counted; there is no gradient."""

    place = 0

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        if not getattr(load("model", experiment.model.name), "counts", False):
            return Refusal("the model does not count")
        check_countable(len(task.text("train")))  # or it is said here that there is none
        return None

    def settle(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device
    ) -> Settled:
        """Take one step, in float32, from which there is nothing to average."""
        training = experiment.training.model_copy(update={"steps": 1, "averaging": None})
        compute = experiment.compute.model_copy(update={"precision": "fp32"})
        return Settled(experiment.model_copy(update={"training": training, "compute": compute}))

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
        """Let each learner count; see :meth:`seqlab.engines.Engine.fit`."""
        settings = experiment.training
        for place, (learner, seed) in enumerate(zip(learners, seeds, strict=True)):
            if learner.step:
                continue
            learner.model.count(task.text("train"))
            batch = task.batch("train", 0, settings.batch_size, seed)
            outputs, _ = read_batch(learner.model, batch)
            loss = float(task.loss(outputs.float(), batch))
            smoothed = note_step(learner, loss, 0.0, len(batch.inputs))
            validation = validate(learner, task, settings, seed)
            sequences = learner.counters["sequences"]
            step = Step(1, sequences, loss, smoothed, 0.0, settings.learning_rate, validation)
            yield alone(step, place, learners)


ENGINE = Counting()
