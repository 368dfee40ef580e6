"""Patches of a picture about any point, fine in the middle and coarse around it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def patches(picture: Tensor, centres: Tensor, width: int, scales: int, zoom: int) -> Tensor:
    """Return a patch of each scale about a point of each picture.

    The patch of scale k, from 0 on, is of width x width numbers, each the mean over zoom^k x zoom^k places a
    pixel apart. Between pixels it is bilinear, and beyond the picture all is 0.

    Args:
        picture: (B, R, C, features).
        centres: (B, 2), row and column in pixels, the first pixel's middle being (0, 0).
        width: of each patch.
        scales: how many.
        zoom: by how much each covers more than the one before it, along both axes.

    Returns:
        (B, scales, width, width, features).
    """
    x, found = picture.movedim(-1, 1), []
    size = centres.new_tensor(picture.shape[1:3])
    for scale in range(scales):
        each = zoom**scale
        side = width * each
        steps = torch.arange(side, device=x.device, dtype=centres.dtype) - (side - 1) / 2
        # from -1 to 1, the outer edges of the picture, as grid_sample has it
        down, right = ((centres[..., None] + steps) * 2 + 1).unbind(1)
        down, right = down / size[0] - 1, right / size[1] - 1  # (B, side) each
        grid = torch.stack(
            [right[:, None, :].expand(-1, side, -1), down[:, :, None].expand(-1, -1, side)], -1
        )
        there = F.grid_sample(x, grid.to(x.dtype), align_corners=False)
        found.append(F.avg_pool2d(there, each))
    return torch.stack(found, 1).movedim(2, -1)


def windows(centres: Tensor, width: int, scales: int, zoom: int) -> Tensor:
    """Return what the patches cover, (..., scales, 4): upper, left, lower and right edge in pixels.

    The first pixel goes from 0 to 1.

    Args:
        centres: (..., 2), as of :func:`patches`.
        width: of each patch.
        scales: how many.
        zoom: likewise.

    >>> windows(torch.tensor([3.5, 5.0]), 4, 2, 2).tolist()
    [[2.0, 3.5, 6.0, 7.5], [0.0, 1.5, 8.0, 9.5]]
    """
    half = width * float(zoom) ** torch.arange(scales, device=centres.device, dtype=centres.dtype) / 2
    return windows_about(centres[..., None, :], half.expand(*centres.shape[:-1], -1))


def windows_about(centres: Tensor, half: Tensor) -> Tensor:
    """Return the edges of squares, (..., 4), as of :func:`windows`.

    Args:
        centres: (..., 2) in pixels, the first pixel's middle being (0, 0).
        half: of their sides, (...).
    """
    middle = centres + 0.5
    return torch.cat([middle - half[..., None], middle + half[..., None]], -1)
