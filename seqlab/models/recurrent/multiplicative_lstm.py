"""The multiplicative LSTM, whose gates see the state through a matrix that depends on the input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Gated
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence


class MultiplicativeLSTM(Gated):
    """The LSTM that sees h(t-1) as the input at hand has it.

        m(t) = (U_m x(t)) * (W_m h(t-1))
        i(t) = sigmoid(U_i x(t) + W_i m(t) + b_i)           what is written
        f(t) = sigmoid(U_f x(t) + W_f m(t) + b_f)           what is kept
        g(t) =    tanh(U_g x(t) + W_g m(t) + b_g)           what would be written
        o(t) = sigmoid(U_o x(t) + W_o m(t) + b_o)           what is shown
        c(t) = f(t) * c(t-1) + i(t) * g(t)
        h(t) = o(t) * tanh(c(t))

    U, W and b hold the four gates one below the other in this order.

    Krause, Lu, Murray & Renals, "Multiplicative LSTM for sequence modelling", 2016.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H); each gate's W and W_m as ``start`` says;
    b_f = ``forget_bias``.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        forget_bias: b_f at the start.
        start: how each gate's W and W_m are drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which each of them is rescaled after that; None to leave it.
    """

    parts: tuple[str, ...] = ("h", "c")
    recurrent: tuple[str, ...] = ("W_m", "W")
    gate_names: tuple[str, ...] = ("i", "f", "g", "o")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float = 1.0,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 4 * hidden_size)
        self.input_factors = Input(input_size, hidden_size, bias=False)
        self.W_m = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.W = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.forget_bias = forget_bias
        self.recurrent_start = (start, spectral_radius)

    def shares(self, x: Tensor) -> Tensor:
        """Return U x + b of the four gates and U_m x side by side; see :meth:`Driven.shares`."""
        return torch.cat([self.input(x), self.input_factors(x)], -1)

    def gates_from(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return i, f, g and o; see :meth:`Gated.gates_from`."""
        sums, factors = torch.split(share, [4 * self.hidden_size, self.hidden_size], -1)
        m = factors * F.linear(state[0], self.W_m)
        i, f, g, o = (sums + F.linear(m, self.W)).chunk(4, -1)
        return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)

    def update(self, gates: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the new state; see :meth:`Gated.update`."""
        i, f, g, o = gates
        c = f * state[1] + i * g
        return o * torch.tanh(c), c

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        for matrix in (self.W_m, self.W):
            start_recurrence(matrix, *self.recurrent_start, generator)
        with torch.no_grad():
            self.input.bias.chunk(4)[1].fill_(self.forget_bias)

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: H (5 (I + H) + 4)."""
        return hidden_size * (5 * (input_size + hidden_size) + 4)
