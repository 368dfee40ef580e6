"""Bucket sort: say digits again in rising order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Transduction

DIGITS = 5


class BucketSort(Transduction):
    """Read digits 0 to 4, then say them in rising order.

    A context-sensitive language, for which five counters suffice.

    Source:
        Delétang et al. 2022.

    >>> batch = BucketSort(length=5).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[1, 0, 3, 4, 1, 5, 5, 5, 5, 5]]), tensor([0, 1, 1, 3, 4]))
    """

    letters, classes = DIGITS, DIGITS

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return digits (B, n), and the same sorted (B, n)."""
        digits = stream.integers(0, DIGITS, (size, length))
        return digits, np.sort(digits, 1)


def bucket_sort(digits: Sequence[int]) -> list[int]:
    """Return the answers, from buckets.

    >>> bucket_sort([3, 0, 4, 0])
    [0, 0, 3, 4]
    """
    buckets: list[list[int]] = [[] for _ in range(DIGITS)]
    for digit in digits:
        buckets[digit].append(digit)
    return [digit for bucket in buckets for digit in bucket]
