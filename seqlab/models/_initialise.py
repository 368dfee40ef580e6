"""How a recurrent matrix starts."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

Start = Literal["uniform", "orthogonal", "identity", "gaussian"]
"""The start of a recurrent matrix W, (H, H), one for each gate.

uniform: in plus or minus 1 / sqrt(H), as PyTorch's layers; orthogonal: uniform among the orthogonal matrices;
identity: I; gaussian: N(0, 1 / H), whose spectral radius is near 1.
"""

SpectralRadius = Annotated[float, Field(gt=0, le=1000)] | None
"""The spectral radius to which each gate's recurrent matrix is rescaled; None to leave it."""


@torch.no_grad()
def start_recurrence(
    W: Tensor, start: Start, spectral_radius: float | None, generator: torch.Generator
) -> None:
    """Draw the recurrent matrix of each gate in place.

    Args:
        W: (G H, H), the matrices of G gates one below the other.
        start: how each is drawn.
        spectral_radius: to which each is rescaled afterwards, or None.
        generator: what is drawn from.

    >>> W = torch.empty(8, 4)
    >>> start_recurrence(W, "gaussian", 0.9, torch.Generator().manual_seed(1))
    >>> [round(radius(block), 5) for block in W.chunk(2)]
    [0.9, 0.9]
    """
    size = W.shape[1]
    for block in W.chunk(W.shape[0] // size):
        matrix = _draw(size, start, generator)
        if spectral_radius is not None:
            matrix *= spectral_radius / radius(matrix)
        block.copy_(matrix)


def orthogonal(size: int, generator: torch.Generator) -> Tensor:
    """Draw an orthogonal matrix, every one as likely as another (Haar measure), in float64.

    It is Q of the QR decomposition of a Gaussian matrix, with the signs of its columns fixed by a positive
    diagonal of R; without that the signs would be the algorithm's (Mezzadri 2007; Saxe et al. 2014).
    """
    Q, R = torch.linalg.qr(_gaussian(size, generator))
    signed: Tensor = Q * R.diagonal().sign()
    return signed


def radius(matrix: Tensor) -> float:
    """Return the spectral radius of a square matrix: the largest modulus of its eigenvalues."""
    return float(torch.linalg.eigvals(matrix.double()).abs().max())


def _draw(size: int, start: Start, generator: torch.Generator) -> Tensor:
    if start == "orthogonal":
        return orthogonal(size, generator)
    if start == "identity":
        return torch.eye(size, dtype=torch.float64)
    if start == "gaussian":
        return _gaussian(size, generator) / math.sqrt(size)
    bound = 1 / math.sqrt(size)
    return torch.empty(size, size, dtype=torch.float64).uniform_(-bound, bound, generator=generator)


def _gaussian(size: int, generator: torch.Generator) -> Tensor:
    return torch.randn(size, size, generator=generator, dtype=torch.float64)
