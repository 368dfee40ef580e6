"""Modular arithmetic: the value, modulo 5, of sums, differences and products without brackets."""

from __future__ import annotations

import re

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision

MODULUS = 5

SIGNS = "+-*"
"""Behind the digits: tokens 5, 6 and 7."""


class ModularArithmetic(Decision):
    """Read digits 0 to 4 with +, - or * between them, then say the value modulo 5; products come first.

    A regular language: the sum so far and the product that is being made are all that must be kept. Sequences
    have odd lengths; of an even one the last place is left out.

    Source:
        Delétang et al. 2022, "modular arithmetic (simple)", with all three signs.

    >>> batch = ModularArithmetic(length=7).batch("train", 0, size=1, seed=4)
    >>> decode(batch.inputs[0]), batch.targets[batch.mask]
    ('3*4+0-3', tensor([4]))
    """

    letters, classes = MODULUS + len(SIGNS), MODULUS
    symbols = (*"01234", *SIGNS, "=")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return expressions (B, n), n odd, and their values (B, 1)."""
        digits = stream.integers(0, MODULUS, (size, (length + 1) // 2))
        signs = stream.integers(0, len(SIGNS), (size, digits.shape[1] - 1))
        expressions = np.empty((size, 2 * digits.shape[1] - 1), np.int64)
        expressions[:, ::2], expressions[:, 1::2] = digits, MODULUS + signs
        total, term = np.zeros(size, np.int64), digits[:, 0]
        for sign, digit in zip(signs.T, digits.T[1:], strict=True):
            is_product = sign == SIGNS.index("*")
            total = np.where(is_product, total, total + term)
            term = np.where(
                is_product, term * digit % MODULUS, np.where(sign == SIGNS.index("-"), -digit, digit)
            )
        return expressions, ((total + term) % MODULUS)[:, None]


def decode(row: Codes) -> str:
    """Return an expression as it is written, without the empty symbols behind it."""
    return "".join(ModularArithmetic.symbols[token] for token in row).rstrip("=")


def value(expression: str) -> int:
    """Return the value of an expression, products first.

    >>> value("1+2*3"), value("1-1-1"), value("0*1+4*3-2"), value("3")
    (2, 4, 0, 3)
    """
    while found := re.search(r"(\d+)\*(\d+)", expression):
        expression = expression.replace(found[0], str(int(found[1]) * int(found[2])), 1)
    return sum(map(int, re.findall(r"[+-]?\d+", expression))) % MODULUS
