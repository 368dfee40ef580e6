"""Duplicate string: say bits again, twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Transduction


class DuplicateString(Transduction):
    """Read bits x(1) ... x(n), then say x(1) ... x(n) x(1) ... x(n).

    A context-sensitive language: what is read first is said first, and once more, for which a stack is no
    help.

    Source:
        Delétang et al. 2022.

    >>> batch = DuplicateString(length=3).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 1, 1, 2, 2, 2, 2, 2, 2]]), tensor([0, 1, 1, 0, 1, 1]))
    """

    letters, classes = 2, 2

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return bits (B, n), and the same twice (B, 2 n)."""
        bits = stream.integers(0, 2, (size, length))
        return bits, np.tile(bits, 2)


def duplicate(bits: Sequence[int]) -> list[int]:
    """Return the answers, from a queue that goes round.

    >>> duplicate([1, 0, 0])
    [1, 0, 0, 1, 0, 0]
    """
    queue, said = list(bits), []
    for _ in range(2 * len(bits)):
        said.append(queue.pop(0))
        queue.append(said[-1])
    return said
