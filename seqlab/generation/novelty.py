"""What a text shares with another: the longest passages that stand in both, so that memorising is seen.

Both texts are put behind one another, and every place gets the rank of the 2^j symbols that begin there among
all such passages, for j = 0, 1, 2, ...; a passage of 2^(j+1) symbols is a pair of ranks, so sorting the pairs
gives the next ranks (Manber & Myers, "Suffix arrays", 1993). In the order of the last ranks, what shares most
with a place of the one text stands next to it among those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Passage:
    """A passage of one text that stands in another.

    Attributes:
        start: where it begins in the text.
        length: its symbols.
        source: where it begins in the other text; one place, where there are several.
    """

    start: int
    length: int
    source: int


def shared_lengths(text: NDArray[np.integer], other: NDArray[np.integer]) -> tuple[IntArray, IntArray]:
    """Return for every place of ``text`` the longest passage from there that stands in ``other``.

    Args:
        text: (N,) symbols, at least 0.
        other: (M,) symbols.

    Returns:
        (N,) lengths, and (N,) where such a passage begins in ``other``.

    >>> shared_lengths(np.array([1, 2, 3, 9]), np.array([2, 3, 1, 2, 2]))[0]
    array([2, 2, 1, 0])
    """
    if len(text) == 0 or len(other) == 0:
        return np.zeros(len(text), np.int64), np.zeros(len(text), np.int64)
    ranks = _ranks(np.asarray(text, np.int64), np.asarray(other, np.int64))
    here = np.arange(len(text))
    order = np.argsort(ranks[-1], kind="stable")
    foreign = order > len(text)  # behind the text and its end mark
    neighbours = np.where(foreign, np.arange(len(order)), -1)
    before = np.maximum.accumulate(neighbours)
    after = np.minimum.accumulate(np.where(foreign, np.arange(len(order)), len(order))[::-1])[::-1]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    best, source = np.zeros(len(text), np.int64), np.zeros(len(text), np.int64)
    for candidate in (before[place[here]], after[place[here]]):
        there = order[candidate.clip(0, len(order) - 1)]
        valid = (candidate >= 0) & (candidate < len(order))
        length = np.where(valid, _common(ranks, here, there), 0)
        source = np.where(length > best, there - len(text) - 1, source)
        best = np.maximum(best, length)
    return best, source


def passages(text: NDArray[np.integer], other: NDArray[np.integer], count: int) -> list[Passage]:
    """Return the longest shared passages, at most ``count``, none of which lies within another."""
    lengths, sources = shared_lengths(text, other)
    outermost = np.flatnonzero(np.append(True, lengths[1:] >= lengths[:-1]) & (lengths > 0))
    longest = outermost[np.argsort(-lengths[outermost], kind="stable")][:count]
    return [Passage(int(start), int(lengths[start]), int(sources[start])) for start in longest]


def _ranks(text: IntArray, other: IntArray) -> list[IntArray]:
    """Return the ranks of all passages of 1, 2, 4, ... symbols, until no place of ``text`` finds its own.

    The two end marks differ from all symbols and from each other, so no passage goes over an end.
    """
    top = max(text.max(), other.max())
    rank = np.concatenate([text, [top + 1], other, [top + 2]])
    ranks = [rank]
    length = 1
    while length < len(text) and np.isin(rank[: len(text)], rank[len(text) + 1 :]).any():
        behind = np.append(rank[length:], np.full(length, -1))
        _, rank = np.unique(rank * (len(rank) + top + 3) + behind + 1, return_inverse=True)
        ranks.append(rank)
        length *= 2
    return ranks


def _common(ranks: list[IntArray], here: IntArray, there: IntArray) -> IntArray:
    """Return how many symbols are the same from two places on, for each pair: the bits of the length."""
    length = np.zeros_like(here)
    last = len(ranks[0]) - 1
    for j in reversed(range(len(ranks))):
        same = ranks[j][(here + length).clip(max=last)] == ranks[j][(there + length).clip(max=last)]
        length += np.where(same, 1 << j, 0)
    return length
