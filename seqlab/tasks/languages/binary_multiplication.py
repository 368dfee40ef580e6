"""Binary multiplication: say the product of two numbers in binary, the lowest bit first."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

import numpy as np

from seqlab.tasks.languages._binary import END, SIGN, draw_pairs
from seqlab.tasks.languages._chomsky import Codes, Transduction


class BinaryMultiplication(Transduction):
    """Read a number, a sign and a number, then say their product and END; bits come the lowest first.

    The numbers are those of binary addition. A context-sensitive language.

    Source:
        Delétang et al. 2022.

    >>> batch = BinaryMultiplication(length=7).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 1, 0, 1, 0, 2, 1, 3, 3, 3, 3, 3, 3, 3]]), tensor([0, 1, 0, 1, 2]))
    """

    letters, classes = 3, 3
    symbols = ("0", "1", "*", "empty")
    answers = ("0", "1", "end")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return pairs of numbers (B, n), and their products with the end (B, n)."""
        length = max(length, 3)
        return draw_pairs(stream, size, length, mul, length)


def product(tokens: Sequence[int]) -> list[int]:
    """Return the answers, by long multiplication.

    >>> product([0, 0, 1, SIGN, 0, 1, 1, 0, 1])
    [0, 0, 0, 1, 1, 0, 1, 2]
    """
    sign = list(tokens).index(SIGN)
    first, second = tokens[:sign], tokens[sign + 1 :]
    places = [0] * (len(first) + len(second))
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            places[i + j] += one * other
    for place in range(len(places) - 1):
        carry, places[place] = divmod(places[place], 2)
        places[place + 1] += carry
    while places[-1] == 0:
        places.pop()
    return [*places, END]
