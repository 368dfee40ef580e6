"""Solve equation: which digit, modulo 5, is the unknown of an expression whose value is given?"""

from __future__ import annotations

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision
from seqlab.tasks.languages._expressions import EQUALS, MODULUS, SYMBOLS, UNKNOWN, draw_expressions, value


class SolveEquation(Decision):
    """Read an expression in which x stands for one digit, and its value modulo 5, then say that digit.

    It has digits 0 to 4, signs + and -, and brackets; = stands before the value. Sequences have at least 3
    tokens: a shorter length is taken for 3. The paper's non-deterministic context-free task.

    Source:
        Delétang et al. 2022.

    >>> batch = SolveEquation(length=12).batch("train", 0, size=1, seed=2)
    >>> "".join(SYMBOLS[token] for token in batch.inputs[0, :-1]), batch.targets[batch.mask]
    ('((x)+(-2))=0', tensor([2]))
    """

    letters, classes = len(SYMBOLS), MODULUS
    symbols = (*SYMBOLS, "empty")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return equations (B, n), and their solutions (B, 1)."""
        count = max(length, 3) - 2
        tokens, values = draw_expressions(stream, size, count, signs=2)
        places = (stream.integers(0, count, (size, 1)) + np.arange(count)) % count  # from one place on, round
        first = (np.take_along_axis(tokens, places, 1) < MODULUS).argmax(1)[:, None]
        place = np.take_along_axis(places, first, 1)
        solutions = np.take_along_axis(tokens, place, 1)
        np.put_along_axis(tokens, place, UNKNOWN, 1)
        return np.concatenate([tokens, np.full((size, 1), EQUALS), values[:, None]], 1), solutions


def solve(equation: str) -> int:
    """Return the solution, by trying every digit.

    >>> solve("((2)-(x+1))=3"), solve("x=4")
    (3, 4)
    """
    expression, _, wanted = equation.partition("=")
    tried = [value(expression.replace("x", str(digit))) for digit in range(MODULUS)]
    return tried.index(int(wanted))
