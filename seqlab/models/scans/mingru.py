"""The minimal gated recurrent unit, whose gate sees the input alone, solved in parallel over time."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from seqlab.models._cell import Cell, Input
from seqlab.models.scans._scan import by_symbol, log_positive, positive, scan


class MinGRU(Cell):
    """The minimal gated recurrent unit.

        z(t) = sigmoid(U_z x(t) + b_z)                  what of the past is kept
        n(t) =       g(U_n x(t) + b_n)                  what is written
        h(t) = z(t) * h(t-1) + (1 - z(t)) * n(t)

    g(x) = x + 0.5 for x >= 0 and sigmoid(x) below. U and b hold both one below the other in this order. As in
    the GRU here, z keeps; in the paper it replaces, so that theirs is 1 - z.

    Nothing but the state itself passes from step to step: h(t) is linear in h(t-1), and a whole sequence is
    solved by a scan in log space. The price is that one layer does not read by what it has read before: of
    order it knows only how far each input has faded. A second layer can, as its gates see the first one's h.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024.

    Initialisation: U and b uniform in plus or minus 1 / sqrt(H). With ``chrono`` = T: b_z = log u with u
    uniform in [1, T-1] (Tallec & Ollivier 2018).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        chrono: the longest lag T to prepare for, in steps; None for no preparation.
    """

    bfloat16_from = 100_000
    gate_names: ClassVar[tuple[str, ...]] = ("z", "n")

    def __init__(
        self, input_size: int, hidden_size: int, *, chrono: Annotated[int, Field(ge=2)] | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 2 * hidden_size)
        self.chrono = chrono

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return z and n, each (B, H), of the step that :meth:`step` would take."""
        z, n = self.input(x).chunk(2, -1)
        return torch.sigmoid(z), positive(n)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        z, n = self.gates(x, state)
        return (z * state[0] + (1 - z) * n,)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`."""
        logs = by_symbol(self._logs, x.transpose(0, 1), self.input_size)  # (T, B, 2H)
        h = scan(*logs.chunk(2, -1), *state)
        return h.transpose(0, 1), (h[-1],)

    def _logs(self, x: Tensor) -> Tensor:
        """Return log z and log((1 - z) * n), side by side."""
        z, n = self.input(x).chunk(2, -1)
        return torch.cat([F.logsigmoid(z), F.logsigmoid(-z) + log_positive(n)], -1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        if self.chrono is not None:
            with torch.no_grad():
                b_z, _ = self.input.bias.chunk(2)
                b_z.uniform_(1, self.chrono - 1, generator=generator).log_()

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: 2 H (I + 1)."""
        return 2 * hidden_size * (input_size + 1)
