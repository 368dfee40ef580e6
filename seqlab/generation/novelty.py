"""What a text shares with another: the longest passages that stand in both, so that memorising is seen.

The other text may be far larger than memory: it is read in windows. In each, the places from which one, two,
three, ... symbols stand in the text too are followed up to :data:`SHORT` symbols; most end long before that.
The stretches that are left are put behind the text, and every place gets the rank of the 2^j symbols that
begin there among all such passages, for j = 0, 1, 2, ...; a passage of 2^(j+1) symbols is a pair of ranks, so
sorting the pairs gives the next ranks (Manber & Myers, "Suffix arrays", 1993). In the order of the last ranks
what shares most with a place of the one text stands next to it among those of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

WINDOW = 1 << 22
"""Symbols of the other text that are looked through at once."""

SHORT = 16
"""Symbols up to which passages are followed one by one."""

TABLE = 1 << 22
"""Keys up to which passages are looked up in a table."""


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


def shared_lengths(
    text: NDArray[np.integer], other: NDArray[np.integer], watch: Callable[[int], None] | None = None
) -> tuple[IntArray, IntArray]:
    """Return for every place of ``text`` the longest passage from there that stands in ``other``.

    Args:
        text: (N,) symbols, at least 0.
        other: (M,) symbols; read :data:`WINDOW` and N at a time.
        watch: is told how many symbols of ``other`` have been looked through.

    Returns:
        (N,) lengths, and (N,) where such a passage begins in ``other``.

    >>> shared_lengths(np.array([1, 2, 3, 9]), np.array([2, 3, 1, 2, 2]))[0]
    array([2, 2, 1, 0])
    """
    best, source = np.zeros(len(text), np.int64), np.zeros(len(text), np.int64)
    if len(text) == 0:
        return best, source
    own: IntArray = np.asarray(text, np.int64)
    grams = _Grams(own)
    for first in range(0, len(other), WINDOW):
        window = other[first : first + WINDOW + len(text)]  # no passage is longer than the text
        for lengths, places in _in_window(own, grams, window):
            source = np.where(lengths > best, places + first, source)
            best = np.maximum(best, lengths)
        if watch is not None:
            watch(min(first + WINDOW, len(other)))
    return best, source


def passages(lengths: IntArray, sources: IntArray, count: int) -> list[Passage]:
    """Return the longest of :func:`shared_lengths`, at most ``count``, none of which lies within another."""
    outermost = np.flatnonzero(np.append(True, lengths[1:] >= lengths[:-1])[: len(lengths)] & (lengths > 0))
    longest = outermost[np.argsort(-lengths[outermost], kind="stable")][:count]
    return [Passage(int(start), int(lengths[start]), int(sources[start])) for start in longest]


class _Grams:
    """The passages of 1 to :data:`SHORT` symbols of a text, each length numbered from 0.

    Attributes:
        numbers: of each length the passage that begins at each place.
    """

    def __init__(self, text: IntArray) -> None:
        symbols, first = np.unique(text, return_inverse=True)
        self.size = len(symbols)
        self.numbers, self.known = [first], [symbols]
        for length in range(2, min(SHORT, len(text)) + 1):
            keys = self.numbers[-1][:-1] * self.size + first[length - 1 :]
            known, numbers = np.unique(keys, return_inverse=True)
            self.known.append(known)
            self.numbers.append(numbers)
        self.tables = [_table(known) for known in self.known]

    def find(self, length: int, keys: NDArray[np.integer]) -> IntArray:
        """Return the numbers of passages by their keys, -1 where there is none in the text."""
        known, table = self.known[length - 1], self.tables[length - 1]
        if table is not None:
            return np.asarray(table[np.minimum(keys, len(table) - 1)])
        place = np.searchsorted(known, keys).clip(max=len(known) - 1)
        return np.where(known[place] == keys, place, -1)


def _table(known: IntArray) -> IntArray | None:
    """Return the number of every key up to the greatest, and -1 at the end; None where that is too large."""
    if known[-1] >= TABLE:
        return None
    table = np.full(known[-1] + 2, -1)
    table[known] = np.arange(len(known))
    return table


def _in_window(
    text: IntArray, grams: _Grams, window: NDArray[np.integer]
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield lengths and places of passages of a window, shorter and longer ones."""
    symbols = grams.find(1, window)
    place = np.flatnonzero(symbols >= 0)
    number = symbols[place]
    for length, numbers in enumerate(grams.numbers, 1):
        if length > 1:
            fits = place + length - 1 < len(window)
            place, number = place[fits], number[fits]
            following = symbols[place + length - 1]
            number = np.where(following < 0, -1, grams.find(length, number * grams.size + following))
            place, number = place[number >= 0], number[number >= 0]
        if len(place) == 0:
            return
        first = np.full(len(grams.known[length - 1]), -1)
        first[number[::-1]] = place[::-1]  # of several places the first
        found = first[numbers]
        beyond = (0, len(text) - len(found))
        yield np.pad(np.where(found >= 0, length, 0), beyond), np.pad(np.maximum(found, 0), beyond)
    yield _compare(text, *_stretches(window, place, len(grams.numbers)))


def _stretches(window: NDArray[np.integer], place: IntArray, length: int) -> tuple[IntArray, IntArray]:
    """Return the parts of a window that passages of so many symbols cover, and where each symbol comes from.

    Between parts stands -1, which is no symbol.
    """
    new = np.append(True, np.diff(place) > 1)  # one that begins next to another lies in the same part
    starts, ends = place[new], place[np.append(new[1:], True)] + length
    sizes = ends - starts + 1
    origin = np.arange(sizes.sum()) + np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
    inside = origin < np.repeat(ends, sizes)
    return np.where(inside, window[np.minimum(origin, len(window) - 1)].astype(np.int64), -1), origin


def _compare(text: IntArray, other: IntArray, origin: IntArray) -> tuple[IntArray, IntArray]:
    """Return lengths and places as :func:`shared_lengths` does, of a text that is held with all its ranks."""
    ranks = _ranks(text + 1, other + 1)
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
    return best, origin[source.clip(0, len(origin) - 1)]


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
