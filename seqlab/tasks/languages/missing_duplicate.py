"""Missing duplicate: one bit of a string that is written twice is hidden; which is it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision

HIDDEN, BLANK = 2, 3


class MissingDuplicate(Decision):
    """Read a string of bits twice, with one bit of the two copies hidden (token 2), then say that bit.

    Where n is odd, a blank (token 3) stands behind the copies, of (n - 1) / 2 bits each; the one sequence of
    length 1 is a blank, with the answer 0. A context-sensitive language.

    Source:
        Delétang et al. 2022.

    >>> batch = MissingDuplicate(length=7).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 0, 0, 2, 0, 0, 3, 4]]), tensor([0]))
    """

    letters, classes = 4, 2

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return the two copies (B, n), and what is hidden (B, 1)."""
        if length == 1:
            return np.full((size, 1), BLANK), np.zeros((size, 1), np.int64)
        copies = np.tile(stream.integers(0, 2, (size, length // 2)), 2)
        place = stream.integers(0, copies.shape[1], (size, 1))
        hidden = np.take_along_axis(copies, place, 1)
        np.put_along_axis(copies, place, HIDDEN, 1)
        return np.pad(copies, ((0, 0), (0, length % 2)), constant_values=BLANK), hidden


def missing(tokens: Sequence[int]) -> int:
    """Return what is hidden, by trying which bit makes the halves the same.

    >>> missing([0, 1, 1, 0, 0, 2, 1, 0]), missing([1, 0, 1, 1, 2, 1, 3])
    (1, 0)
    """
    read = [token for token in tokens if token != BLANK]
    half = len(read) // 2
    tried = [[bit if token == HIDDEN else token for token in read] for bit in (0, 1)]
    return [bits[:half] == bits[half:] for bits in tried].index(True)
