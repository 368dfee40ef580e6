"""A grid of Gaussian filters with which DRAW reads a patch of a picture, or writes one onto it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seqlab.models.pictures._patches import windows_about

NUMBERS = 5
"""What a model says of where its filters are: middle (row and column), width, distance, brightness."""


class Filters(NamedTuple):
    """N x N Gaussian filters on a picture of R x C pixels (Gregor et al. 2015, equations 22 to 26).

    Attributes:
        down: (B, N, R), of each row of filters where along the rows it looks; sums to 1.
        right: (B, N, C), likewise along the columns.
        brightness: gamma, (B,), by which what is read is multiplied.
        middle: (B, 2), row and column in pixels.
        apart: pixels from filter to filter, (B,).
    """

    down: Tensor
    right: Tensor
    brightness: Tensor
    middle: Tensor
    apart: Tensor

    def read(self, picture: Tensor) -> Tensor:
        """Return gamma F_Y x F_X' of a picture (B, R, C, F), (B, N, N, F)."""
        seen = torch.einsum("bnr,brcf,bmc->bnmf", self.down, picture, self.right)
        return self.brightness[:, None, None, None] * seen

    def write(self, patch: Tensor) -> Tensor:
        """Return 1 / gamma F_Y' w F_X of a patch (B, N, N, F), (B, R, C, F)."""
        drawn = torch.einsum("bnr,bnmf,bmc->brcf", self.down, patch, self.right)
        return drawn / self.brightness[:, None, None, None]

    def windows(self) -> Tensor:
        """Return what lies between the outermost filters and half a distance more, (B, 1, 4)."""
        return windows_about(self.middle, self.apart * self.down.shape[1] / 2)[:, None]


def filters(said: Tensor, size: tuple[int, int], count: int) -> Filters:
    """Return the filters that five numbers say.

        g = (size + 1) / 2 (g' + 1) - 1                     from 0, the middle of the first pixel
        d = (max(R, C) - 1) / (N - 1) exp(d')               filters apart; of one filter N - 1 is 1
        m(i) = g + (i - (N - 1) / 2) d                      i from 0
        F(i, a) = exp(-(a - m(i))^2 / (2 s^2)) / Z(i)

    Args:
        said: (B, 5): g' of rows and of columns, log s^2, d', log gamma.
        size: R and C.
        count: N.
    """
    rows, columns, spread, apart, brightness = said.unbind(-1)
    middle = torch.stack(
        [(whole + 1) / 2 * (part + 1) - 1 for whole, part in zip(size, (rows, columns), strict=True)], -1
    )
    distance = (max(size) - 1) / max(count - 1, 1) * apart.exp()
    steps = torch.arange(count, device=said.device, dtype=said.dtype) - (count - 1) / 2
    along = []
    for axis, whole in enumerate(size):
        means = middle[:, axis, None] + steps * distance[:, None]  # (B, N)
        places = torch.arange(whole, device=said.device, dtype=said.dtype)
        logs = -((places - means[..., None]) ** 2) / (2 * spread.exp()[:, None, None])
        along.append(logs.softmax(-1))
    return Filters(along[0], along[1], brightness.exp(), middle, distance)
