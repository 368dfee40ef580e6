"""The echo state network: a reservoir that stays as it was drawn, of which only the read-out learns."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Driven
from seqlab.models._initialise import radius


class EchoState(Driven):
    """The reservoir of leaky units, none of whose weights learn.

        h(t) = (1 - a) * h(t-1) + a * tanh(U x(t) + W h(t-1) + b)

    Of the whole network only the read-out V h(t) + c learns, here by gradient as everything else, not by
    linear regression; so no gradient goes back through time. What a reservoir can do must lie in the h that
    it happens to have.

    Jaeger, "The 'echo state' approach to analysing and training recurrent neural networks", 2001; leaky
    units: Jaeger, Lukosevicius, Popovici & Siewert, 2007.

    Initialisation: U and b uniform in plus or minus ``scale``; W uniform, a share of ``sparsity`` of it set
    to 0, and the rest brought to ``spectral_radius``, where it has any but 0. A radius below 1 makes what
    came long ago fade, as a rule.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        spectral_radius: of W.
        leak: the share a of what is new; small ones make slow units.
        sparsity: the share of W that is 0.
        scale: the greatest weight of an input.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        spectral_radius: Annotated[float, Field(gt=0, le=1000)] = 0.95,
        leak: Annotated[float, Field(gt=0, le=1)] = 1.0,
        sparsity: Annotated[float, Field(ge=0, lt=1)] = 0.8,
        scale: Annotated[float, Field(gt=0, le=1000)] = 0.5,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size).requires_grad_(False)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size), requires_grad=False)
        self.spectral_radius, self.leak, self.sparsity, self.scale = spectral_radius, leak, sparsity, scale

    def react(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step, given U x + b; see :meth:`Driven.react`."""
        (h,) = state
        return ((1 - self.leak) * h + self.leak * torch.tanh(share + F.linear(h, self.W)),)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        for weight in self.input.parameters():
            weight.uniform_(-self.scale, self.scale, generator=generator)
        W = torch.empty(self.W.shape, dtype=torch.float64).uniform_(-1, 1, generator=generator)
        W *= torch.empty_like(W).bernoulli_(1 - self.sparsity, generator=generator)
        self.W.copy_(W * self.spectral_radius / (radius(W) or 1.0))

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: H (I + H + 1), none of which learns."""
        return hidden_size * (input_size + hidden_size + 1)
