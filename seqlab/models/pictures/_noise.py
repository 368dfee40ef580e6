"""Noise of models that draw numbers also when they are judged: what is drawn for a picture is its own.

So a picture is judged alike whatever stands beside it, however often, and on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from seqlab.contracts import torch_stream

PRIME = 2**31 - 1


def keys_of(picture: Tensor) -> Tensor:
    """Return a number of each picture (B, ...), (B,) int64 below 2^31: a hash of its pixels in 256 shades."""
    shades = (picture.detach() * 255).round().flatten(1).to(torch.int64) % PRIME
    return (shades * _weights(shades.shape[1], shades.device) % PRIME).sum(1) % PRIME


@cache
def _weights(pixels: int, device: torch.device) -> Tensor:
    """Return what the pixels of a picture weigh in its key; it is sent to a GPU once."""
    drawn = torch.randint(1, PRIME, (pixels,), generator=torch_stream(0, "keys of pictures"))
    return drawn.to(device)


def drawn_for(keys: Tensor, steps: Tensor, size: int, draw: Callable[..., Tensor]) -> Tensor:
    """Return numbers that are a function of a picture's key and of a step, (B, size), in float64.

    Args:
        keys: (B,), from :func:`keys_of`.
        steps: (B,) int64, from 0 on.
        size: numbers of each row.
        draw: ``torch.rand`` or ``torch.randn``.

    >>> keys, steps = torch.tensor([5, 5, 5, 6]), torch.tensor([0, 0, 1, 0])
    >>> drawn_for(keys, steps, 2, torch.rand).unique(dim=0).shape
    torch.Size([3, 2])
    """
    generator = torch.Generator()
    seeds = (keys + steps * PRIME).tolist()
    rows = [draw(size, generator=generator.manual_seed(seed), dtype=torch.float64) for seed in seeds]
    return torch.stack(rows).to(keys.device)
