"""The hypernetwork: a small recurrent network that scales the weights of a larger one at every step."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Driven
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence


class HyperRNN(Driven):
    """The recurrent cell whose weights a smaller recurrent network scales, row by row, anew at every step.

        k(t) = tanh(U_k x(t) + W_k [h(t-1); k(t-1)] + b_k)              the smaller one
        z_h(t), z_x(t), z_b(t) = Z k(t) + z                             some numbers for each purpose
        h(t) = tanh((D_h z_h(t)) * (W h(t-1)) + (D_x z_x(t)) * (U x(t)) + D_b z_b(t) + b)

    Z and z hold the shares of z_h, z_x and z_b one below the other, D those of D_h, D_x and D_b. In the
    equations of the paper z_b has no z.

    Ha, Dai & Le, "HyperNetworks", 2016.

    Initialisation: so that it starts as a plain cell: Z = 0, z = 1 for z_h and z_x and 0 for z_b, D_h and D_x
    one over the number of scales; W as ``start`` says; all else uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        hyper_size: units of the smaller network.
        scales: numbers from which the scale of each row is computed.
        start: how W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which W is rescaled after that; None to leave it.
    """

    parts: tuple[str, ...] = ("h", "k")
    recurrent: tuple[str, ...] = ("W",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        hyper_size: Annotated[int, Field(ge=1, le=65536)] = 8,
        scales: Annotated[int, Field(ge=1, le=1024)] = 4,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.hyper_size, self.scales = hyper_size, scales
        self.input = Input(input_size, hidden_size, bias=False)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.hyper_input = Input(input_size, hyper_size)
        self.W_k = nn.Parameter(torch.empty(hyper_size, hidden_size + hyper_size))
        self.Z = nn.Parameter(torch.empty(3 * scales, hyper_size))
        self.z = nn.Parameter(torch.empty(2 * scales))
        self.D = nn.Parameter(torch.empty(3 * hidden_size, scales))
        self.recurrent_start = (start, spectral_radius)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros, (B, H) and as many as the smaller network has units; see :meth:`Cell.start`."""
        return self.W.new_zeros(batch, self.hidden_size), self.W.new_zeros(batch, self.hyper_size)

    def shares(self, x: Tensor) -> Tensor:
        """Return U x and U_k x + b_k side by side; see :meth:`Driven.shares`."""
        return torch.cat([self.input(x), self.hyper_input(x)], -1)

    def react(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Driven.react`."""
        h, k = state
        read, hyper_read = torch.split(share, [self.hidden_size, self.hyper_size], -1)
        k = torch.tanh(hyper_read + F.linear(torch.cat([h, k], -1), self.W_k))
        z = F.linear(k, self.Z, F.pad(self.z, (0, self.scales))).chunk(3, -1)
        d_h, d_x, d_b = (F.linear(part, D) for part, D in zip(z, self.D.chunk(3), strict=True))
        return torch.tanh(d_h * F.linear(h, self.W) + d_x * read + d_b + self.b), k

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)
        with torch.no_grad():
            self.Z.zero_()
            self.z.fill_(1)
            self.D[: 2 * self.hidden_size].fill_(1 / self.scales)

    @staticmethod
    def parameter_count(
        input_size: int, hidden_size: int, *, hyper_size: int = 8, scales: int = 4, **options: object
    ) -> int:
        """Return the number of weights of the cell: of a plain one, of the smaller one, and of D, Z and z."""
        smaller = hyper_size * (input_size + hidden_size + hyper_size + 1)
        between = 3 * scales * (hidden_size + hyper_size) + 2 * scales
        return hidden_size * (input_size + hidden_size + 1) + smaller + between
