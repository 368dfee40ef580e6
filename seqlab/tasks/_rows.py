"""Rows of different lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD


def side_by_side(rows: Sequence[Sequence[int] | NDArray[Any]], fill: int = PAD) -> NDArray[np.int64]:
    """Return rows of numbers, (B, T), with ``fill`` in front of shorter ones.

    >>> side_by_side([[1, 2], [3], []]).tolist()
    [[1, 2], [-1, 3], [-1, -1]]
    """
    lengths = [len(row) for row in rows]
    width = max(lengths, default=0)
    found = np.full((len(rows), width), fill, np.int64)
    for place, row, length in zip(found, rows, lengths, strict=True):
        place[width - length :] = row
    return found
