"""Which sequences of a user's own are for training, validation and test: by a hash, so that nothing leaks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqlab.contracts import Split

SPLITS: tuple[Split, ...] = ("train", "validation", "test")

SHARE = 0.1
"""Of the different sequences, for validation, and as many for the test."""

Integers = NDArray[np.int64]


def hashes(keys: Sequence[str]) -> NDArray[np.uint64]:
    """Return a number for each key, (N,), the same in every process."""
    digests = (hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys)
    return np.frombuffer(b"".join(digests), "<u8")


def parted(hashed: NDArray[np.uint64], classes: ArrayLike | None = None) -> Integers:
    """Return the number of each sequence's part in :data:`SPLITS`, (N,).

    Different keys are put in the order of their hashes; the first tenth is for validation, the next for the
    test, at least one for each. Equal keys fall into one part, so no sequence is held out that was learned. A
    key's part depends on the other keys as far as these make borders move, and on no seed.

    Args:
        hashed: of what makes two sequences the same, (N,); see :func:`hashes`.
        classes: of each sequence, from 0: each class is parted by itself (stratified), by the class that a
            key has where it first stands.

    >>> parts = parted(hashes([str(number % 50) for number in range(100)]))
    >>> np.bincount(parts).tolist(), bool((parts[:50] == parts[50:]).all())
    ([80, 10, 10], True)
    """
    _, first, inverse = np.unique(hashed, return_index=True, return_inverse=True)
    strata = np.zeros(len(first), np.int64) if classes is None else np.asarray(classes, np.int64)[first]
    order = np.argsort(strata, kind="stable")  # by class, there by hash
    sizes = np.bincount(strata)
    begins = np.cumsum(sizes) - sizes
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first)) - begins[strata[order]]
    held_out = np.maximum(1, np.rint(SHARE * sizes)).astype(np.int64)[strata]
    part = np.select([rank < held_out, rank < 2 * held_out], [1, 2], 0)
    found: Integers = part[inverse]
    return found
