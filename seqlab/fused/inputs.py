"""The input's share of a cell's sums, U x(t) + b, and the gradients of U and b.

Up to DENSE symbols are multiplied as one-hot vectors, which is as fast as features are; more are looked up.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import part
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.products import add_outer, add_product, add_sums, fill_rows

DENSE = 16


@part
def input_step(n: Any, P: Any, t: int, symbols: Any, x: Any, sums: Any, row: int, keep: int) -> None:
    """Write U x(t) + b in the N rows of ``sums`` that end at ``row + R``.

    Args:
        n: the network's Shape.
        P: the flat weights.
        t: the step.
        symbols: (T, LANES).
        x: (T I, LANES), the features; where inputs are symbols, room for their one-hot vectors.
        sums: rows of sums.
        row: where this step's R rows begin.
        keep: 1 to keep the one-hot vectors of all steps, for the way back; 0 to write them over each other.
    """
    y = row + n.R - n.N
    fill_rows(P, n.b, n.N, sums, y)
    if n.symbols == 0:
        add_product(P, n.U, n.N, n.I, x, t * n.I, sums, y)
    elif n.I <= DENSE:
        symbol, here = load(symbols, t), keep * t * n.I
        for i in range(n.I):
            store(x, here + i, select(symbol == i, fill(symbol, 1.0), fill(symbol, 0.0)))
        add_product(P, n.U, n.N, n.I, x, here, sums, y)
    else:
        for lane in range(symbols.shape[1]):
            number = int(symbols[t, lane])
            if number >= 0:
                for k in range(n.N):
                    sums[y + k, lane] += P[n.U + k * n.I + number]


@part
def input_gradients(n: Any, G: Any, begin: int, end: int, symbols: Any, x: Any, sums: Any) -> None:
    """Add the gradients of U and b to ``G``, from dJ/da in the last N of a step's R rows of ``sums``."""
    y = n.R - n.N
    row = y + begin * n.R
    add_sums(sums, row, n.R, n.N, end - begin, G, n.b)
    if n.symbols == 0 or n.I <= DENSE:
        add_outer(sums, row, n.R, n.N, x, begin * n.I, n.I, n.I, end - begin, G, n.U)
        return
    for t in range(begin, end):
        for k in range(n.N):
            for lane in range(symbols.shape[1]):
                number = int(symbols[t, lane])
                if number >= 0:
                    G[n.U + k * n.I + number] += sums[y + t * n.R + k, lane]
