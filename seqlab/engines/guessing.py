"""The engine of models that guess: at each step weights are drawn many times, and the best are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor
from torch.func import functional_call

from seqlab.contracts import Batch, torch_stream
from seqlab.engines import Announce, Engine, Refusal, Settled, alone
from seqlab.errors import SeqlabError
from seqlab.models import SequenceModel
from seqlab.registry import load
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training import Learner, Step
from seqlab.training.loop import note_step, validate

Weights = dict[str, Tensor]


class Guessing(Engine):
    """There is no gradient; sequences are counted once for every guess that is judged by them."""

    place = 0

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        if not getattr(load("model", experiment.model.name), "guesses", 0):
            return Refusal("the model does not guess")
        return None

    def settle(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device
    ) -> Settled:
        """Compute in float32; weights that jump are not averaged."""
        training = experiment.training.model_copy(update={"averaging": None})
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
        """Let the learners guess one after the other; see :meth:`seqlab.engines.Engine.fit`."""
        settings = experiment.training
        for place, (learner, seed) in enumerate(zip(learners, seeds, strict=True)):
            while learner.step < settings.steps and not learner.counters["ended"]:
                index = learner.step
                batch = task.batch("train", index, settings.batch_size, seed)
                guesses = drawn(learner.model, torch_stream(seed, "guesses", index))
                losses = judged(learner.model, guesses, task, batch)
                best = int(losses.argmin())
                learner.model.load_state_dict({name: weight[best] for name, weight in guesses.items()})
                loss, seen = float(losses[best]), len(losses) * len(batch.inputs)
                smoothed = note_step(learner, loss, 0.0, seen)
                validation = None
                if (index + 1) % settings.evaluate_every == 0 or index + 1 == settings.steps:
                    validation = validate(learner, task, settings, seed)
                sequences = learner.counters["sequences"]
                step = Step(index + 1, sequences, loss, smoothed, 0.0, settings.learning_rate, validation)
                yield alone(step, place, learners)


def drawn(model: SequenceModel, generator: torch.Generator) -> Weights:
    """Return a model's weights, and behind them the guesses of an update: (1 + guesses, ...)."""
    guess, found = deepcopy(model), [model.state_dict()]
    for _ in range(model.guesses):
        guess.initialise(generator)
        found.append({name: weight.clone() for name, weight in guess.state_dict().items()})
    return {name: torch.stack([weights[name] for weights in found]) for name in found[0]}


@torch.no_grad()
def judged(model: SequenceModel, guesses: Weights, task: Task, batch: Batch) -> Tensor:
    """Return the loss of each guess on a batch, read by all at once: (1 + guesses,)."""

    def read(weights: Weights) -> Tensor:
        outputs: Tensor = functional_call(model, weights, (batch.inputs,))[0]
        return outputs

    outputs = torch.vmap(read)(guesses)
    losses = torch.stack([task.loss(answers, batch) for answers in outputs])
    return losses.nan_to_num(nan=torch.inf)  # else a guess that cannot be judged would be taken for the least


ENGINE = Guessing()
