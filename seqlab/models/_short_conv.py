"""A convolution over the last few steps, which remembers them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ShortConv(nn.Module):
    """A causal convolution, each channel by itself.

        y(t) = b + sum over k < K of w_k * x(t-k)

    The state holds the last K - 1 steps of x, (B, K - 1, N), the newest last. w and b start uniform in plus
    or minus 1 / sqrt(K).

    Args:
        size: the channels N.
        width: the steps K.
    """

    def __init__(self, size: int, width: int = 4) -> None:
        super().__init__()
        self.size, self.width = size, width
        self.weight = nn.Parameter(torch.empty(width, size))
        self.bias = nn.Parameter(torch.empty(size))

    def start(self, rows: int) -> Tensor:
        """Return the state before the first step: zeros."""
        return self.weight.new_zeros(rows, self.width - 1, self.size)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Return y, (B, T, N), and the new state."""
        x = torch.cat([past, x.to(past.dtype)], 1)
        steps = x.shape[1] - self.width + 1
        y = self.bias + sum(
            weight * x[:, self.width - 1 - k : self.width - 1 - k + steps]
            for k, weight in enumerate(self.weight)
        )
        return y, x[:, steps:]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        bound = self.width**-0.5
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-bound, bound, generator=generator)
