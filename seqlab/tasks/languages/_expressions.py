"""Arithmetic expressions with brackets, modulo 5."""

from __future__ import annotations

import numpy as np

from seqlab.tasks.languages._chomsky import Codes

MODULUS = 5

SYMBOLS = "01234+-*()x="
"""Tokens 0 to 11."""

PLUS, MINUS, TIMES, OPEN, CLOSE, UNKNOWN, EQUALS = range(MODULUS, len(SYMBOLS))


def draw_expressions(stream: np.random.Generator, size: int, length: int, signs: int) -> tuple[Codes, Codes]:
    """Return expressions (B, length) and their values (B,).

    Up to length 4 they are d, -d, (d) and (-d), with a digit d. A longer one is (e s f) with a sign s and two
    expressions, of which the first has 1 to length - 4 tokens, each number as likely.

    Args:
        stream: what is drawn from.
        size: how many.
        length: tokens of each.
        signs: of ``+-*`` so many, each as likely.
    """
    tokens = np.empty((size, length), np.int64)
    rows, starts, lengths = np.arange(size), np.zeros(size, np.int64), np.full(size, length)
    values: list[Codes] = []
    rounds: list[tuple[Codes, Codes]] = []  # of each round which are split, and by which sign
    while len(rows):
        values.append(_draw_leaves(stream, tokens, rows, starts, lengths))
        split = np.flatnonzero(lengths > 4)
        rows, starts, lengths = rows[split], starts[split], lengths[split]
        left = stream.integers(1, np.maximum(lengths - 3, 2))
        sign = stream.integers(0, signs, len(split))
        tokens[rows, starts], tokens[rows, starts + lengths - 1] = OPEN, CLOSE
        tokens[rows, starts + 1 + left] = PLUS + sign
        rounds.append((split, sign))
        rows, starts = np.tile(rows, 2), np.concatenate([starts + 1, starts + left + 2])
        lengths = np.concatenate([left, lengths - left - 3])
    for (split, sign), above, below in zip(rounds[-2::-1], values[-2::-1], values[:0:-1], strict=True):
        first, second = np.split(below, 2)
        made = np.stack([first + second, first - second, first * second])
        above[split] = made[sign, np.arange(len(split))] % MODULUS
    return tokens, values[0]


def _draw_leaves(
    stream: np.random.Generator, tokens: Codes, rows: Codes, starts: Codes, lengths: Codes
) -> Codes:
    """Write d, -d, (d) and (-d) where they are so short; return the value of each, of others anything."""
    digits = stream.integers(0, MODULUS, len(rows))
    negative = lengths % 2 == 0
    for length, form in ((1, ()), (2, (MINUS,)), (3, (OPEN,)), (4, (OPEN, MINUS))):
        here = lengths == length
        for place, token in enumerate(form):
            tokens[rows[here], starts[here] + place] = token
        tokens[rows[here], starts[here] + len(form)] = digits[here]
        if OPEN in form:
            tokens[rows[here], starts[here] + length - 1] = CLOSE
    values: Codes = np.where(negative, -digits, digits) % MODULUS
    return values


def value(expression: str) -> int:
    """Return the value of an expression, by reading it from left to right.

    >>> value("((-3)*(2-(4)))"), value("(-1)"), value("2")
    (1, 4, 2)
    """
    found, rest = _read(expression)
    assert not rest
    return found % MODULUS


def _read(text: str) -> tuple[int, str]:
    """Return the value of the expression with which a text begins, and what is behind it."""
    if text[0] == "-":
        return -int(text[1]), text[2:]
    if text[0] != "(":
        return int(text[0]), text[1:]
    first, rest = _read(text[1:])
    if rest[0] == ")":
        return first, rest[1:]
    sign = rest[0]
    second, rest = _read(rest[1:])
    return {"+": first + second, "-": first - second, "*": first * second}[sign], rest[1:]
