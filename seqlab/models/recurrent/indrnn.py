"""The independently recurrent network, whose units see their own past and no other's."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Driven


class IndRNN(Driven):
    """The recurrent cell whose matrix is a diagonal.

        h(t) = relu(U x(t) + w * h(t-1) + b)                or tanh

    w has a number for each unit. Units meet in the layer above, so it takes two layers to do what a plain
    cell does in one; in return the gradient of each unit grows or fades as a power of its own w, which can be
    seen and set. At |w| = 2^(1/T) it doubles over T steps.

    Li, Li, Cook, Zhu & Gao, "Independently recurrent neural network (IndRNN): building a longer and deeper
    RNN", 2018.

    Initialisation: U uniform in plus or minus 1 / sqrt(H), b = 0, w uniform in [0, 1], so that there are
    memories of all lengths; with ``longest`` = T: w uniform in [2^(-1/T), 2^(1/T)], all of them long.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        nonlinearity: relu or tanh.
        longest: the longest lag T to prepare for, in steps; None for lags of all lengths.
    """

    recurrent: tuple[str, ...] = ("w",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: Literal["relu", "tanh"] = "relu",
        longest: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.w = nn.Parameter(torch.empty(hidden_size))
        self.nonlinearity = nonlinearity
        self.longest = longest

    def react(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step, given U x + b; see :meth:`Driven.react`."""
        a = share + self.w * state[0]
        return (torch.relu(a) if self.nonlinearity == "relu" else torch.tanh(a),)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        least, most = (
            (0.0, 1.0) if self.longest is None else (2 ** (-1 / self.longest), 2 ** (1 / self.longest))
        )
        with torch.no_grad():
            self.w.uniform_(least, most, generator=generator)
            self.input.bias.zero_()

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: H (I + 2)."""
        return hidden_size * (input_size + 2)
