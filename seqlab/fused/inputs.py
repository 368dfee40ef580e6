"""The input's share of a cell's sums, U x(t) + b, and the gradients of U and b.

Up to DENSE symbols are multiplied as one-hot vectors, which is as fast as features are; more are looked up.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import compiled
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.products import add_outer, add_product, add_sums, fill_rows

DENSE = 16


@compiled
def one_hot(symbols: Any, T: int, I: int, x: Any) -> None:
    """Write the symbols' one-hot vectors: row t I + i of ``x`` is 1 in the lanes where symbol t is i."""
    for t in range(T):
        symbol = load(symbols, t)
        for i in range(I):
            store(x, t * I + i, select(symbol == i, fill(symbol, 1.0), fill(symbol, 0.0)))


@compiled
def input_sums(
    P: Any,
    U: int,
    b: int,
    I: int,
    N: int,
    T: int,
    dense: bool,
    symbols: Any,
    x: Any,
    sums: Any,
    y: int,
    R: int,
) -> None:
    """Write U x(t) + b in rows y + t R to y + t R + N of ``sums``."""
    for t in range(T):
        row = y + t * R
        fill_rows(P, b, N, sums, row)
        if dense:
            add_product(P, U, N, I, x, t * I, sums, row)
            continue
        for lane in range(symbols.shape[1]):
            symbol = int(symbols[t, lane])
            if symbol >= 0:
                for n in range(N):
                    sums[row + n, lane] += P[U + n * I + symbol]


@compiled
def input_gradients(
    G: Any,
    U: int,
    b: int,
    I: int,
    N: int,
    T: int,
    dense: bool,
    symbols: Any,
    x: Any,
    sums: Any,
    y: int,
    R: int,
) -> None:
    """Add the gradients of U and b to ``G``, from dJ/da in rows y + t R to y + t R + N of ``sums``."""
    add_sums(sums, y, R, N, T, G, b)
    if dense:
        add_outer(sums, y, R, N, x, 0, I, I, T, G, U)
        return
    for t in range(T):
        for n in range(N):
            for lane in range(symbols.shape[1]):
                symbol = int(symbols[t, lane])
                if symbol >= 0:
                    G[U + n * I + symbol] += sums[y + t * R + n, lane]
