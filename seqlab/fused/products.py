"""Products of small matrices with rows of lanes, for compiled code.

X and Y are (rows, LANES) arrays, a lane for each sequence; row ``x`` of X means its row number x. A is flat.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import part
from seqlab.fused._lanes import fill, fused, load, load_half, splat, store, total


@part
def add_product(A: Any, a: int, rows: int, columns: int, X: Any, x: int, Y: Any, y: int) -> None:
    """Add A X to Y, for the matrix A (rows, columns) from ``a`` on: Y[y + r] += sum_c A[r, c] X[x + c].

    Four rows go together, so that a row of X that has been loaded is used four times.
    """
    r = 0
    while r + 4 <= rows:
        first = a + r * columns
        s0, s1, s2, s3 = load(Y, y + r), load(Y, y + r + 1), load(Y, y + r + 2), load(Y, y + r + 3)
        for c in range(columns):
            v, k = load(X, x + c), first + c
            s0 = fused(splat(A, k), v, s0)
            s1 = fused(splat(A, k + columns), v, s1)
            s2 = fused(splat(A, k + 2 * columns), v, s2)
            s3 = fused(splat(A, k + 3 * columns), v, s3)
        store(Y, y + r, s0)
        store(Y, y + r + 1, s1)
        store(Y, y + r + 2, s2)
        store(Y, y + r + 3, s3)
        r += 4
    while r < rows:
        s0 = load(Y, y + r)
        for c in range(columns):
            s0 = fused(splat(A, a + r * columns + c), load(X, x + c), s0)
        store(Y, y + r, s0)
        r += 1


@part
def fill_rows(A: Any, a: int, rows: int, Y: Any, y: int) -> None:
    """Write number r of the vector that begins at ``a`` in all lanes of row y + r."""
    for r in range(rows):
        store(Y, y + r, splat(A, a + r))


@part
def add_outer(
    X: Any,
    x: int,
    x_step: int,
    rows: int,
    Y: Any,
    y: int,
    y_step: int,
    columns: int,
    steps: int,
    G: Any,
    g: int,
) -> None:
    """Add the sum over steps and lanes of X Y^T to the matrix G (rows, columns) that begins at ``g``.

    G[r, c] += sum_t sum_lanes X[x + t x_step + r] Y[y + t y_step + c]. Sixteen sums stay in registers.
    """
    r = 0
    while r < rows:
        # where four rows or columns are not left, the last is taken again and what comes of it dropped
        r1, r2, r3 = min(1, rows - r - 1), min(2, rows - r - 1), min(3, rows - r - 1)
        c = 0
        while c < columns:
            c1, c2, c3 = min(1, columns - c - 1), min(2, columns - c - 1), min(3, columns - c - 1)
            zero = fill(load_half(X, 0), 0.0)
            s00 = s01 = s02 = s03 = zero
            s10 = s11 = s12 = s13 = zero
            s20 = s21 = s22 = s23 = zero
            s30 = s31 = s32 = s33 = zero
            for t in range(steps):
                i, j = 2 * (x + t * x_step + r), 2 * (y + t * y_step + c)
                for half in range(2):
                    a0, a1 = load_half(X, i + half), load_half(X, i + 2 * r1 + half)
                    a2, a3 = load_half(X, i + 2 * r2 + half), load_half(X, i + 2 * r3 + half)
                    b = load_half(Y, j + half)
                    s00, s10, s20, s30 = (
                        fused(a0, b, s00),
                        fused(a1, b, s10),
                        fused(a2, b, s20),
                        fused(a3, b, s30),
                    )
                    b = load_half(Y, j + 2 * c1 + half)
                    s01, s11, s21, s31 = (
                        fused(a0, b, s01),
                        fused(a1, b, s11),
                        fused(a2, b, s21),
                        fused(a3, b, s31),
                    )
                    b = load_half(Y, j + 2 * c2 + half)
                    s02, s12, s22, s32 = (
                        fused(a0, b, s02),
                        fused(a1, b, s12),
                        fused(a2, b, s22),
                        fused(a3, b, s32),
                    )
                    b = load_half(Y, j + 2 * c3 + half)
                    s03, s13, s23, s33 = (
                        fused(a0, b, s03),
                        fused(a1, b, s13),
                        fused(a2, b, s23),
                        fused(a3, b, s33),
                    )
            k = g + r * columns + c
            _add_four(G, k, c3, total(s00), total(s01), total(s02), total(s03))
            if r1 == 1:
                _add_four(G, k + columns, c3, total(s10), total(s11), total(s12), total(s13))
            if r2 == 2:
                _add_four(G, k + 2 * columns, c3, total(s20), total(s21), total(s22), total(s23))
            if r3 == 3:
                _add_four(G, k + 3 * columns, c3, total(s30), total(s31), total(s32), total(s33))
            c += 4
        r += 4


@part
def _add_four(G: Any, k: int, last: int, a: float, b: float, c: float, d: float) -> None:
    G[k] += a
    if last >= 1:
        G[k + 1] += b
    if last >= 2:
        G[k + 2] += c
    if last >= 3:
        G[k + 3] += d


@part
def add_sums(X: Any, x: int, x_step: int, rows: int, steps: int, G: Any, g: int) -> None:
    """Add the sum over steps and lanes of X to the vector G that begins at ``g``."""
    for r in range(rows):
        s = load(X, x + r)
        for t in range(1, steps):
            s = s + load(X, x + t * x_step + r)
        G[g + r] += total(s)


@part
def transpose(A: Any, a: int, rows: int, columns: int, At: Any, at: int, stride: int) -> None:
    """Write the transpose of the matrix A (rows, columns) from ``a`` on: At[at + c stride + r] = A[r, c]."""
    for r in range(rows):
        for c in range(columns):
            At[at + c * stride + r] = A[a + r * columns + c]


@part
def copy_rows(X: Any, x: int, Y: Any, y: int, rows: int) -> None:
    """Copy rows of X from ``x`` on to those of Y from ``y`` on."""
    for r in range(rows):
        store(Y, y + r, load(X, x + r))


@part
def clear_rows(X: Any, x: int, rows: int) -> None:
    """Write zeros in rows of X from ``x`` on."""
    for r in range(rows):
        store(X, x + r, fill(load(X, x + r), 0.0))
