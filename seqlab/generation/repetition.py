"""Texts that go round in circles: how to see one, and how to make it less likely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.rule import Scores, Symbols

LONGEST = 500
"""Symbols of a circle that is looked for, at most."""

ROUNDS, FEWEST = 3, 60
"""How often a text must have gone round, and how many symbols that must be."""


def penalised(scores: Scores, written: NDArray[np.bool_], penalty: float) -> Scores:
    """Return scores with those of symbols that were written already made worse: the rule of CTRL.

    With the penalty theta, a score above zero is divided by theta, and one below zero multiplied with it:
    Keskar et al. 2019 divide, which would make a negative score better.

    Args:
        scores: (..., V).
        written: (..., V), whether a symbol has been written in that text.
        penalty: theta; 1 changes nothing.

    >>> penalised(np.array([2.0, -1.0, 2.0]), np.array([True, True, False]), 2.0)
    array([ 1., -2.,  2.])
    """
    worse: Scores = np.where(scores > 0, scores / penalty, scores * penalty)
    return np.where(written, worse, scores)


def circle_of(text: Symbols) -> int | None:
    """Return the length of the circle in which the end of a text, (T,) symbols, goes round, or None.

    >>> circle_of(np.array([7, 8] + [1, 2, 3] * 30)), circle_of(np.arange(100))
    (3, None)
    """
    for length in range(1, min(LONGEST, len(text) // ROUNDS) + 1):
        end = text[-max(ROUNDS * length, FEWEST) :]
        if len(end) >= FEWEST and np.array_equal(end[length:], end[:-length]):
            return length
    return None
