"""A plain recurrent network that reads, writes and moves along tapes of vectors."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Cell, Input
from seqlab.models._initialise import Start, start_recurrence
from seqlab.models._padding import may_look

MOVES = 4
"""Stay, left, right, and back to where the tape begins."""


class TapeRNN(Cell):
    """The plain recurrent cell with tapes; at each step it writes where the head is, then moves it.

        h(t)         = tanh(U x(t) + W h(t-1) + R sum_i p(t-1)[i] s(t-1)[i] + b)
        v(t)         = D h(t) + d                                        what is written
        s(t)[i]      = (1 - p(t-1)[i]) s(t-1)[i] + p(t-1)[i] v(t)
        k, l, r, j   = softmax(A h(t) + a)                               stay, left, right, home
        p(t)[i]      = k p(t-1)[i] + l p(t-1)[i+1] + r p(t-1)[i-1], and j more where i = 0

    p says where on the tape the head is; it begins in cell 0. From the ends nothing moves on: what would,
    stays. Each of the tapes has its own p, s and v. Whatever is to stay must be written again as it was read.

    Delétang et al., "Neural networks and the Chomsky hierarchy", 2022. There the head stands and the tape
    moves, and the jumps go as far as the input is long, to either side, which the network is told. Here it is
    told nothing: the jump goes home, which after reading an input from left to right is the same.

    Initialisation: all uniform in plus or minus 1 / sqrt(H), but W as ``start`` says.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        tapes: how many tapes there are, S.
        cell_size: numbers in a cell of a tape, C.
        cells: of a tape, N.
        start: how W is drawn: uniform, orthogonal, identity or gaussian.
    """

    parts: tuple[str, ...] = ("h", "tapes", "heads")
    recurrent: tuple[str, ...] = ("W",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        tapes: Annotated[int, Field(ge=1, le=64)] = 1,
        cell_size: Annotated[int, Field(ge=1, le=1024)] = 8,
        cells: Annotated[int, Field(ge=2, le=100_000)] = 128,
        start: Start = "uniform",
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.tapes, self.cell_size, self.cells = tapes, cell_size, cells
        self.recurrent_start: Start = start
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.R = nn.Parameter(torch.empty(hidden_size, tapes * cell_size))
        self.A = Input(hidden_size, MOVES * tapes)
        self.D = Input(hidden_size, tapes * cell_size)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros: h (B, H) and the tapes (B, S, N, C); and the heads (B, S, N), in the first cell."""
        tapes = self.W.new_zeros(batch, self.tapes, self.cells, self.cell_size)
        heads = self.W.new_zeros(batch, self.tapes, self.cells)
        heads[..., 0] = 1
        return self.W.new_zeros(batch, self.hidden_size), tapes, heads

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        h, s, p = state
        seen = (p[:, :, None] @ s).flatten(1)
        h = torch.tanh(self.input(x) + F.linear(h, self.W) + F.linear(seen, self.R))
        v = self.D(h).view(-1, self.tapes, 1, self.cell_size)
        stay, left, right, home = self.A(h).view(-1, MOVES, self.tapes, 1).softmax(1).unbind(1)
        first, last = p[..., :1], p[..., -1:]
        to_left, to_right = torch.cat([p[..., 1:], 0 * last], -1), torch.cat([0 * first, p[..., :-1]], -1)
        to_left = to_left + F.pad(first, (0, p.shape[-1] - 1))
        to_right = to_right + F.pad(last, (p.shape[-1] - 1, 0))
        s = torch.lerp(s, v.to(s.dtype), p[..., None])
        return h, s, stay * p + left * to_left + right * to_right + F.pad(home, (0, p.shape[-1] - 1))

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`. Cells that no head can reach are left out."""
        h, s, p = state
        beyond = self.cells - self._reached(s, p) - x.shape[1]
        if beyond <= 0:
            return self.steps(x, state)
        outputs, (h, s, p) = self.steps(x, (h, s[:, :, :-beyond], p[..., :-beyond]))
        return outputs, (h, F.pad(s, (0, 0, 0, beyond)), F.pad(p, (0, beyond)))

    def _reached(self, s: Tensor, p: Tensor) -> int:
        """Return how many cells from the left hold anything; all, where the start's gradient is asked for."""
        if s.requires_grad or p.requires_grad or not may_look():
            return self.cells
        held = (s.ne(0).any(-1) | p.ne(0)).any(1).any(0)
        return int(held.nonzero().max()) + 1

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, self.recurrent_start, None, generator)

    @staticmethod
    def parameter_count(
        input_size: int, hidden_size: int, *, tapes: int = 1, cell_size: int = 8, **options: object
    ) -> int:
        """Return the number of weights: H (I + H + C S + 1) and, for what acts, (4 + C) S (H + 1)."""
        reads = hidden_size * (input_size + hidden_size + tapes * cell_size + 1)
        return reads + (MOVES + cell_size) * tapes * (hidden_size + 1)
