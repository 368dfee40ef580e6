"""Binary addition: say the sum of two numbers in binary, the lowest bit first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from operator import add

import numpy as np

from seqlab.tasks.languages._binary import END, SIGN, draw_pairs
from seqlab.tasks.languages._chomsky import Codes, Transduction


class BinaryAddition(Transduction):
    """Read a number, a sign and a number, then say their sum and END; bits come the lowest first.

    The first number has 1 to n - 2 bits, each number of bits as likely, the second has the others; neither is
    0. Sequences have at least 3 tokens: a shorter length is taken for 3. A context-sensitive language.

    Source:
        Delétang et al. 2022.

    >>> batch = BinaryAddition(length=7).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[1, 0, 1, 1, 1, 2, 1, 3, 3, 3, 3, 3, 3, 3, 3]]), tensor([0, 1, 1, 1, 1, 2]))
    """

    letters, classes = 3, 3
    symbols = ("0", "1", "+", "empty")
    answers = ("0", "1", "end")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return pairs of numbers (B, n), and their sums with the end (B, n + 1)."""
        length = max(length, 3)
        return draw_pairs(stream, size, length, add, length + 1)


def total(tokens: Sequence[int]) -> list[int]:
    """Return the answers, bit by bit with a carry.

    >>> total([0, 0, 1, SIGN, 0, 1, 1, 0, 1])
    [0, 1, 0, 1, 1, 2]
    """
    sign = list(tokens).index(SIGN)
    bits, carry = [], 0
    for one, other in zip_longest(tokens[:sign], tokens[sign + 1 :], fillvalue=0):
        carry, bit = divmod(one + other + carry, 2)
        bits.append(bit)
    bits.append(carry)
    while bits[-1] == 0:
        bits.pop()
    return [*bits, END]
