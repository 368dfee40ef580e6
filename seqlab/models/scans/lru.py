"""The linear recurrent unit: a complex diagonal recurrence whose eigenvalues start on a ring."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec
from seqlab.errors import SettingsError
from seqlab.models._stack import Stack
from seqlab.models.scans._diagonal import Diagonal


class LRU(Stack):
    """A stack of linear recurrent units, which has no nonlinearity in time.

        z(t) = lambda * z(t-1) + gamma * (B x(t))                           complex, N numbers
        y(t) = gelu(Re(C z(t)) + d * x(t))
        lambda = exp(-exp(nu) + i exp(theta)),   gamma = exp(g)

    So |lambda| < 1 whatever is learned. x is the stream behind a norm, and what becomes of y stands in
    :class:`Stack`. Over a whole sequence it is solved by a scan.

    Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De, "Resurrecting recurrent neural networks for long
    sequences", 2023.

    Initialisation: lambda uniform on the ring between the radii, with phases uniform in [0, ``max_phase``];
    gamma = sqrt(1 - |lambda|^2), which keeps z as large as what is read; real and imaginary parts of B from
    N(0, 1 / (2 D)), of C from N(0, 1 / N), d from N(0, 1).

    Args:
        spec: what is known of the task.
        states: the complex numbers N that each layer remembers.
        r_min: the least |lambda| at the start.
        r_max: the greatest |lambda| at the start.
        max_phase: the greatest angle of lambda at the start, in radians.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        states: Annotated[int, Field(ge=1, le=65536)] = 64,
        r_min: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        r_max: Annotated[float, Field(gt=0, le=1)] = 0.99,
        max_phase: Annotated[float, Field(gt=0, le=2 * math.pi)] = 2 * math.pi,
        **options: Any,
    ) -> None:
        if r_min >= r_max:
            raise SettingsError(
                f"model.r_min is {r_min:g}, which is not below model.r_max, {r_max:g}.",
                hint="Give a ring: model.r_min=0.4 model.r_max=0.9",
            )
        super().__init__(spec, lambda width: Ring(width, states, (r_min, r_max), max_phase), **options)


class Ring(Diagonal):
    """The recurrence of :class:`LRU`.

    Args:
        size: the width D.
        numbers: the complex numbers N.
        radii: between which |lambda| starts.
        max_phase: the greatest angle of lambda at the start.
    """

    def __init__(self, size: int, numbers: int, radii: tuple[float, float], max_phase: float) -> None:
        super().__init__(size, numbers)
        self.radii, self.max_phase = radii, max_phase
        self.nu, self.theta, self.g = (nn.Parameter(torch.empty(numbers)) for _ in range(3))

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return lambda and gamma; see :meth:`Diagonal.coefficients`."""
        return torch.polar(torch.exp(-torch.exp(self.nu)), torch.exp(self.theta)), torch.exp(self.g)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        least, greatest = self.radii
        squared = torch.empty_like(self.nu).uniform_(least**2, greatest**2, generator=generator)
        squared.clamp_(1e-8, 1 - 1e-6)  # r = 0 and r = 1 have no nu, or no g
        self.nu.copy_(torch.log(-0.5 * torch.log(squared)))
        self.theta.uniform_(0, self.max_phase, generator=generator).clamp_(min=1e-6).log_()
        self.g.copy_(0.5 * torch.log1p(-squared))
        self.B.normal_(0, (2 * self.size) ** -0.5, generator=generator)
        self.C.normal_(0, self.numbers**-0.5, generator=generator)
        self.d.normal_(generator=generator)
