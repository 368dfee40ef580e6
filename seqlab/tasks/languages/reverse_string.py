"""Reverse string: say bits again, the last one first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Transduction


class ReverseString(Transduction):
    """Read bits x(1) ... x(n), then say x(n) ... x(1).

    A deterministic context-free language: one stack suffices.

    Source:
        Delétang et al. 2022.

    >>> batch = ReverseString(length=4).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 0, 0, 1, 2, 2, 2, 2]]), tensor([1, 0, 0, 0]))
    """

    letters, classes = 2, 2

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return bits (B, n), and the same backwards (B, n)."""
        bits = stream.integers(0, 2, (size, length))
        return bits, bits[:, ::-1]


def reverse(bits: Sequence[int]) -> list[int]:
    """Return the answers, from a stack.

    >>> reverse([1, 0, 0])
    [0, 0, 1]
    """
    stack = list(bits)
    return [stack.pop() for _ in bits]
