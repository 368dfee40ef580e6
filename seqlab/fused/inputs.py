"""The input's share of a cell's sums, U x(t) + b, and the gradients of U and b.

A symbol's column of U, with b added, is looked up; features are multiplied. The gradient of U is summed
symbol by symbol, except that up to DENSE symbols are multiplied as one-hot vectors, which is faster.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._lanes import fill, lanes_of, load, select, store
from seqlab.fused._marking import inlined, part
from seqlab.fused.layout import DENSE
from seqlab.fused.products import (
    add_numbers,
    add_outer,
    add_product,
    add_sums,
    arrange_both,
    clear,
    clear_vectors,
    copy_numbers,
    fill_rows,
    transpose,
)


@inlined
def prepare_inputs(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange U in F, its transpose in B; where inputs are symbols, F[U + s N + k] = U[k, s] + b[k]."""
    if n.symbols == 0:
        arrange_both(P, n.U, n.N, n.I, F, B)
    elif F.shape[0] > 0:
        transpose(P, n.U, n.I, n.N, n.I, F, n.U, n.N)
        for s in range(n.I):
            add_numbers(P, n.b, n.N, F, n.U + s * n.N)


@part
def input_step(n: Any, P: Any, F: Any, t: int, symbols: Any, x: Any, sums: Any, row: int, room: Any) -> None:
    """Write U x(t) + b in the last N rows of the step's R rows of ``sums``, which begin at ``row``.

    Args:
        n: the network's Shape.
        P: the flat weights.
        F: where U is arranged.
        t: the step.
        symbols: T rows.
        x: T I rows, the features; nothing where inputs are symbols.
        sums: rows of sums.
        row: the vector at which this step's rows begin.
        room: LANES (N + LANES) numbers.
    """
    v, y = n.v, row + (n.R - n.N) * n.v
    if n.symbols == 0:
        fill_rows(v, P, n.b, n.N, sums, y)
        add_product(v, F, n.U, n.N, n.I, x, t * n.I * v, sums, y)
        return
    lanes = lanes_of(symbols)
    line = n.N + lanes  # lines a power of two apart would drive each other out of the cache
    for i in range(v):
        for lane in range(lanes):
            symbol = max(
                0, int(symbols[(t * v + i) * lanes + lane])
            )  # what is looked up for padding is not used
            copy_numbers(F, n.U + symbol * n.N, n.N, room, lane * line)
        transpose(room, 0, line, lanes, n.N, sums, (y + i) * lanes, v * lanes)


@inlined
def input_gradients(n: Any, G: Any, begin: int, end: int, symbols: Any, x: Any, sums: Any, room: Any) -> None:
    """Add the gradients of U and b to ``G``, from dJ/da in the last N of a step's R rows of ``sums``."""
    v, step, steps = n.v, n.R * n.v, end - begin
    row = begin * step + (n.R - n.N) * v
    add_sums(v, sums, row, step, n.N, steps, G, n.b, room)
    if n.symbols == 0:
        add_outer(v, sums, row, step, n.N, x, begin * n.I * v, n.I * v, n.I, steps, G, n.U, room)
    elif n.I <= DENSE:
        size = steps * n.I * v
        for k in range(steps * v):
            symbol, here = load(symbols, begin * v + k), (k // v) * n.I * v + k % v
            for s in range(n.I):
                store(room, here + s * v, select(symbol == s, fill(symbol, 1.0), fill(symbol, 0.0)))
        rest = room[size * lanes_of(room) :]
        add_outer(v, sums, row, step, n.N, room, 0, n.I * v, n.I, steps, G, n.U, rest)
    else:
        _add_to_columns(n, G, begin, steps, symbols, sums, row, room)


@inlined
def input_errors(n: Any, B: Any, T: int, sums: Any, above: Any) -> None:
    """Write dJ/dx(t) = U^T dJ/da(t) of all steps, which is what comes to the layer below."""
    K = n.I * n.v
    clear_vectors(above, 0, T * K)
    for t in range(T):
        add_product(n.v, B, n.U, n.I, n.N, sums, (t * n.R + n.R - n.N) * n.v, above, t * K)


@part
def _add_to_columns(
    n: Any, G: Any, begin: int, steps: int, symbols: Any, sums: Any, row: int, room: Any
) -> None:
    """Add dJ/da to the columns of dJ/dU that belong to the symbols."""
    lanes = lanes_of(symbols)
    line = n.N + lanes
    table, lines = (
        room[: n.I * n.N],
        room[n.I * n.N :],
    )  # dJ/dU transposed; a step's dJ/da, a line for each lane
    clear(table, n.I * n.N)
    for t in range(steps):
        for i in range(n.v):
            transpose(sums, (row + t * n.R * n.v + i) * lanes, n.v * lanes, n.N, lanes, lines, 0, line)
            for lane in range(lanes):
                symbol = int(symbols[((begin + t) * n.v + i) * lanes + lane])
                if symbol >= 0:
                    add_numbers(lines, lane * line, n.N, table, symbol * n.N)
    for k in range(n.N):
        for s in range(n.I):
            G[n.U + k * n.I + s] += table[s * n.N + k]
