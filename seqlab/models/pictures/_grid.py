"""A small convolutional network that makes a grid of features of a picture of any size."""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.models._cell import linear

STRIDE = 4
"""Pixels from one place of the grid to the next, along both axes."""


class Convolution(nn.Module):
    """A convolution of 3 x 3, whose weights are yet to be drawn: y = relu(W * x + b).

    With ``norm`` each channel is normalised over the batch and all places, before relu (Ioffe & Szegedy
    2015); a trained network takes the running means.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, norm: bool) -> None:
        super().__init__()
        self.stride = stride
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Read (B, I, R, C)."""
        return F.relu(self.norm(F.conv2d(x, self.weight, self.bias, self.stride, padding=1)))


class Grid(nn.Module):
    """Convolutions, by default three, of which the second and the third halve both sides of a picture.

        g = relu(W_3 * relu(W_2 * relu(W_1 * x)))
        m(s) = relu(P [g(s); row of s; column of s])        rows and columns from -1 to 1

    A convolution does not know where it is, hence the last two.

    Args:
        features: of each pixel.
        channels: of the first convolution; the others have twice as many.
        size: M, features of each place of the grid.
        strides: of each convolution, pixels from one place to the next.
        norm: whether channels are normalised.
    """

    def __init__(
        self,
        features: int,
        channels: int,
        size: int,
        strides: tuple[int, ...] = (1, 2, 2),
        *,
        norm: bool = False,
    ) -> None:
        super().__init__()
        wide = 2 * channels
        outputs = (channels, *[wide] * (len(strides) - 1))
        widths = zip((features, *outputs), outputs, strides, strict=False)
        self.convolutions = nn.ModuleList(Convolution(*form, norm) for form in widths)
        self.place = linear(wide + 2, size)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the grid, (B, rows, columns, M), of a picture (B, R, C, features)."""
        x = picture.movedim(-1, 1)
        for convolution in self.convolutions:
            x = convolution(x)
        x = x.movedim(1, -1)
        return F.relu(self.place(torch.cat([x, self.where(x).expand(len(x), -1, -1, -1)], -1)))

    @staticmethod
    def where(grid: Tensor) -> Tensor:
        """Return row and column of each place of a grid (B, R, C, M), from -1 to 1: (R, C, 2)."""
        rows, columns = (
            torch.linspace(-1, 1, size, device=grid.device, dtype=grid.dtype)
            if size > 1
            else grid.new_zeros(1)
            for size in grid.shape[1:3]
        )
        return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)

    @staticmethod
    def centres(rows: int, columns: int) -> list[tuple[int, int]]:
        """Return the pixel, by row and column, that each place is centred on, of a picture of that size.

        >>> Grid.centres(5, 3)
        [(0, 0), (4, 0)]
        """
        return list(product(range(0, rows, STRIDE), range(0, columns, STRIDE)))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw weights from N(0, 2 / what comes in) (He et al. 2015); biases start at 0."""
        with torch.no_grad():
            for part in (*self.convolutions, self.place):
                weight, bias = part.weight, part.bias
                assert isinstance(weight, Tensor)
                assert isinstance(bias, Tensor)
                weight.normal_(0, (2 / weight[0].numel()) ** 0.5, generator=generator)
                bias.zero_()
