"""Pairs of a value and a marker, two of them marked: what adding and multiplication are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIRST_MARK = 10
"""Hochreiter & Schmidhuber mark one of so many pairs first."""


def marked_pairs(stream: np.random.Generator, shortest: int, size: int) -> NDArray[np.float32]:
    """Return sequences of pairs as in experiments 4 and 5 of 1997, (B, L, 2), with values uniform in [0, 1).

    L is uniform in [T, T + T/10]. The marker is 1 at one of the first 10 pairs and at one of the first
    T/2 - 1 others, -1 at the first and the last pair, 0 elsewhere. Where the first pair is drawn, its marker
    stays -1.

    Args:
        stream: to draw from.
        shortest: T.
        size: B.
    """
    length = int(stream.integers(shortest, shortest + shortest // 10, endpoint=True))
    inputs = np.zeros((size, length, 2), dtype=np.float32)
    inputs[..., 0] = stream.random((size, length), dtype=np.float32)
    first = stream.integers(0, FIRST_MARK, size)
    second = stream.integers(0, shortest // 2 - 1, size)
    second += second >= first  # the place among those still unmarked
    rows = np.arange(size)
    inputs[rows, first, 1] = 1
    inputs[rows, second, 1] = 1
    inputs[:, (0, -1), 1] = -1
    return inputs
