"""Parity check: is the number of ones odd, in bit strings of any length?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision


class ParityCheck(Decision):
    """Read bits, then say whether there were an odd number of ones: y = (x(1) + ... + x(n)) mod 2.

    A regular language: two states suffice, the changes between which must never blur.

    Source:
        Delétang et al. 2022; Minsky & Papert 1969.

    >>> batch = ParityCheck(length=6).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 0, 0, 0, 1, 1, 2]]), tensor([0]))
    """

    letters, classes = 2, 2
    packed_by, of_ends = "bit_strings", False

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return bits (B, n), and their parities (B, 1)."""
        bits = stream.integers(0, 2, (size, length))
        return bits, np.bitwise_xor.reduce(bits, 1, keepdims=True)


def parity(bits: Sequence[int]) -> int:
    """Return the answer, by turning a switch.

    >>> parity([1, 0, 1, 1])
    1
    """
    is_odd = False
    for bit in bits:
        is_odd = is_odd != bool(bit)
    return int(is_odd)
