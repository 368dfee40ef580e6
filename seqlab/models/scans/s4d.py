"""S4D: a diagonal state space for each channel, solved as a convolution."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec
from seqlab.models._padding import Parts
from seqlab.models._stack import Mixer, Stack

FASTEST, SLOWEST = 1e-1, 1e-3
"""Between these the steps of time start."""

CHUNK = 1024
"""Steps that are convolved at a time, so that what a long sequence needs grows with its length alone."""


class S4D(Stack):
    """A stack of diagonal state spaces, each channel with its own.

        z(t) = exp(dt A) * z(t-1) + ((exp(dt A) - 1) / A) * x(t)            of each channel, complex
        y(t) = gelu(2 Re(sum of C * z(t)) + d * x(t))
        A = -exp(r) + i w,   dt = exp(u)

    As nothing depends on the input, y is x convolved with what follows one impulse,
    K(k) = 2 Re(sum of C * (exp(dt A) - 1) / A * exp(k dt A)), and a whole sequence is solved by Fourier
    transforms: with 64 states a scan would keep 32 complex numbers of every channel at every step. x is the
    stream behind a norm, and what becomes of y stands in :class:`Stack`.

    Gu, Gupta, Goel & Re, "On the parameterization and initialization of diagonal state space models", 2022.

    Initialisation: A = -1/2 + i pi n for n = 0, 1, ... (S4D-Lin); dt log-uniform in [0.001, 0.1], one a
    channel; real and imaginary parts of C from N(0, 1/2), d from N(0, 1).

    Args:
        spec: what is known of the task.
        states: real numbers that each channel remembers, as half as many complex ones.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self, spec: Spec, *, states: Annotated[int, Field(ge=2, le=4096, multiple_of=2)] = 64, **options: Any
    ) -> None:
        super().__init__(spec, lambda width: Channels(width, states // 2), **options)


class Channels(Mixer):
    """The recurrences of :class:`S4D`.

    Args:
        size: the channels D.
        numbers: the complex numbers N of each.
    """

    def __init__(self, size: int, numbers: int) -> None:
        super().__init__(size)
        self.r, self.w = (nn.Parameter(torch.empty(size, numbers)) for _ in range(2))
        self.C = nn.Parameter(torch.empty(size, numbers, 2))  # real and imaginary parts
        self.u, self.d = (nn.Parameter(torch.empty(size)) for _ in range(2))

    def start(self, rows: int) -> Parts:
        """Return z = 0, (B, D, N); see :meth:`Mixer.start`."""
        return (torch.complex(*self.d.new_zeros(2, rows, *self.r.shape).unbind()),)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        heard, (z,) = [], state
        for piece in torch.split(x.to(self.d.dtype), CHUNK, 1):
            y, z = self._convolve(piece.transpose(1, 2), z)
            heard.append(F.gelu(y).transpose(1, 2))
        return torch.cat(heard, 1), (z,)

    def _convolve(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sums of some steps, (B, D, T) as x, and the new z."""
        T = x.shape[2]
        A, C = torch.complex(-torch.exp(self.r), self.w), torch.view_as_complex(self.C)  # (D, N)
        log_a = torch.exp(self.u)[:, None] * A
        b = (torch.exp(log_a) - 1) / A
        powers = torch.exp(log_a[:, :, None] * torch.arange(T, device=x.device))  # (D, N, T), from a^0 on
        kernel = 2 * torch.einsum("dn,dnt->dt", C * b, powers).real
        y = torch.fft.irfft(torch.fft.rfft(x, 2 * T) * torch.fft.rfft(kernel, 2 * T), 2 * T)[:, :, :T]
        carried = 2 * torch.einsum("bdn,dnt->bdt", z * C * torch.exp(log_a), powers).real
        read = torch.einsum("bdt,dnt->bdn", x.to(z.dtype), powers.flip(2)) * b
        return y + carried + self.d[:, None] * x, torch.exp(T * log_a) * z + read

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        self.r.fill_(math.log(0.5))
        self.w.copy_(math.pi * torch.arange(self.w.shape[1]))
        self.u.uniform_(math.log(SLOWEST), math.log(FASTEST), generator=generator)
        self.C.normal_(0, 0.5**0.5, generator=generator)
        self.d.normal_(generator=generator)
