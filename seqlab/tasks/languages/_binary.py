"""Numbers of any size in binary, a row of bits each, the lowest bit first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, ended

SIGN = END = 2
"""The token between two numbers, and the class behind an answer."""


def numbers_of(bits: Codes) -> list[int]:
    """Return the numbers of which bits (B, W) are written.

    >>> numbers_of(np.array([[0, 0, 1], [1, 1, 0]]))
    [4, 3]
    """
    packed = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def bits_of(numbers: Sequence[int], width: int) -> Codes:
    """Return the bits of numbers, (B, width); it must be enough.

    >>> bits_of([4, 3], 3)
    array([[0, 0, 1],
           [1, 1, 0]])
    """
    size = -(-width // 8)
    packed = np.frombuffer(b"".join(number.to_bytes(size, "little") for number in numbers), np.uint8)
    unpacked = np.unpackbits(packed.reshape(len(numbers), size), axis=1, count=width, bitorder="little")
    return unpacked.astype(np.int64)


def draw_bits(stream: np.random.Generator, lengths: Codes, width: int) -> Codes:
    """Draw bits (B, width), so many of each row and 0 behind them; every number but 0 as likely."""
    there = np.arange(width) < lengths[:, None]
    bits = np.zeros((len(lengths), width), np.int64)
    while (rows := np.flatnonzero(~bits.any(1))).size:
        bits[rows] = stream.integers(0, 2, (len(rows), width)) * there[rows]
    return bits


def draw_pairs(
    stream: np.random.Generator, size: int, length: int, combine: Callable[[int, int], int], answers: int
) -> tuple[Codes, Codes]:
    """Return pairs of numbers with a sign between them, (B, length), and what comes of them, (B, answers).

    Args:
        stream: what is drawn from.
        size: how many.
        length: tokens of a pair; the first number has 1 to length - 2 of them, each as likely.
        combine: what the two numbers are made into.
        answers: places for the bits of that and END.
    """
    first_length = stream.integers(1, length - 1, size)
    first = draw_bits(stream, first_length, length - 2)
    second = draw_bits(stream, length - 1 - first_length, length - 2)
    place, sign = np.arange(length), first_length[:, None]
    behind = np.clip(place - sign - 1, 0, length - 3)
    tokens = np.where(
        place < sign, first[:, np.minimum(place, length - 3)], np.take_along_axis(second, behind, 1)
    )
    np.put_along_axis(tokens, sign, SIGN, 1)
    results = list(map(combine, numbers_of(first), numbers_of(second)))
    counts = np.array([result.bit_length() for result in results])
    return tokens, ended(bits_of(results, answers), counts, END)
