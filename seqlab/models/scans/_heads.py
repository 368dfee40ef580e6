"""What mixers of several heads share."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def nearest_multiple(size: int, heads: int, least: int = 1) -> int:
    """Return the width nearest to ``size`` that gives each head as many numbers, and that at least.

    >>> nearest_multiple(30, 4), nearest_multiple(1, 4, least=2)
    (32, 8)
    """
    return max(least, round(size / heads)) * heads


class HeadNorm(nn.LayerNorm):
    """A norm of each head's numbers by themselves, with a gain for each number and no bias.

    Args:
        size: the width, (..., size) to (..., size).
        heads: how many.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size, bias=False)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised numbers."""
        apart = x.view(*x.shape[:-1], self.heads, -1)
        return F.layer_norm(apart, apart.shape[-1:]).flatten(-2) * self.weight
