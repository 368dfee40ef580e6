"""Models that are no cells: one that knows something before its first step, and stacks of mixers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqlab.contracts import PAD, Spec, State, hold
from seqlab.models import Input, SequenceModel
from seqlab.models._cell import linear
from seqlab.models._stack import CellMixer, Mixer, Parts, Stack, draw
from seqlab.models.recurrent.gru import GRU


class Reminded(SequenceModel):
    """Remembers its context, places summed, and fades it into what it reads; it must have one."""

    takes = ("tokens(time)", "features(row,column)")

    def __init__(self, spec: Spec, *, hidden_size: int = 6, dropout: float = 0.0) -> None:
        super().__init__(spec)
        self.dropout = dropout
        self.read = Input(spec.input_size, hidden_size)
        self.recall = torch.nn.ModuleDict(
            {name: Input(signal.size, hidden_size) for name, signal in spec.context.items()}
        )
        self.readout = linear(hidden_size, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        memory = self.readout.weight.new_zeros(rows, 1, self.readout.in_features)
        for name, places in context.items():
            seen = self.recall[name](places).flatten(1, -2)
            memory = memory + seen.tanh().sum(1, keepdim=True)
        return ((memory, memory[:, 0]),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        parts = (self.start({}, len(inputs)) if state is None else state)[0]
        outputs = []
        for x in inputs.unbind(1):
            held = (x == PAD) if not x.is_floating_point() else torch.zeros(len(x), dtype=torch.bool)
            memory, h = parts
            parts = hold(held, parts, (memory, torch.tanh(self.read(x) + 0.5 * h + memory[:, 0])))
            outputs.append(parts[1])
        h = torch.stack(outputs, 1)
        if self.training and self.dropout > 0:
            h = h * torch.empty(h.shape).bernoulli_(1 - self.dropout, generator=self.noise).to(h)
        return self.readout(h), (parts,)

    def initialise(self, generator: torch.Generator) -> None:
        draw(self, generator)
        with torch.no_grad():
            for weight in self.parameters():
                weight.mul_(20)


class Stacked(Stack):
    """Any cell is a mixer."""

    def __init__(self, spec: Spec, **options: Any) -> None:
        super().__init__(spec, lambda width: CellMixer(GRU(width, 2 * width)), **options)


class Mean(Mixer):
    """The running mean of all that came until now: a state of (B, D) and of (B,) steps."""

    def start(self, rows: int) -> Parts:
        return torch.zeros(rows, self.size, dtype=torch.float64), torch.zeros(rows, dtype=torch.int64)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        sums = state[0][:, None] + x.cumsum(1)
        count = state[1][:, None] + torch.arange(1, x.shape[1] + 1)
        return (sums / count[:, :, None]).to(x.dtype), (sums[:, -1], count[:, -1])


class Averaging(Stack):
    """The smallest mixer: it writes ``start`` and ``read`` and nothing else."""

    def __init__(self, spec: Spec, **options: Any) -> None:
        super().__init__(spec, Mean, **options)
