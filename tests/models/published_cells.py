"""Cells as they were published that differ from those shipped: in their sizes, states, weights and gradients."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models import Cell, Input

Parts = tuple[Tensor, ...]


class LayerNormLSTM(Cell):
    """The LSTM with normalised sums (Ba, Kiros & Hinton 2016)."""

    parts = ("h", "c")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 4 * hidden_size, bias=False)
        self.W = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.norm_x, self.norm_h = nn.LayerNorm(4 * hidden_size), nn.LayerNorm(4 * hidden_size, bias=False)
        self.norm_c = nn.LayerNorm(hidden_size)

    def step(self, x: Tensor, state: Parts) -> Parts:
        h, c = state
        sums = self.norm_x(self.input(x)) + self.norm_h(F.linear(h, self.W))
        i, f, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class SLSTM(Cell):
    """The sLSTM: exponential gates, a normaliser, a stabiliser, and heads that do not mix (Beck et al. 2024)."""

    parts = ("h", "c", "n", "m")

    def __init__(self, input_size: int, hidden_size: int, *, heads: Annotated[int, Field(ge=1)] = 4) -> None:
        super().__init__(input_size, hidden_size)
        assert hidden_size % heads == 0
        self.heads, d = heads, hidden_size // heads
        self.input = Input(input_size, 4 * hidden_size)
        self.R = nn.Parameter(torch.empty(4, heads, d, d))

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **_: Any) -> int:
        return max(1, round(hidden_size / heads)) * heads

    def step(self, x: Tensor, state: Parts) -> Parts:
        h, c, n, m = state
        recurrent = torch.einsum("bhd,ghed->gbhe", h.unflatten(-1, (self.heads, -1)), self.R).flatten(2)
        z, i, f, o = self.input(x).unflatten(-1, (4, -1)).transpose(0, 1) + recurrent
        kept = F.logsigmoid(f) + m
        m = torch.maximum(kept, i)
        kept, i = torch.exp(kept - m), torch.exp(i - m)
        c, n = kept * c + i * torch.tanh(z), kept * n + i
        return torch.sigmoid(o) * c / n, c, n, m


class SRU(Cell):
    """The simple recurrent unit: h is not fed back (Lei et al. 2018)."""

    parts = ("h", "c")

    def __init__(self, input_size: int, hidden_size: int, *, nonlinear: bool = True) -> None:
        super().__init__(input_size, hidden_size)
        self.nonlinear = nonlinear
        self.input = Input(input_size, 4 * hidden_size)
        self.v = nn.Parameter(torch.empty(2 * hidden_size))

    def step(self, x: Tensor, state: Parts) -> Parts:
        _, c = state
        new, f, r, skip = self.input(x).chunk(4, -1)
        v_f, v_r = self.v.chunk(2)
        f, r = torch.sigmoid(f + v_f * c), torch.sigmoid(r + v_r * c)
        c = f * c + (1 - f) * new
        return r * (torch.tanh(c) if self.nonlinear else c) + (1 - r) * skip, c

    def forward(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        new, f, r, skip = self.input(x).chunk(4, -1)  # (B, T, H), before the loop
        (v_f, v_r), c, cells = self.v.chunk(2), state[1], []
        forgotten = []
        for new_t, f_t in zip(new.unbind(1), f.unbind(1), strict=True):
            forgotten.append(c)
            keep = torch.sigmoid(f_t + v_f * c)
            c = keep * c + (1 - keep) * new_t
            cells.append(c)
        before, now = torch.stack(forgotten, 1), torch.stack(cells, 1)
        r = torch.sigmoid(r + v_r * before)
        h = r * (torch.tanh(now) if self.nonlinear else now) + (1 - r) * skip
        return h, (h[:, -1], c)


class LRU(Cell):
    """The linear recurrent unit: a complex diagonal recurrence, N = H / 2 + 1 numbers (Orvieto et al. 2023)."""

    parts = ("h", "z")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.numbers = hidden_size // 2 + 1
        self.input = Input(input_size, 2 * self.numbers, bias=False)
        self.log_decay = nn.Parameter(torch.empty(self.numbers))
        self.angle = nn.Parameter(torch.empty(self.numbers))
        self.C = nn.Parameter(torch.empty(hidden_size, 2 * self.numbers))

    def start(self, batch: int) -> Parts:
        h = self.C.new_zeros(batch, self.hidden_size)
        return h, torch.complex(*self.C.new_zeros(2, batch, self.numbers).unbind())

    def prepare(self) -> Parts:
        return (torch.polar(torch.exp(-torch.exp(self.log_decay)), self.angle),)

    def step(self, x: Tensor, state: Parts, turn: Tensor) -> Parts:  # type: ignore[override]
        sums = self.input(x).to(self.C.dtype)
        z = turn * state[1] + (1 - turn.abs() ** 2).sqrt() * torch.complex(*sums.chunk(2, -1))
        return F.linear(torch.cat([z.real, z.imag], -1), self.C), z

    def initialise(self, generator: torch.Generator) -> None:
        super().initialise(generator)
        with torch.no_grad():
            self.log_decay.uniform_(-3, 0, generator=generator)
            self.angle.uniform_(0, math.pi / 4, generator=generator)


class Orthogonal(Cell):
    """A recurrent matrix that is the exponential of a skew one (Lezcano-Casado & Martinez-Rubio 2019)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.A = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def prepare(self) -> Parts:
        return (torch.linalg.matrix_exp(self.A.triu(1) - self.A.triu(1).mT),)

    def step(self, x: Tensor, state: Parts, W: Tensor) -> Parts:  # type: ignore[override]
        return (torch.tanh(self.input(x) + F.linear(state[0], W)),)

    def forward(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        (W,), sums, outputs = self.prepare(), self.input(x), []
        (h,) = state
        for sum_t in sums.unbind(1):
            h = torch.tanh(sum_t + F.linear(h, W))
            outputs.append(h)
        return torch.stack(outputs, 1), (h,)


class Reservoir(Cell):
    """An echo state network: what is drawn stays as it is drawn, and only the read-out learns (Jaeger 2001)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size, bias=False).requires_grad_(False)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size), requires_grad=False)

    def step(self, x: Tensor, state: Parts) -> Parts:
        return (torch.tanh(self.input(x) + F.linear(state[0], self.W)),)


class FastWeights(Cell):
    """A memory that is a matrix for each head, (B, heads, d, d), beside its trace, (B, H, 1) (Schmidhuber 1992)."""

    parts = ("h", "memory", "trace")

    def __init__(self, input_size: int, hidden_size: int, *, heads: int = 2) -> None:
        super().__init__(input_size, hidden_size)
        self.heads = heads
        self.input = Input(input_size, 4 * hidden_size)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 2, **_: Any) -> int:
        return max(1, round(hidden_size / heads)) * heads

    def start(self, batch: int) -> Parts:
        d, new = self.hidden_size // self.heads, self.input.weight.new_zeros
        return new(batch, self.hidden_size), new(batch, self.heads, d, d), new(batch, self.hidden_size, 1)

    def step(self, x: Tensor, state: Parts) -> Parts:
        _, memory, trace = state
        q, k, v, g = self.input(x).to(memory.dtype).unflatten(-1, (4, self.heads, -1)).transpose(0, 1)
        memory = 0.9 * memory + torch.einsum("bhi,bhj->bhij", v, torch.softmax(k, -1))
        trace = 0.5 * trace + g.flatten(1)[:, :, None]
        h = torch.einsum("bhij,bhj->bhi", memory, torch.softmax(q, -1)).flatten(1)
        return torch.tanh(h + trace[:, :, 0]), memory, trace
