"""How far a sequence is from the nearest of many: in symbols that are other, more or fewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.integer]
Places = NDArray[np.int64]

MOST = 1_000_000
"""Symbols of all the others up to which they are looked through: some tenth of a second for a sequence."""


class Nearest:
    """Sequences by their lengths, to be asked for the one nearest to another.

    Args:
        text: (T,) symbols, sequences behind one another.
        starts: (N,) where each begins.
        lengths: (N,) of each.

    >>> nearest = Nearest(np.array([1, 2, 3, 1, 1]), np.array([0, 3]), np.array([3, 2]))
    >>> [nearest.distance(np.array(one)) for one in ([1, 2, 3], [1, 3], [7])]
    [0, 1, 2]
    """

    def __init__(self, text: Symbols, starts: Places, lengths: Places) -> None:
        self._alike = {
            int(length): text[starts[lengths == length][:, None] + np.arange(length)].astype(np.int64)
            for length in np.unique(lengths)
        }  # by length (count, length)

    def distance(self, sequence: Symbols) -> int:
        """Return the edit distance (Levenshtein 1966) to the nearest sequence: 0 where it is one of them."""
        least = max(len(sequence), max(self._alike))
        for length in sorted(self._alike, key=lambda length: abs(length - len(sequence))):
            if abs(length - len(sequence)) >= least:
                break  # whatever is that much longer or shorter is no nearer
            least = min(least, int(_distances(sequence, self._alike[length]).min()))
        return least


def _distances(one: Symbols, others: Symbols) -> Places:
    """Return the edit distance of a sequence (M,) to each of others of one length (N, L).

    d(i, j) is that of the first i symbols to the first j. A row comes from the one before it: by another
    symbol or the same, or one left out; then by symbols put in, which is a running minimum of d(i, j) - j.
    """
    places = np.arange(others.shape[1] + 1)
    row = np.tile(places, (len(others), 1))
    for symbol in one:
        changed = row[:, :-1] + (others != symbol)
        below = row + 1
        below[:, 1:] = np.minimum(below[:, 1:], changed)
        row = np.minimum.accumulate(below - places, axis=1) + places
    return row[:, -1]


def stretches_between(text: Symbols, end: int) -> tuple[Places, Places]:
    """Return where the sequences of a text begin, and their lengths, where ``end`` stands behind each.

    >>> stretches_between(np.array([9, 1, 2, 9, 3, 9]), 9)
    (array([1, 4]), array([2, 1]))
    """
    ends = np.flatnonzero(text == end)
    starts = np.concatenate([[0], ends + 1]).astype(np.int64)
    lengths = np.concatenate([ends, [len(text)]]) - starts
    return starts[lengths > 0], lengths[lengths > 0]


def distances(text: Symbols, end: int, sequences: Sequence[Symbols]) -> Iterator[int]:
    """Yield how far each sequence is from the nearest of a text, in which ``end`` stands behind each."""
    nearest = Nearest(text, *stretches_between(text, end))
    return map(nearest.distance, sequences)
