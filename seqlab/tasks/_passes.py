"""Training sets that are read over and over: in each pass all of it, in another order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import Split, numpy_stream

Integers = NDArray[np.int64]
Path = tuple[str, ...]

AT_ONCE = 512
"""Sequences of a batch that is judged, at most."""


def in_passes(path: Path, count: int, index: int, size: int, split: Split, seed: int) -> Integers:
    """Return which of so many stand in batch number ``index``: in each pass all, in another order.

    Args:
        path: the name of the random stream, but for the split and the number of the pass.
        count: how many there are.
        index: of the batch, from 0.
        size: of a batch.
        split: of which they are.
        seed: of the random streams.

    >>> sorted(np.concatenate([in_passes(("x",), 6, index, 2, "train", 1) for index in range(3)]).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    passes, places = np.divmod(np.arange(index * size, (index + 1) * size), count)
    return np.concatenate(
        [
            order_of_pass(path, count, split, seed, number)[places[passes == number]]
            for number in np.unique(passes).tolist()
        ]
    )


def first_of_passes(
    path: Path, count: int, sequences: int, split: Split, seed: int
) -> Iterator[tuple[int, Integers]]:
    """Yield so many places of passes in parts, with their numbers: a set to be judged on.

    Every place comes as often as every other, or once more. Batches of :func:`in_passes` would not do: where
    the last is smaller, it begins elsewhere.

    >>> parts = first_of_passes(("x",), 300, 600, "test", 1)
    >>> np.bincount(np.concatenate([places for _, places in parts])).tolist() == [2] * 300
    True
    """
    which = in_passes(path, count, 0, sequences, split, seed)
    for number, first in enumerate(range(0, sequences, AT_ONCE)):
        yield number, which[first : first + AT_ONCE]


@lru_cache(maxsize=64)  # seeds that are trained side by side ask in turn
def order_of_pass(path: Path, count: int, split: Split, seed: int, number: int) -> Integers:
    """Return in which order so many come in a pass, (count,)."""
    order: Integers = numpy_stream(seed, *path, split, number).permutation(count)
    return order
