"""By how much columns vary: what numbers of a user's own are divided by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

NOISE = 1e-14
"""Beside the greatest number of a column, what rounding alone may make it vary by."""


def deviations(values: Values, greatest: Values | None = None) -> Values:
    """Return the standard deviation of each column, (C,), 0 where only rounding varies.

    Args:
        values: (N, C), NaN at gaps.
        greatest: (C,) the greatest magnitude of the numbers that they were computed from; None for their own.

    >>> deviations(np.full((100, 1), 0.1)).tolist(), float(np.std(np.full(100, 0.1)))
    ([0.0], 2.7755575615628914e-17)
    """
    found = np.sqrt(means((values - means(values)) ** 2))
    greatest = magnitudes(values) if greatest is None else greatest
    return np.where(found > NOISE * greatest, found, 0.0)


def means(values: Values) -> Values:
    """Return the mean of each column, (C,), 0 where there is no value; gaps are passed over."""
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0).sum(0) / np.maximum(there.sum(0), 1))


def magnitudes(values: Values) -> Values:
    """Return the greatest magnitude of each column, (C,); gaps are passed over."""
    return np.asarray(np.nan_to_num(np.abs(values)).max(0))


def or_one(spread: Values) -> Values:
    """Return what numbers are divided by: 1 where they do not vary.

    >>> or_one(np.array([0.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return np.where(spread > 0, spread, 1.0)
