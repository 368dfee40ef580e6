"""Cells and models that break one promise each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State
from seqlab.errors import SettingsError
from seqlab.models import Cell, Input, SequenceModel
from seqlab.models._cell import linear

Parts = tuple[Tensor, ...]


class _Plain(Cell):
    """The plain cell, which keeps every promise."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def step(self, x: Tensor, state: Parts) -> Parts:
        return (torch.tanh(self.input(x) + F.linear(state[0], self.W)),)


class MixesRows(_Plain):
    def step(self, x: Tensor, state: Parts) -> Parts:
        (h,) = super().step(x, state)
        return (h - 0.1 * h.mean(0),)


class DrawsInTheStep(_Plain):
    def step(self, x: Tensor, state: Parts) -> Parts:
        (h,) = super().step(x, state)
        return (h + 0.01 * torch.rand_like(h),)


class DrawsFromItsOwn(_Plain):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.own = torch.Generator()

    def step(self, x: Tensor, state: Parts) -> Parts:
        (h,) = super().step(x, state)
        return (h + 0.01 * torch.rand(h.shape, generator=self.own).to(h),)


class DrawsWhenMade(_Plain):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.further = nn.Linear(hidden_size, hidden_size)


class DrawsWithoutTheSeed(_Plain):
    def initialise(self, generator: torch.Generator) -> None:
        super().initialise(torch.Generator().manual_seed(0))


class Detaches(_Plain):
    def step(self, x: Tensor, state: Parts) -> Parts:
        return super().step(x, (state[0].detach(),))


class WrongFastPath(_Plain):
    def forward(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        h, end = super().forward(x, state)
        return h * 1.0001, end


class WrongGradientOfTheFastPath(_Plain):
    def forward(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        h, end = super().forward(x, state)
        return h, tuple(part.detach() for part in end)


class PreparesEachStep(_Plain):
    def prepare(self) -> Parts:
        return (self.W.triu(),)

    def step(self, x: Tensor, state: Parts, *_: Any) -> Parts:
        return (torch.tanh(self.input(x) + F.linear(state[0], *self.prepare())),)


class CountsWrong(_Plain):
    @classmethod
    def parameter_count(cls, input_size: int, hidden_size: int, **options: Any) -> int:
        return hidden_size * (input_size + hidden_size)


class NamesNoSize(_Plain):
    @classmethod
    def nearest_size(cls, hidden_size: int, **options: Any) -> int:
        return hidden_size + 1


class _Model(SequenceModel):
    """A network that is no cell: h(t) = tanh(U x(t) + 0.5 h(t-1))."""

    def __init__(self, spec: Spec, *, hidden_size: int = 6) -> None:
        super().__init__(spec)
        self.read = Input(spec.input_size, hidden_size)
        self.readout = linear(hidden_size, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        return ((self.readout.weight.new_zeros(rows, self.readout.in_features),),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        h, outputs = (self.start({}, len(inputs)) if state is None else state)[0][0], []
        for x in inputs.unbind(1):
            h = torch.tanh(self.read(x) + 0.5 * h)
            outputs.append(h)
        return self.readout(torch.stack(outputs, 1)), ((h,),)

    def initialise(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(generator=generator)


class ReadsPadding(_Model):
    """Symbol 0 is looked up for it."""


class LooksPaddingUp(_Model):
    reads = ("tokens",)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        F.embedding(inputs, self.read.weight.t())
        return super().forward(inputs, state)


class LooksAhead(_Model):
    reads = ("features",)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        outputs, end = super().forward(inputs, state)
        return outputs + outputs.mean(1, keepdim=True), end


class Forgets(_Model):
    """A chunk begins at the start state, whatever was carried there."""

    reads = ("features",)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(inputs, None)


class Grows(_Model):
    reads = ("features",)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        outputs, ((h,),) = super().forward(inputs, state and ((state[0][0][:, : self.readout.in_features],),))
        return outputs, ((torch.cat([h, h], 1),),)


class MixesContexts(_Model):
    reads, takes = ("features",), ("features(time)",)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        ((h,),) = super().start({}, rows)
        for places in context.values():
            h = h + places.mean()
        return ((h,),)


class _Looks(_Model):
    """Attention from each step to the places of a source."""

    reads, takes = ("tokens",), ("tokens(time)",)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        ((h,),) = super().start({}, rows)
        for source in context.values():
            return ((h,), (self.read(source), source != PAD))
        return ((h,),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.start({}, len(inputs)) if state is None else state
        outputs, (h,) = self._passed(inputs, state)
        for places, there in state[1:]:
            outputs = outputs + self._weights(outputs, places, there) @ places
        return self.readout(outputs), ((h,), *state[1:])

    def alignments(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        steps, _ = self._passed(inputs, state)
        return {"attention": self._weights(steps, *state[1])} if len(state) > 1 else {}

    def _passed(self, inputs: Tensor, state: State) -> tuple[Tensor, Parts]:
        ((h,), *_), steps = state, []
        for symbol in inputs.unbind(1):
            there = (symbol != PAD)[:, None]
            h = torch.where(there, torch.tanh(self.read(symbol) + 0.5 * h), h)
            steps.append(h)
        return torch.stack(steps, 1), (h,)

    def _weights(self, steps: Tensor, places: Tensor, there: Tensor) -> Tensor:
        scores = steps @ places.transpose(1, 2)
        return scores.masked_fill(~there[:, None], -1e9).softmax(-1)


class LooksAtPadding(_Looks):
    def _weights(self, steps: Tensor, places: Tensor, there: Tensor) -> Tensor:
        return (steps @ places.transpose(1, 2)).softmax(-1)


class CountsOtherPlaces(_Looks):
    takes = ("features(row,column)",)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        ((h,),) = super().start({}, rows)
        for picture in context.values():
            pixels = self.read(picture).flatten(1, 2)
            return ((h,), (pixels, torch.ones(pixels.shape[:2], dtype=torch.bool)))
        return ((h,),)

    def centres(self, rows: int, columns: int) -> list[tuple[int, int]]:
        return [(row, 0) for row in range(rows)]


class LooksWithTooMuch(_Looks):
    def _weights(self, steps: Tensor, places: Tensor, there: Tensor) -> Tensor:
        return 1.001 * super()._weights(steps, places, there)


class TellsOfOtherRows(_Looks):
    def alignments(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        found = super().alignments(inputs, state)
        mixed = {key: weights * (1 + weights.mean(0)) for key, weights in found.items()}
        return {key: weights / weights.sum(-1, keepdim=True) for key, weights in mixed.items()}


class TellsAsFromTheStart(_Looks):
    def alignments(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        return super().alignments(inputs, (self.start({}, len(inputs))[0], *state[1:]))


class TellsOfHeadsAsFromTheStart(_Looks):
    def heads(self, inputs: Tensor, state: State) -> Mapping[str, tuple[Tensor, Tensor]]:
        steps, _ = self._passed(inputs, self.start({}, len(inputs)))
        return {"reads": (steps.softmax(-1), steps)}


class DropsGlobally(_Model):
    reads = ("features",)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(F.dropout(inputs, 0.1, self.training), state)


class RefusesAll(_Model):
    def __init__(self, spec: Spec, *, hidden_size: int = 6) -> None:
        raise SettingsError("Not today.")
