"""The minimal LSTM, whose gates see the input alone, solved in parallel over time."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from seqlab.models._cell import Cell, Input
from seqlab.models.scans._scan import by_symbol, log_positive, positive, scan


class MinLSTM(Cell):
    """The minimal LSTM.

        p(t) = sigmoid(U_f x(t) + b_f)
        q(t) = sigmoid(U_i x(t) + b_i)
        f(t) = p(t) / (p(t) + q(t))                     what of the past is kept
        i(t) = q(t) / (p(t) + q(t))                     how much is written
        n(t) =    g(U_n x(t) + b_n)                     what is written
        h(t) = f(t) * h(t-1) + i(t) * n(t)

    g(x) = x + 0.5 for x >= 0 and sigmoid(x) below. U and b hold the shares of f, i and n one below the other
    in this order. f and i are made to add up to 1, so that the scale of h does not depend on the length;
    there is no output gate, and so no cell state beside h.

    h(t) is linear in h(t-1), and a whole sequence is solved by a scan in log space; see the minimal GRU, also
    for what one layer cannot do.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024.

    Initialisation: U and b uniform in plus or minus 1 / sqrt(H); b_f = ``forget_bias``. With ``chrono`` = T:
    b_f = log u with u uniform in [1, T-1], b_i = -b_f (Tallec & Ollivier 2018), which gives f = u / (1 + u).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        forget_bias: b_f at the start.
        chrono: the longest lag T to prepare for, in steps; it takes the place of ``forget_bias``.
    """

    bfloat16_from = 100_000
    gate_names: ClassVar[tuple[str, ...]] = ("f", "i", "n")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float = 1.0,
        chrono: Annotated[int, Field(ge=2)] | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 3 * hidden_size)
        self.forget_bias = forget_bias
        self.chrono = chrono

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return f, i and n, each (B, H), of the step that :meth:`step` would take."""
        f, i, n = self.input(x).chunk(3, -1)
        odds = F.logsigmoid(f) - F.logsigmoid(i)  # log(p / q), which is finite where p and q underflow
        return torch.sigmoid(odds), torch.sigmoid(-odds), positive(n)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        f, i, n = self.gates(x, state)
        return (f * state[0] + i * n,)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`."""
        logs = by_symbol(self._logs, x.transpose(0, 1), self.input_size)  # (T, B, 2H)
        h = scan(*logs.chunk(2, -1), *state)
        return h.transpose(0, 1), (h[-1],)

    def _logs(self, x: Tensor) -> Tensor:
        """Return log f and log(i * n), side by side."""
        f, i, n = self.input(x).chunk(3, -1)
        odds = F.logsigmoid(f) - F.logsigmoid(i)
        return torch.cat([F.logsigmoid(odds), F.logsigmoid(-odds) + log_positive(n)], -1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        with torch.no_grad():
            b_f, b_i, _ = self.input.bias.chunk(3)
            b_f.fill_(self.forget_bias)
            if self.chrono is not None:
                b_f.uniform_(1, self.chrono - 1, generator=generator).log_()
                b_i.copy_(-b_f)

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: 3 H (I + 1)."""
        return 3 * hidden_size * (input_size + 1)
