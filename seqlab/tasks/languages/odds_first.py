"""Odds first: say the bits at odd places, then those at even places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Transduction


class OddsFirst(Transduction):
    """Read bits x(1) ... x(n), then say x(1) x(3) x(5) ... and then x(2) x(4) ...

    A context-sensitive language: the input is gone through twice.

    Source:
        Delétang et al. 2022. The published code counts places from 0, so that there the second bit comes
        first.

    >>> batch = OddsFirst(length=5).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 1, 1, 0, 0, 2, 2, 2, 2, 2]]), tensor([0, 1, 0, 1, 0]))
    """

    letters, classes = 2, 2

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return bits (B, n), and the same with the odd places first (B, n)."""
        bits = stream.integers(0, 2, (size, length))
        return bits, np.concatenate([bits[:, ::2], bits[:, 1::2]], 1)


def odds_first(bits: Sequence[int]) -> list[int]:
    """Return the answers, by going through the places.

    >>> odds_first([1, 1, 0])
    [1, 0, 1]
    """
    odd = [bit for place, bit in enumerate(bits, start=1) if place % 2 == 1]
    even = [bit for place, bit in enumerate(bits, start=1) if place % 2 == 0]
    return odd + even
