"""The batched engine: several learners at once by torch's own operations, whose first axis is the seed.

A training step of a small network is a long row of small operations, and most of the time goes into
starting them; on a GPU, nearly all of it. Here the learners' weights are stacked, (S, ...), and each
operation is started once for all S of them, as is the optimiser's update. A cell needs nothing but its
:meth:`~seqlab.models.Cell.step`, so a user's own cell gains as well.

Learners are those of :mod:`seqlab.training.loop`: their weights, averaged weights and optimisers' states are
views of the stacks, so they are judged, saved and sampled from as ever, and go on with any engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.contracts import Batch, torch_stream
from seqlab.errors import NonFiniteLossError, SeqlabError
from seqlab.models import Cell, Recurrent, State, detach, outline
from seqlab.registry import load
from seqlab.settings import TrainExperiment, Training
from seqlab.tasks import Task
from seqlab.training.checkpoints import first_line
from seqlab.training.loop import Learner, Step, average, non_finite, note_step, validate
from seqlab.training.optimisers import build_optimizer, learning_rate
from seqlab.training.stacked import (
    Tensors,
    clip_gradients,
    losses_of,
    pile,
    pile_inputs,
    pile_states,
    read_all,
    try_out,
)


def why_not_batched(experiment: TrainExperiment, task: Task) -> str | None:
    """Return the reason why the batched engine cannot train an experiment's model, or None if it can.

    Args:
        experiment: its settings.
        task: built from them.
    """
    if not issubclass(load("model", experiment.model.name), Cell):
        return "it knows recurrent cells only"
    model = outline(experiment.model, task.spec)
    assert isinstance(model, Recurrent)
    if model.directions > 1:
        return "it knows networks that read in one direction only"
    if any(True for _ in model.buffers()):
        return "the cell has buffers, tensors that are no weights"
    if experiment.compute.precision == "bf16":
        return "it computes in float32 only"
    try:
        try_out(model)
    except Exception as error:  # the cell may be a user's own
        said = first_line(error).partition(". ")[0].rstrip(".")
        return f"the cell's step cannot be taken for several seeds at once ({said})"
    return None


def fit_batched(
    learners: Sequence[Learner],
    task: Task,
    settings: Training,
    seeds: Sequence[int],
    *,
    on_failure: Callable[[int, SeqlabError], None] | None = None,
) -> Iterator[tuple[Step | None, ...]]:
    """Train several learners at once, each as :func:`seqlab.training.fit` would train it.

    It differs from that in rounding only. So may a learner in company from the same learner alone, since
    products of more matrices at once may be summed in another order. A learner is always where its step says.

    Args:
        learners: of one model and on one device, for which :func:`why_not_batched` is None; changed in place.
            Those that have made the same number of steps advance at once.
        task: where batches come from.
        settings: how to train.
        seeds: of each learner's data and dropout.
        on_failure: called with the place of a learner whose loss is not finite, and the error; the others go
            on. None to raise the error.

    Yields:
        For each update the step of every learner, in their order; None for one that has ended.

    Raises:
        NonFiniteLossError: when a loss or gradient is not finite and there is no ``on_failure``.
    """
    members = [_Member(place, *each) for place, each in enumerate(zip(learners, seeds, strict=True))]
    for learner in learners:
        learner.model.train()
    under_way = sorted((one for one in members if not one.is_over(settings)), key=_Member.step)
    stacks = [_Stack(list(group), task, settings) for _, group in groupby(under_way, key=_Member.step)]
    failed: set[int] = set()
    try:
        while stacks:
            made: dict[int, Step] = {}
            errors: dict[int, NonFiniteLossError] = {}
            for stack in stacks:
                stack.advance(made, errors)
            if made:
                yield tuple(made.get(place) for place in range(len(members)))
            failed |= errors.keys()
            for place, error in errors.items():
                if on_failure is None:
                    raise error
                on_failure(place, error)
            stacks = [left for stack in stacks if (left := stack.without(failed)) is not None]
    finally:
        for stack in stacks:
            for one in stack.members:
                one.leave()


class _Member(NamedTuple):
    """A learner among those that are trained together."""

    place: int
    learner: Learner
    seed: int

    def step(self) -> int:
        """Return the updates made so far."""
        return self.learner.step

    def is_over(self, settings: Training) -> bool:
        """Say whether there are no more steps to make."""
        return bool(self.learner.counters["ended"]) or self.learner.step >= settings.steps

    def optimizer(self) -> torch.optim.Optimizer:
        """Return the learner's own optimiser, which keeps its state in memory and in checkpoints."""
        assert self.learner.optimizer is not None
        return self.learner.optimizer

    def leave(self) -> None:
        """Give the learner memory of its own for what was a part of a stack."""
        for parameter in self.learner.model.parameters():
            parameter.data = parameter.data.clone()
        for kept in self.optimizer().state.values():
            kept.update({name: value.clone() for name, value in kept.items() if isinstance(value, Tensor)})
        if self.learner.averaged is not None:
            self.learner.averaged = [values.clone() for values in self.learner.averaged]


class _Stack:
    """Learners that have made the same number of steps, and all that they are made of, stacked, (S, ...)."""

    def __init__(self, members: Sequence[_Member], task: Task, settings: Training) -> None:
        self.members, self.task, self.settings = members, task, settings
        model = members[0].learner.model
        assert isinstance(model, Recurrent)
        self.network = model
        self.device = next(model.parameters()).device
        self.weights: dict[str, nn.Parameter] = {}
        weights = zip(*(one.learner.model.parameters() for one in members), strict=True)
        for (name, first), row in zip(model.named_parameters(), weights, strict=True):
            stacked = torch.stack([weight.detach() for weight in row])
            self.weights[name] = nn.Parameter(stacked, first.requires_grad)
        self.optimizer = build_optimizer(self.weights.values(), settings)
        self._stack_optimizers()
        self.averaged: list[Tensor] = []
        if settings.averaging is not None:
            averages = (one.learner.averaged or () for one in members)
            self.averaged = [torch.stack(row) for row in zip(*averages, strict=True)]
        self._share()
        self.is_new = True

    def advance(self, made: dict[int, Step], errors: dict[int, NonFiniteLossError]) -> None:
        """Make one update of each learner; note by its place the step made, or what went wrong."""
        task, settings, index = self.task, self.settings, self.members[0].step()
        batches = [task.batch("train", index, settings.batch_size, one.seed) for one in self.members]
        self.optimizer.zero_grad()
        losses, states = self._read(batches, index)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        norms = clip_gradients(list(self.weights.values()), settings.clip_norm)
        figures: list[tuple[float, float]] = torch.stack([losses.detach(), norms], 1).tolist()
        for one, (loss, norm) in zip(self.members, figures, strict=True):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                one.leave()  # with the weights as they were
                errors[one.place] = non_finite(one.learner, loss, norm)
        rate = learning_rate(settings, index)
        self._update(rate, index)
        if self.is_new:  # what optimisers keep may have come into being just now
            self._share(errors)
            self.is_new = False
        for s, one in enumerate(self.members):
            if one.place in errors:
                continue
            learner, (loss, norm) = one.learner, figures[s]
            if task.stream:
                learner.carried = detach(tuple(tuple(part[s] for part in parts) for parts in states))
            smoothed = note_step(learner, loss, norm, len(batches[s].inputs))
            validation = None
            if (index + 1) % settings.evaluate_every == 0 or index + 1 == settings.steps:
                validation = validate(learner, task, settings, one.seed)
            sequences = learner.counters["sequences"]
            made[one.place] = Step(index + 1, sequences, loss, smoothed, norm, rate, validation)

    def without(self, failed: Container[int]) -> _Stack | None:
        """Return the stack of those who go on; None if there is nobody."""
        left = [one for one in self.members if one.place not in failed and not one.is_over(self.settings)]
        if len(left) == len(self.members):
            return self
        for one in self.members:
            if one not in left:
                one.leave()
        return _Stack(left, self.task, self.settings) if left else None

    def _read(self, batches: Sequence[Batch], index: int) -> tuple[Tensor, State]:
        """Return each learner's loss, (S,), and the last states, each part (S, B, H)."""
        inputs, held = pile_inputs(batches, self.task.spec)
        carried = [
            one.learner.carried if batch.continues else None
            for one, batch in zip(self.members, batches, strict=True)
        ]
        weights, kept = self._silenced(batches, index)
        outputs, states = read_all(
            self.network, weights, inputs.to(self.device), held.to(self.device), kept,
            *pile_states(carried, self.device),
        )  # fmt: skip
        return losses_of(outputs.float(), batches, self.task), states

    def _silenced(self, batches: Sequence[Batch], index: int) -> tuple[dict[str, Tensor], Tensors]:
        """Draw dropout as the loop does: the weights that it leaves, and what it multiplies outputs with."""
        network, noises = self.network, [torch_stream(one.seed, "dropout", index) for one in self.members]
        weights: dict[str, Tensor] = dict(self.weights)
        if network.weight_dropout > 0:
            drawn = [network.kept_weights(noise) for noise in noises]
            for name in drawn[0]:
                weights[name] = weights[name] * torch.stack([one[name] for one in drawn]).to(self.device)
        if network.dropout == 0:
            return weights, ()
        sizes = [(batch.inputs.shape[1], batch.inputs.shape[0]) for batch in batches]
        layers = (
            pile([network.kept_at(*size, noise) for size, noise in zip(sizes, noises, strict=True)], 1)
            for _ in network.cells  # of each learner the first layer is drawn first, then the next
        )
        return weights, tuple(kept.to(self.device) for kept in layers)

    def _update(self, rate: float, index: int) -> None:
        """Let the optimiser take its step, for all learners, and move the averaged weights."""
        for optimizer in (self.optimizer, *(one.optimizer() for one in self.members)):
            for group in optimizer.param_groups:
                group["lr"] = rate
        self.optimizer.step()
        if self.settings.averaging is not None:
            average(self.averaged, list(self.weights.values()), self.settings.averaging, index)

    def _stack_optimizers(self) -> None:
        """Begin with what the learners' optimisers keep: running means, and the number of steps."""
        parameters = zip(*(one.learner.model.parameters() for one in self.members), strict=True)
        for weight, row in zip(self.weights.values(), parameters, strict=True):
            kept = [
                one.optimizer().state.get(parameter, {})
                for one, parameter in zip(self.members, row, strict=True)
            ]
            self.optimizer.state[weight] = {
                name: first.clone() if name == "step" else torch.stack([one[name] for one in kept])
                for name, first in kept[0].items()
                if first is not None
            }

    def _share(self, but: Container[int] = ()) -> None:
        """Make the learners' tensors views of the stacks, except those of learners that have left."""
        for s, one in enumerate(self.members):
            if one.place in but:
                continue
            for parameter, weight in zip(one.learner.model.parameters(), self.weights.values(), strict=True):
                parameter.data = weight.data[s]
                kept = self.optimizer.state[weight]
                if kept:
                    one.optimizer().state[parameter] = {
                        name: value if name == "step" else value[s]
                        for name, value in kept.items()
                        if value is not None
                    }
            if self.averaged:
                one.learner.averaged = [values[s] for values in self.averaged]
