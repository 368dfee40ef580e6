"""Square root: say the whole part of the root of a number in binary, the highest bit first."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np

from seqlab.tasks.languages._binary import bits_of, draw_bits, numbers_of
from seqlab.tasks.languages._chomsky import Codes, Transduction


class SquareRoot(Transduction):
    """Read a number of n bits, then say the whole part of its square root in half as many bits, rounded up.

    Bits come the highest first; the number is not 0, but its first bits may be. A context-sensitive language.

    Source:
        Delétang et al. 2022, "compute sqrt".

    >>> batch = SquareRoot(length=6).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 1, 0, 0, 0, 0, 2, 2, 2]]), tensor([1, 0, 0]))
    """

    letters, classes = 2, 2

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return numbers (B, n), and their roots (B, (n + 1) // 2)."""
        bits = draw_bits(stream, np.full(size, length), length)
        roots = bits_of(list(map(isqrt, numbers_of(bits))), (length + 1) // 2)
        return bits[:, ::-1], roots[:, ::-1]


def root(bits: Sequence[int]) -> list[int]:
    """Return the answers, by trying each bit from the highest on.

    >>> root([1, 0, 0, 1, 0, 1]), root([1, 1, 1])
    ([1, 1, 0], [1, 0])
    """
    number, found = int("".join(map(str, bits)), 2), 0
    answers = []
    for place in reversed(range((len(bits) + 1) // 2)):
        fits = (found + 2**place) ** 2 <= number
        found += fits * 2**place
        answers.append(int(fits))
    return answers
