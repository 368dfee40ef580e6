"""S5: one state space for all channels, with the eigenvalues of HiPPO, solved by a scan."""

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

FASTEST, SLOWEST = 1e-1, 1e-3
"""Between these the steps of time start."""


class S5(Stack):
    """A stack of simplified state space layers.

        d z / d s = A z + B x,   A diagonal and complex                     in the time s of each state
        z(t) = exp(dt A) * z(t-1) + ((exp(dt A) - 1) / A) * (B x(t))        a step dt of it, x held
        y(t) = gelu(Re(C z(t)) + d * x(t))
        A = -exp(r) + i w,   dt = exp(u)

    A real matrix of ``states`` rows has its eigenvalues in pairs, of which those with w > 0 are kept; the
    other half adds the same real part again, for which C starts twice as large. x is the stream behind a
    norm, and what becomes of y stands in :class:`Stack`. Over a whole sequence it is solved by a scan.

    Smith, Warrington & Linderman, "Simplified state space layers for sequence modeling", 2022.

    Initialisation: A in ``groups`` blocks, each with the eigenvalues of the normal part of HiPPO-LegS, and B
    and C those of real matrices from N(0, 1 / D) and N(0, 1 / states) in the basis of its eigenvectors; dt
    log-uniform in [0.001, 0.1]; d from N(0, 1).

    Args:
        spec: what is known of the task.
        states: real numbers that each layer remembers, as half as many complex ones.
        groups: blocks with the same eigenvalues; ``states`` is a multiple of twice as many.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        states: Annotated[int, Field(ge=2, le=65536)] = 64,
        groups: Annotated[int, Field(ge=1, le=32768)] = 1,
        **options: Any,
    ) -> None:
        if states % (2 * groups):
            raise SettingsError(
                f"model.states is {states}, which is not a multiple of twice model.groups, {2 * groups}.",
                hint=f"Set model.states={max(1, round(states / (2 * groups))) * 2 * groups}.",
            )
        super().__init__(spec, lambda width: StateSpace(width, states, groups), **options)


class StateSpace(Diagonal):
    """The recurrence of :class:`S5`.

    Args:
        size: the width D.
        states: real numbers of the state.
        groups: blocks of the same eigenvalues.
    """

    def __init__(self, size: int, states: int, groups: int) -> None:
        super().__init__(size, states // 2)
        self.groups = groups
        self.r, self.w, self.u = (nn.Parameter(torch.empty(states // 2)) for _ in range(3))

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return exp(dt A) and (exp(dt A) - 1) / A; see :meth:`Diagonal.coefficients`."""
        A = torch.complex(-torch.exp(self.r), self.w)
        a = torch.exp(torch.exp(self.u) * A)
        return a, (a - 1) / A

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        size, states = self.size, 2 * self.numbers
        speeds, vectors = hippo(states // self.groups)
        V = torch.kron(torch.eye(self.groups, dtype=vectors.dtype), vectors)  # in blocks, (states, N)
        self.r.fill_(math.log(0.5))
        self.w.copy_(speeds.repeat(self.groups))
        self.u.uniform_(math.log(SLOWEST), math.log(FASTEST), generator=generator)
        B = torch.randn(states, size, generator=generator, dtype=torch.float64) * size**-0.5
        C = torch.randn(size, states, generator=generator, dtype=torch.float64) * states**-0.5
        B, C = V.mH @ B.to(V.dtype), 2 * C.to(V.dtype) @ V
        self.B.copy_(torch.cat([B.real, B.imag]))
        self.C.copy_(torch.cat([C.real, -C.imag], 1))  # Re(C z)
        self.d.normal_(generator=generator)


def hippo(size: int) -> tuple[Tensor, Tensor]:
    """Return those eigenvalues of the normal part of HiPPO-LegS that have w > 0, as w, and their vectors.

    With s_n = sqrt(2 n + 1) it is -1/2 on the diagonal, -s_n s_k / 2 below and s_n s_k / 2 above it: all
    eigenvalues are -1/2 + i w.

    Args:
        size: of the matrix, even.

    Returns:
        (size / 2,) and (size, size / 2), in float64.

    >>> [round(float(w), 3) for w in hippo(4)[0]]
    [0.557, 4.603]
    """
    s = torch.sqrt(2 * torch.arange(size, dtype=torch.float64) + 1)
    products = torch.outer(s, s) / 2
    skew = products.triu(1) - products.tril(-1)
    w, vectors = torch.linalg.eigh(torch.complex(torch.zeros_like(skew), -skew))
    return w[size // 2 :], vectors[:, size // 2 :].contiguous()
