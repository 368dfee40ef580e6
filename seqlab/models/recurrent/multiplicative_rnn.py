"""The multiplicative recurrent network, whose recurrent matrix depends on the input."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Driven


class MultiplicativeRNN(Driven):
    """The recurrent cell that has a matrix of its own for each input, in factors.

        f(t) = (U_f x(t)) * (W_f h(t-1))
        h(t) = tanh(U x(t) + W f(t) + b)

    Each symbol thus takes the state on by W diag(U_f x) W_f: by which symbol it is, not only by how much it
    adds. A full matrix for each symbol would have I H^2 weights.

    Sutskever, Martens & Hinton, "Generating text with recurrent neural networks", 2011.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        factors: how many numbers f has; null for as many as units.
    """

    recurrent: tuple[str, ...] = ("W_f", "W")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        factors: Annotated[int, Field(ge=1, le=65536)] | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.factors = hidden_size if factors is None else factors
        self.input = Input(input_size, hidden_size)
        self.input_factors = Input(input_size, self.factors, bias=False)
        self.W_f = nn.Parameter(torch.empty(self.factors, hidden_size))
        self.W = nn.Parameter(torch.empty(hidden_size, self.factors))

    def shares(self, x: Tensor) -> Tensor:
        """Return U x + b and U_f x side by side; see :meth:`Driven.shares`."""
        return torch.cat([self.input(x), self.input_factors(x)], -1)

    def react(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Driven.react`."""
        sums, f = torch.split(share, [self.hidden_size, self.factors], -1)
        return (torch.tanh(sums + F.linear(f * F.linear(state[0], self.W_f), self.W)),)

    @staticmethod
    def parameter_count(
        input_size: int, hidden_size: int, *, factors: int | None = None, **options: object
    ) -> int:
        """Return the number of weights of the cell: H (I + 1) + F (I + 2 H) with F factors."""
        factors = hidden_size if factors is None else factors
        return hidden_size * (input_size + 1) + factors * (input_size + 2 * hidden_size)
