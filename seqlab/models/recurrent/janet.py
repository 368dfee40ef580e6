"""JANET: an LSTM of which only the forget gate is left."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Gated
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence


class JANET(Gated):
    """The recurrent cell with a forget gate and no other.

        s(t) = U_f x(t) + W_f h(t-1) + b_f
        f(t) = sigmoid(s(t))                                what is kept
        i(t) = 1 - sigmoid(s(t) - beta)                     what is written
        g(t) = tanh(U_g x(t) + W_g h(t-1) + b_g)
        h(t) = f(t) * h(t-1) + i(t) * g(t)

    U, W and b hold f and g one below the other. With beta = 0 it is an LSTM with coupled gates, without an
    output gate and its tanh; with beta > 0 more comes in than goes.

    Van der Westhuizen & Lasenby, "The unreasonable effectiveness of the forget gate", 2018.

    Initialisation: U, W and b uniform in plus or minus 1 / sqrt(H), W as ``start`` says; b_f =
    ``forget_bias``. With ``chrono`` = T: b_f = log u with u uniform in [1, T-1], as they have it (Tallec &
    Ollivier 2018).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        beta: what the input's gate is ahead of the forget gate.
        forget_bias: b_f at the start.
        chrono: the longest lag T to prepare for, in steps; it takes the place of ``forget_bias``.
        start: how each W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which each W is rescaled after that; None to leave it.
    """

    recurrent: tuple[str, ...] = ("W",)
    gate_names: tuple[str, ...] = ("f", "i", "g")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        beta: Annotated[float, Field(ge=0, le=100)] = 1.0,
        forget_bias: float = 1.0,
        chrono: Annotated[int, Field(ge=2)] | None = None,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 2 * hidden_size)
        self.W = nn.Parameter(torch.empty(2 * hidden_size, hidden_size))
        self.beta = beta
        self.forget_bias = forget_bias
        self.chrono = chrono
        self.recurrent_start = (start, spectral_radius)

    def gates_from(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return f, i and g; see :meth:`Gated.gates_from`."""
        s, g = (share + F.linear(state[0], self.W)).chunk(2, -1)
        return torch.sigmoid(s), torch.sigmoid(self.beta - s), torch.tanh(g)

    def update(self, gates: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the new state; see :meth:`Gated.update`."""
        f, i, g = gates
        return (f * state[0] + i * g,)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)
        with torch.no_grad():
            b_f, _ = self.input.bias.chunk(2)
            b_f.fill_(self.forget_bias)
            if self.chrono is not None:
                b_f.uniform_(1, self.chrono - 1, generator=generator).log_()

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: 2 H (I + H + 1)."""
        return 2 * hidden_size * (input_size + hidden_size + 1)
