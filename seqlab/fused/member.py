"""A learner as the compiled code sees it: flat arrays of which its tensors are views."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import NonFiniteLossError
from seqlab.fused.batches import LANES, Floats, Packed, pack, training_batches
from seqlab.fused.network import CELLS, Shape, run, space_rows
from seqlab.fused.optimise import OPTIMISERS
from seqlab.models import Recurrent, SequenceModel
from seqlab.models.gru import GRU
from seqlab.models.lstm import LSTM
from seqlab.models.rnn import RNN
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
from seqlab.training.optimisers import learning_rate

KEPT = {
    "sgd": ("momentum_buffer", None),
    "rmsprop": ("momentum_buffer", "square_avg"),
    "adam": ("exp_avg", "exp_avg_sq"),
    "adamw": ("exp_avg", "exp_avg_sq"),
}
"""What torch's optimisers call the two running means."""

_local = threading.local()


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
        self.shape = shape_of(learner.model, task)
        count = sum(parameter.numel() for parameter in learner.model.parameters())
        self.weights, self.gradient, self.mean, self.square = (aligned(count) for _ in range(4))
        self.averaged = aligned(count if learner.averaged is not None else 0)
        self.transposed = aligned(count)
        self.updates = np.full(len(list(learner.model.parameters())), learner.step, np.float32)
        self.start = aligned(-(-settings.batch_size // LANES), 2 * self.shape.H, LANES)
        self._validation: list[Packed] | None = None
        self._take_over()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return bool(self.learner.counters["ended"]) or self.learner.step >= self.settings.steps

    def advance(self, count: int) -> tuple[list[Step], NonFiniteLossError | None]:
        """Make so many updates, judge the learner if that is due, and return the steps made.

        A step that is not finite is not made; its error is returned with the steps before it.
        """
        learner, settings = self.learner, self.settings
        steps: list[Step] = []
        for packed in training_batches(self.task, learner.step, count, settings.batch_size, self.seed):
            rates = [learning_rate(settings, learner.step + i) for i in range(len(packed.symbols))]
            losses, norms, made = self._learn(packed, rates)
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

    def _learn(self, packed: Packed, rates: Sequence[float]) -> tuple[Any, Any, int]:
        """Make an update for each batch; return losses, gradient norms and how many updates were made."""
        batches, settings, step = len(packed.symbols), self.settings, self.learner.step
        losses, norms = np.zeros(batches), np.zeros(batches)
        decays = np.zeros(batches)
        if settings.averaging is not None:  # as in the loop: the young average forgets faster
            decays[:] = [min(settings.averaging, (1 + i) / (10 + i)) for i in range(step, step + batches)]
        if not packed.continues:
            self.start[:] = 0
        made = self._run(packed, True, self.weights, self.start, np.array(rates), decays, losses, norms)
        return losses, norms, made

    def _validate(self) -> Validation:
        """Judge the learner on the validation set."""
        if not counts_as_usual(self.task):
            return validate(self.learner, self.task, self.settings, self.seed)
        sequences = self.settings.evaluation_sequences
        if self._validation is None:
            batches = self.task.evaluation("validation", sequences, self.seed)
            self._validation = [pack([batch]) for batch in batches]
        weights = self.averaged if len(self.averaged) else self.weights
        counts, loss, nothing = np.zeros(3, np.int64), np.zeros(1), np.zeros(1)
        total: Counter[str] = Counter()
        for packed in self._validation:
            start = aligned(packed.symbols.shape[1], 2 * self.shape.H, LANES)
            before = counts[0]
            self._run(packed, False, weights, start, nothing, nothing, loss, nothing, counts)
            total["loss"] += float(loss[0]) * int(counts[0] - before)  # type: ignore[assignment]
            total["sequences"] += packed.size
        total["targets"], total["correct"], total["errors"] = (int(count) for count in counts)
        return note_validation(self.learner, self.task.metrics(total), self.task, self.settings)

    def _run(
        self, packed: Packed, learn: bool, weights: Floats, start: Floats, rates: Any, decays: Any,
        losses: Any, norms: Any, counts: Any = None,
    ) -> int:  # fmt: skip
        settings = self.settings
        counts = np.zeros(3, np.int64) if counts is None else counts
        made: int = run(
            tuple(self.shape), weights, self.gradient, self.mean, self.square, self.averaged, self.transposed,
            _space(space_rows(self.shape, packed.symbols.shape[2])),
            packed.symbols, packed.features, packed.wanted, start, self.task.stream, learn,
            OPTIMISERS.index(settings.optimizer), self.learner.step, rates, decays,
            math.inf if settings.clip_norm is None else settings.clip_norm,
            settings.momentum, settings.decay, settings.weight_decay, losses, norms, counts,
        )  # fmt: skip
        return made

    def _take_over(self) -> None:
        """Move the learner's numbers into the flat arrays, and make its tensors views of them."""
        learner = self.learner
        assert learner.optimizer is not None
        state = learner.optimizer.state
        averaged = learner.averaged
        first, second = KEPT[self.settings.optimizer]
        position = 0
        for i, parameter in enumerate(learner.model.parameters()):
            part = slice(position, position + parameter.numel())
            position = part.stop
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
            for place, part_of_state in enumerate(learner.carried[0]):
                _lay_state(part_of_state, self.start, place * self.shape.H)

    def _note(self, rate: float) -> None:
        """Bring what the learner keeps beside its tensors up to its step."""
        assert self.learner.optimizer is not None
        for group in self.learner.optimizer.param_groups:
            group["lr"] = rate
        self.updates[:] = self.learner.step
        if self.task.stream:
            H, size = self.shape.H, self.settings.batch_size
            parts = 2 if CELLS[self.shape.cell] == "lstm" else 1
            states = self.start.transpose(0, 2, 1).reshape(-1, 2 * H)[:size]  # (B, 2 H)
            self.learner.carried = (
                tuple(torch.from_numpy(states[:, k * H : (k + 1) * H].copy()) for k in range(parts)),
            )


def shape_of(model: SequenceModel, task: Task) -> Shape:
    """Return what the compiled code must know of a model."""
    assert isinstance(model, Recurrent)
    cell = model.cells[0]
    begins: dict[str, int] = {}
    position = 0
    for name, parameter in model.named_parameters():
        begins[name] = position
        position += parameter.numel()
    kind = _cell_kind(cell)
    H = model.hidden_size
    gates, kept = {"rnn": (1, 1), "lst": (4, 4), "gru": (3, 4)}[kind[:3]]
    return Shape(
        cell=CELLS.index(kind),
        I=task.spec.input_size,
        H=H,
        O=task.spec.output_size,
        symbols=int(task.spec.inputs == "tokens"),
        classes=int(task.spec.outputs == "classes"),
        N=gates * H,
        R=kept * H,
        U=begins["cells.0.input.weight"],
        b=begins["cells.0.input.bias"],
        W=begins["cells.0.W"],
        c=begins.get("cells.0.c", 0),
        V=begins["readout.weight"],
        d=begins["readout.bias"],
    )


def counts_as_usual(task: Task) -> bool:
    """Say whether a task counts what is right as every task does, so that the compiled code can count it."""
    kind = type(task)
    usual = kind.tally is Task.tally and kind.is_correct is Task.is_correct
    return usual and task.spec.outputs == "classes" and not task.protocols


def aligned(*shape: int) -> Floats:
    """Return zeros that begin at a multiple of 64 bytes; elsewhere vectors would lie across cache lines."""
    count = math.prod(shape)
    room = np.zeros(4 * count + 64, np.uint8)
    begin = -room.ctypes.data % 64
    return room[begin : begin + 4 * count].view(np.float32).reshape(shape)


def _cell_kind(cell: object) -> str:
    if isinstance(cell, RNN):
        return f"rnn {cell.nonlinearity}"
    if isinstance(cell, GRU):
        return "gru before" if cell.c is None else "gru after"
    assert isinstance(cell, LSTM)
    return "lstm"


def _view(part: Floats, tensor: Tensor | None, shape: torch.Size | None = None) -> Tensor:
    """Fill a part of a flat array from a tensor, if there is one, and return the part as a tensor."""
    view = torch.from_numpy(part).view(tensor.shape if tensor is not None else shape or ())
    if tensor is not None:
        view.copy_(tensor)
    return view


def _lay_state(state: Tensor, start: Floats, row: int) -> None:
    """Write a part of the state (B, H) into the rows of ``start`` (tiles, 2 H, LANES) from ``row`` on."""
    values = state.numpy()
    for tile in range(len(start)):
        part = values[tile * LANES : (tile + 1) * LANES]
        start[tile, row : row + part.shape[1], : len(part)] = part.T


def _space(rows: int) -> Floats:
    """Return this thread's working space, of at least so many rows."""
    space: Floats | None = getattr(_local, "space", None)
    if space is None or len(space) < rows:
        space = _local.space = aligned(rows, LANES)
    return space
