"""Pictures turned and shifted by a little, so that few of them go further in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqlab.tasks.pictures._idx import Bytes

DEGREES, SHIFT = 12, 1 / 32
"""By how much training pictures are turned at most, and shifted, in their height."""


def turned_a_little(pixels: Bytes, stream: np.random.Generator) -> Bytes:
    """Return pictures (..., R, C) turned by up to 12 degrees and shifted by up to R / 32 pixels."""
    rows, columns = pixels.shape[-2:]
    flat = pixels.reshape(-1, rows, columns)
    return turned(flat, DEGREES, SHIFT * rows, stream).reshape(pixels.shape)


def turned(pixels: Bytes, degrees: float, shift: float, stream: np.random.Generator) -> Bytes:
    """Return pictures turned about their middle and shifted, each by numbers drawn evenly.

    Between pixels it is bilinear.

    Args:
        pixels: (N, R, C); beyond them all is 0.
        degrees: at most, either way.
        shift: pixels at most, along each axis.
        stream: what is drawn from.
    """
    count, rows, columns = pixels.shape
    angle = np.deg2rad(stream.uniform(-degrees, degrees, count))[:, None, None]
    by = stream.uniform(-shift, shift, (2, count))[..., None, None]
    down, right = np.indices((rows, columns)) - np.array([rows - 1, columns - 1])[:, None, None] / 2
    from_down = np.cos(angle) * down - np.sin(angle) * right + by[0] + (rows - 1) / 2
    from_right = np.sin(angle) * down + np.cos(angle) * right + by[1] + (columns - 1) / 2
    framed = np.pad(pixels, ((0, 0), (1, 1), (1, 1))).astype(np.float64)
    which = np.arange(count)[:, None, None]
    low = [np.floor(place).astype(np.int64) for place in (from_down, from_right)]
    found: NDArray[np.float64] = np.zeros(pixels.shape)
    for step_down in (0, 1):
        for step_right in (0, 1):
            place = low[0] + step_down, low[1] + step_right
            share = (1 - np.abs(from_down - place[0])) * (1 - np.abs(from_right - place[1]))
            found += (
                share
                * framed[which, np.clip(place[0] + 1, 0, rows + 1), np.clip(place[1] + 1, 0, columns + 1)]
            )
    return np.rint(found).astype(np.uint8)
