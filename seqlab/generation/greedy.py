"""The greedy rule: the likeliest symbol each time, up to the end of an answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.rule import Scores, Symbols, log_softmax


class Greedy:
    """Write answers side by side, of each the likeliest symbol after what is written.

    Args:
        rows: how many answers.
        end: the symbol with which one ends.
        longest: symbols of an answer, the end included.

    Attributes:
        log_probability: of what is written so far, of each row, in nats; (rows,).
    """

    rows: NDArray[np.integer] | None = None

    def __init__(self, rows: int, end: int, longest: int) -> None:
        self.end, self.longest = end, longest
        self.written: list[NDArray[np.int64]] = []
        self.over = np.zeros(rows, bool)
        self.log_probability = np.zeros(rows)

    def choose(self, scores: Scores) -> Symbols | None:
        """Take the likeliest symbol of each row; one that has ended goes on with its end."""
        if len(self.written) == self.longest or self.over.all():
            return None
        symbols = np.where(self.over, self.end, scores.argmax(-1))
        told = np.take_along_axis(log_softmax(scores), symbols[:, None], -1)[:, 0]
        self.log_probability += np.where(self.over, 0.0, told)
        self.written.append(symbols)
        self.over |= symbols == self.end
        return symbols

    def answers(self) -> list[NDArray[np.int64]]:
        """Return of each row the symbols up to the end, which is the last one, if it was written."""
        rows = np.stack(self.written, 1) if self.written else np.zeros((len(self.over), 0), np.int64)
        return [up_to(row, self.end) for row in rows]


def up_to(row: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    """Return a row up to the first ``end``, which belongs to it.

    >>> up_to(np.array([3, 4, 0, 0]), end=0)
    array([3, 4, 0])
    """
    (ends,) = (row == end).nonzero()
    return row[: ends[0] + 1] if len(ends) else row
