"""Even pairs: is the number of places at which a bit string changes odd?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision


class EvenPairs(Decision):
    """Read bits, then say whether the pairs 01 and 10 in them are odd in number (1) or even (0).

    A regular language, and an easy one: the number is even just where the last bit is the first.

    Source:
        Delétang et al. 2022.

    >>> batch = EvenPairs(length=6).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 1, 1, 1, 1, 1, 2]]), tensor([1]))
    """

    letters, classes = 2, 2
    packed_by, of_ends = "bit_strings", True

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return bits (B, n), and whether the last is another than the first (B, 1)."""
        bits = stream.integers(0, 2, (size, length))
        return bits, bits[:, :1] ^ bits[:, -1:]


def unequal_pairs(bits: Sequence[int]) -> int:
    """Return the answer, by counting the pairs.

    >>> unequal_pairs([0, 1, 0, 1, 0, 0, 1])
    1
    """
    return sum(one != other for one, other in pairwise(bits)) % 2
