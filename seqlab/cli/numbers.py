"""Vectors and matrices as a person writes them, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

IN_LINE = 8
"""Numbers that stand in a line."""


def matrix_lines(name: str, values: Sequence[Any]) -> Iterator[str]:
    """Write a matrix row by row, a vector as a row; small numbers with their powers of ten.

    >>> print("\\n".join(matrix_lines("U", [[0.1, 0.1], [0.0, -0.1]])))
    U = ( 0.1000  0.1000)
        ( 0.0000 -0.1000)
    """
    rows = values if isinstance(values[0], Sequence) else [values]
    form = "7.4f" if max(abs(value) for row in rows for value in row) >= 0.05 else "8.1e"
    before = f"{name} = "
    for row in rows:
        numbers = [f"{value + 0.0:{form}}" for value in row]
        for start in range(0, len(numbers), IN_LINE):
            opens, ends = "(" if start == 0 else " ", ")" if start + IN_LINE >= len(numbers) else ""
            yield f"{before}{opens}{' '.join(numbers[start : start + IN_LINE])}{ends}"
            before = " " * len(before)


def show_matrices(matrices: Mapping[str, Sequence[Any]]) -> None:
    """Print matrices and vectors below each other."""
    for name, values in matrices.items():
        print("\n".join(matrix_lines(name, values)))
    print()
