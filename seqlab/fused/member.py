"""A learner as the compiled code sees it: flat arrays of which its tensors are views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.contracts import torch_stream
from seqlab.doing import doing
from seqlab.errors import NonFiniteLossError
from seqlab.fused.batches import evaluation_batches, training_batches
from seqlab.fused.judging import counts_as_usual, judge
from seqlab.fused.kernels import run
from seqlab.fused.layout import ALL, CELLS, LANES, OPTIMISERS, PIECE
from seqlab.fused.memory import (
    LARGE,
    aligned,
    places_of,
    shapes_of,
    tiles_of,
    weights_memory,
    working_space,
)
from seqlab.fused.packed import NOTHING, Floats, Packed, lay
from seqlab.fused.spreading import Each, run_spread
from seqlab.models import Recurrent
from seqlab.settings import Training
from seqlab.tasks import Task
from seqlab.training.loop import (
    Learner,
    Step,
    Validation,
    non_finite,
    note_step,
    note_validation,
    validate,
)
from seqlab.training.optimisers import averaging_at, learning_rate, weight_decay_of

KEPT = {
    "sgd": ("momentum_buffer", None),
    "rmsprop": ("momentum_buffer", "square_avg"),
    "adam": ("exp_avg", "exp_avg_sq"),
    "adamw": ("exp_avg", "exp_avg_sq"),
}
"""What torch's optimisers call the two running means."""


class Member:
    """One learner among those that are trained together.

    Args:
        learner: its parameters, averaged weights and optimiser's state become views of flat arrays.
        task: where batches come from.
        settings: how to train.
        seed: of the data.
    """

    def __init__(self, learner: Learner, task: Task, settings: Training, seed: int) -> None:
        self.learner, self.task, self.settings, self.seed = learner, task, settings, seed
        self.shapes = shapes_of(learner.model, task, settings.batch_size)
        self.hidden_size, self.lanes = self.shapes[0].H, self.shapes[0].v * LANES
        tiles = -(-settings.batch_size // self.lanes)
        self.weights, self.mean, self.square = (weights_memory(learner.model) for _ in range(3))
        self.averaged = aligned(0) if learner.averaged is None else weights_memory(learner.model)
        self.gradients = weights_memory(learner.model, tiles)
        drops = getattr(learner.model, "weight_dropout", 0) > 0
        self.silenced = weights_memory(learner.model) if drops else aligned(0)
        self.arranged = weights_memory(learner.model, 2)
        self.weight_decay = weights_memory(learner.model)
        for place, parameter in zip(
            places_of(learner.model).values(), learner.model.parameters(), strict=True
        ):
            self.weight_decay[place] = weight_decay_of(parameter, settings)
        self.squares = np.zeros(-(-len(self.weights) // PIECE))
        self.updates = np.full(len(list(learner.model.parameters())), learner.step, np.float32)
        self.start = aligned(tiles, len(self.shapes) * 2 * self.hidden_size, self.lanes)
        self._validation: list[Packed] | None = None
        self._take_over()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return bool(self.learner.counters["ended"]) or self.learner.step >= self.settings.steps

    @property
    def is_large(self) -> bool:
        """Whether a step is long enough to be worth spreading over processors."""
        return self.hidden_size >= LARGE

    def advance(self, count: int, each: Each | None = None) -> tuple[list[Step], NonFiniteLossError | None]:
        """Make so many updates, judge the learner if that is due, and return the steps made.

        ``each`` maps as ``map`` does, on several processors, on which the learner's work is spread.

        A step that is not finite is not made; its error is returned with the steps before it.
        """
        learner, settings = self.learner, self.settings
        steps: list[Step] = []
        for packed in training_batches(
            self.task, learner.step, count, settings.batch_size, self.seed, self.lanes
        ):
            rates = [learning_rate(settings, learner.step + i) for i in range(len(packed.symbols))]
            losses, norms, made = self._learn(packed, rates, each)
            for i in range(made):
                loss, norm = float(losses[i]), float(norms[i])
                smoothed = note_step(learner, loss, norm, packed.size)
                counters = learner.counters
                steps.append(Step(counters["step"], counters["sequences"], loss, smoothed, norm, rates[i]))
            if made < len(packed.symbols):
                self._note(rates[made])
                return steps, non_finite(learner, float(losses[made]), float(norms[made]))
        self._note(steps[-1].learning_rate)
        if learner.step % settings.evaluate_every == 0 or learner.step == settings.steps:
            steps[-1] = replace(steps[-1], validation=self._validate())
        return steps, None

    def _learn(self, packed: Packed, rates: Sequence[float], each: Each | None) -> tuple[Any, Any, int]:
        """Make an update for each batch; return losses, gradient norms and how many updates were made."""
        batches, settings, step = len(packed.symbols), self.settings, self.learner.step
        losses, norms = np.zeros(batches), np.zeros(batches)
        decays = np.zeros(batches)
        if settings.averaging is not None:  # as in the loop: the young average forgets faster
            decays[:] = [averaging_at(settings.averaging, i) for i in range(step, step + batches)]
        if not packed.continues:
            self.start[:] = 0
        start = self.start.reshape(len(self.start), -1)
        weights = (self.weights, self.gradients, self.mean, self.square, self.averaged, self.arranged)
        clip_norm = math.inf if settings.clip_norm is None else settings.clip_norm
        data: Any = (
            tiles_of(packed.symbols), tiles_of(packed.features), *self._dropout(step, batches), self.silenced,
            tiles_of(packed.wanted),
            start, self.task.stream, True,
            OPTIMISERS.index(settings.optimizer), step, np.array(rates), decays, clip_norm,
            settings.momentum, settings.decay, self.weight_decay,
        )  # fmt: skip
        steps, results = packed.symbols.shape[2], (losses, norms, self.squares, np.zeros(3, np.int64))
        if each is not None and self.is_large and len(start) > 1:
            made = run_spread(each, self.shapes, steps, weights, data, len(self.silenced) > 0, *results)
        else:
            share = (ALL, 0, 0, 0, working_space(self.shapes, steps))
            made = int(run(*share, np.array(self.shapes), *weights, *data, *results))
        return losses, norms, made

    def _dropout(self, step: int, batches: int) -> tuple[Floats, Floats]:
        """Return what dropout multiplies outputs and weights with in the batches from ``step`` on.

        It is drawn as :meth:`Recurrent.forward` draws it.
        """
        model, H, layers = self.learner.model, self.hidden_size, len(self.shapes)
        assert isinstance(model, Recurrent)
        masks, kept = NOTHING, aligned(0, 0)
        if model.dropout > 0:
            masks = aligned(batches, len(self.start), layers * H, self.lanes)
        if model.weight_dropout > 0:
            kept = aligned(batches, len(self.weights))
        for i in range(batches if len(masks) or len(kept) else 0):
            noise = torch_stream(self.seed, "dropout", step + i)
            if len(kept):
                kept[i] = 1
                for name, drawn in model.kept_weights(noise).items():
                    kept[i, places_of(model)[name]] = drawn.flatten().numpy()
            for layer in range(layers if len(masks) else 0):
                kept_units = model.kept(self.settings.batch_size, noise).numpy()
                lay(kept_units, masks[i, :, layer * H : (layer + 1) * H])
        return tiles_of(masks), kept

    def _validate(self) -> Validation:
        """Judge the learner on the validation set."""
        if not counts_as_usual(self.task):
            return validate(self.learner, self.task, self.settings, self.seed)
        sequences = self.settings.evaluation_sequences
        if self._validation is None:
            self._validation = list(
                evaluation_batches(self.task, "validation", sequences, self.seed, self.lanes)
            )
        weights = self.averaged if len(self.averaged) else self.weights
        with doing("judging on the validation set"):
            metrics = judge(self.shapes, weights, self.task, self._validation)
        return note_validation(self.learner, metrics, self.task, self.settings)

    def _take_over(self) -> None:
        """Move the learner's numbers into the flat arrays, and make its tensors views of them."""
        learner = self.learner
        assert learner.optimizer is not None
        state = learner.optimizer.state
        averaged = learner.averaged
        first, second = KEPT[self.settings.optimizer]
        parts = places_of(learner.model).values()
        for i, (parameter, part) in enumerate(zip(learner.model.parameters(), parts, strict=True)):
            kept = state[parameter]
            parameter.data = _view(self.weights[part], parameter.data)
            if averaged is not None:
                averaged[i] = _view(self.averaged[part], averaged[i])
            has_first = self.settings.optimizer.startswith("adam") or self.settings.momentum > 0
            if has_first:
                kept[first] = _view(self.mean[part], kept.get(first), parameter.shape)
            if second is not None:
                kept[second] = _view(self.square[part], kept.get(second), parameter.shape)
                kept["step"] = torch.from_numpy(self.updates[i : i + 1]).reshape(())
        if learner.carried is not None:
            for layer, states in enumerate(learner.carried):
                for place, values in enumerate(states):
                    row = (2 * layer + place) * self.hidden_size
                    lay(values.numpy(), self.start[:, row : row + self.hidden_size])

    def _note(self, rate: float) -> None:
        """Bring what the learner keeps beside its tensors up to its step."""
        assert self.learner.optimizer is not None
        for group in self.learner.optimizer.param_groups:
            group["lr"] = rate
        self.updates[:] = self.learner.step
        if self.task.stream:
            H, size = self.hidden_size, self.settings.batch_size
            parts = 2 if CELLS[self.shapes[0].cell] == "lstm" else 1
            states = self.start.transpose(0, 2, 1).reshape(-1, self.start.shape[1])[:size]  # (B, layers 2 H)
            self.learner.carried = tuple(
                tuple(
                    torch.from_numpy(states[:, k * H : (k + 1) * H].copy())
                    for k in range(first, first + parts)
                )
                for first in range(0, 2 * len(self.shapes), 2)
            )


def _view(part: Floats, tensor: Tensor | None, shape: torch.Size | None = None) -> Tensor:
    """Fill a part of a flat array from a tensor, if there is one, and return the part as a tensor."""
    view = torch.from_numpy(part).view(tensor.shape if tensor is not None else shape or ())
    if tensor is not None:
        view.copy_(tensor)
    return view
