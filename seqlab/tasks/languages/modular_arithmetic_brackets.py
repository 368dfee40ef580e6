"""Modular arithmetic with brackets: the value, modulo 5, of nested sums, differences and products."""

from __future__ import annotations

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision
from seqlab.tasks.languages._expressions import MODULUS, SYMBOLS, UNKNOWN, draw_expressions


class ModularArithmeticBrackets(Decision):
    """Read an expression of digits 0 to 4, signs +, - and *, and brackets, then say its value modulo 5.

    A deterministic context-free language: what is open must be kept on a stack.

    Source:
        Delétang et al. 2022.

    >>> batch = ModularArithmeticBrackets(length=12).batch("train", 0, size=1, seed=2)
    >>> "".join(SYMBOLS[token] for token in batch.inputs[0, :-1]), batch.targets[batch.mask]
    ('((0+-4)+(0))', tensor([1]))
    """

    letters, classes = UNKNOWN, MODULUS
    symbols = (*SYMBOLS[:UNKNOWN], "empty")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return expressions (B, n), and their values (B, 1)."""
        tokens, values = draw_expressions(stream, size, length, signs=3)
        return tokens, values[:, None]
