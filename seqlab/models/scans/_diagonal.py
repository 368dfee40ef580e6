"""What layers of a complex diagonal recurrence share; they differ in how its coefficients are had."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.models._padding import Parts
from seqlab.models._stack import Mixer
from seqlab.models.scans._scan import linear_scan


class Diagonal(Mixer):
    """A complex diagonal recurrence between two matrices, solved by the linear scan.

        z(t) = a * z(t-1) + b * (B x(t))
        y(t) = gelu(Re(C z(t)) + d * x(t))

    Args:
        size: the width D of x and y.
        numbers: the complex numbers N of z.

    Attributes:
        B: (2 N, D), the real parts of its rows above their imaginary parts.
        C: (D, 2 N), what the real parts of z are multiplied with left of what the imaginary parts are.
        d: (D,).
    """

    def __init__(self, size: int, numbers: int) -> None:
        super().__init__(size)
        self.numbers = numbers
        self.B = nn.Parameter(torch.empty(2 * numbers, size))
        self.C = nn.Parameter(torch.empty(size, 2 * numbers))
        self.d = nn.Parameter(torch.empty(size))

    @abstractmethod
    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return a, complex, and b, real or complex, (N,) each."""

    def start(self, rows: int) -> Parts:
        """Return z = 0, (B, N); see :meth:`Mixer.start`."""
        return (torch.complex(*self.d.new_zeros(2, rows, self.numbers).unbind()),)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        a, b = self.coefficients()
        read = F.linear(x.transpose(0, 1), self.B).to(self.d.dtype)  # (T, B, 2 N)
        z = linear_scan(a.expand(len(read), 1, -1), b * torch.complex(*read.chunk(2, -1)), *state)
        y = F.linear(torch.cat([z.real, z.imag], -1), self.C).transpose(0, 1)
        return F.gelu(y + self.d * x), (z[-1],)
