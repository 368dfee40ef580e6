"""What Python and the compiled code agree on: names by number, a network's shape, the size of working space.

Importing this does not import Numba.
"""

from __future__ import annotations

from typing import NamedTuple

LANES = 16
"""Numbers of a vector in float32."""

CELLS = ("rnn tanh", "rnn relu", "lstm", "gru before", "gru after")
OPTIMISERS = ("sgd", "rmsprop", "adam", "adamw")

ALL, SILENCE, PREPARE, TILES, SUM, NORM, UPDATE = range(7)
"""What :func:`seqlab.fused.network.run` does in one call: whole updates, or a share of one."""

PIECE = 16384
"""Numbers of the flat weights that are worked on together: all that belongs to them stays in the cache."""

BLOCK = 32
"""Steps on the way back after which weights' gradients are summed, while the steps are still in the cache."""

DENSE = 16
"""Most symbols that are multiplied as one-hot vectors where a gradient is summed."""

ROWS = 12
"""Most rows of a block: with two vectors each, 24 of AVX-512's 32 registers hold sums."""

PANEL = 2
"""Vectors of columns whose gradients are summed together."""

CHUNK = 512
"""Most products of rows and columns that are summed before they are added to a matrix."""


class Shape(NamedTuple):
    """What does not change in the life of a layer, and of the read-out above the last.

    Attributes:
        cell: its place in CELLS.
        I: inputs (symbols or features).
        H: units.
        O: outputs.
        symbols: 1 where inputs are symbols, 0 where they are features.
        classes: 1 where outputs are classes, 0 where they are values.
        N: rows of U, H for each gate.
        R: rows that the cell keeps of each step.
        U, b, W, c, V, d: where in the flat weights each tensor begins; c is the GRU's inner
            bias, V and d the read-out's.
        v: vectors in a row, 1 or 2: a tile holds v LANES sequences.
        move: units by which masks move on at each step, 0 or 1.
        i, f, g, o: of an LSTM which of its gates, from 0, each is; -1 where it is not there.
        coupled: 1 where f = 1 - i.
        open_g, open_c: 1 where the sum of g, where c is taken without its tanh.
        p: where in the flat weights the peepholes begin; -1 where there are none.
    """

    cell: int
    I: int
    H: int
    O: int
    symbols: int
    classes: int
    N: int
    R: int
    U: int
    b: int
    W: int
    c: int
    V: int
    d: int
    v: int
    move: int
    i: int = -1
    f: int = -1
    g: int = -1
    o: int = -1
    coupled: int = 0
    open_g: int = 0
    open_c: int = 0
    p: int = -1


def space_size(layers: int, n: Shape, T: int, lanes: int = LANES) -> int:
    """Return the numbers of working space that a tile of T steps needs.

    Layers differ in their inputs only; ``n`` is the shape of the lowest.
    """
    of_layer = T * (n.R + n.H) + (2 * (T + 1) + 2) * n.H
    rows = layers * of_layer + T * (n.O + n.H) + 1
    one_hot = BLOCK * DENSE * n.v * lanes
    # as seqlab.fused.products.add_outer cuts it: columns, panels, a block, its sums
    outer = CHUNK * (max(n.H, n.I) + 2 * PANEL * lanes + ROWS) + ROWS * PANEL * lanes
    table = n.I * n.N + lanes * (n.N + lanes)
    room = max(one_hot + outer, table, lanes * max(n.N, n.O))
    return rows * n.v * lanes + room
