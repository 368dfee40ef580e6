"""One network's training step and judgement, compiled: input, cell, read-out, loss, way back, update.

A batch lies in tiles. Each is read, and its way back gone, by itself, and has a gradient of its own; these
are added in their order. So tiles can be given to several processors, and neither that nor what other
networks do meanwhile changes what is computed. Nothing here is parallel: calls release Python's global lock.

A step is :func:`prepare`, :func:`work_on_tile` for each tile, :func:`sum_gradients` and :func:`make_update`.
:func:`run` makes many steps in one call; :mod:`seqlab.fused.spreading` makes the same on several processors.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from seqlab.fused import gru, lstm, rnn
from seqlab.fused._compiling import compiled, copied
from seqlab.fused._lanes import lanes_of
from seqlab.fused.inputs import DENSE, input_gradients, prepare_inputs
from seqlab.fused.optimise import PIECE, sum_piece, update_piece
from seqlab.fused.products import clear_vectors, copy_vectors, room_of_outer
from seqlab.fused.readout import (
    answers,
    asked,
    cross_entropy,
    prepare_readout,
    readout_gradients,
    squared_error,
    tally,
)

CELLS = ("rnn tanh", "rnn relu", "lstm", "gru before", "gru after")
RELU, LSTM = 1, 2
BLOCK = 32
"""Steps on the way back after which weights' gradients are summed, while the steps are still in the cache."""


class Shape(NamedTuple):
    """What does not change in a network's life.

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
            bias, d the read-out's.
        v: vectors in a row, 1 or 2: a tile holds v LANES sequences.
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


def space_size(n: Shape, T: int, lanes: int) -> int:
    """Return the numbers of working space that a tile of T steps needs; ``lanes`` is LANES."""
    rows = T * (n.R + n.O) + (2 * (T + 1) + 2) * n.H + 1
    one_hot = BLOCK * DENSE * n.v * lanes
    table = n.I * n.N + lanes * (n.N + lanes)
    room = max(one_hot + room_of_outer(lanes, max(n.H, n.I)), table, lanes * max(n.N, n.O))
    return rows * n.v * lanes + room


@compiled
def cut(n: Any, T: int, space: Any) -> Any:
    """Return sums, h, c, out, dh, dc, wrong and room, cut from the working space."""
    row = n.v * lanes_of(space)
    sums = space[: T * n.R * row]
    k = T * n.R * row
    out = space[k : k + T * n.O * row]
    k += T * n.O * row
    h = space[k : k + (T + 1) * n.H * row]
    k += (T + 1) * n.H * row
    c = space[k : k + (T + 1) * n.H * row]
    k += (T + 1) * n.H * row
    dh, dc = space[k : k + n.H * row], space[k + n.H * row : k + 2 * n.H * row]
    k += 2 * n.H * row
    return sums, h, c, out, dh, dc, space[k : k + row], space[k + row :]


@copied
def arrange_weights(n: Any, P: Any, F: Any, B: Any) -> None:
    """Write the weights in F, in B, if not empty, as the way forward, the way back reads them."""
    prepare_inputs(n, P, F)
    prepare_readout(n, P, F, B)
    if n.cell <= RELU:
        rnn.prepare(n, P, F, B)
    elif n.cell == LSTM:
        lstm.prepare(n, P, F, B)
    else:
        gru.prepare(n, P, F, B)


@copied
def read(
    n: Any, P: Any, F: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int, room: Any
) -> None:
    """Run a cell over a tile of sequences, from the state in the first H rows of h and c.

    ``keep`` is 1 to keep what the way back needs of every step, 0 to keep h and c only.
    """
    if n.cell <= RELU:
        rnn.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)
    elif n.cell == LSTM:
        lstm.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)
    else:
        gru.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)


@copied
def go_back(
    n: Any, B: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any,
    first: int, errors: Any, dh: Any, dc: Any, G: Any, room: Any,
) -> None:  # fmt: skip
    """Add the gradient of every weight to ``G``, from dJ/do in ``errors`` and dJ/dh, dJ/dc at the end.

    ``dh`` and ``dc`` become those at the start.
    """
    readout_gradients(n, T, first, h, errors, G, room)
    for end in range(T, 0, -BLOCK):
        begin = max(0, end - BLOCK)
        if n.cell <= RELU:
            rnn.backward(n, B, begin, end, symbols, sums, h, c, first, errors, dh, dc, G, room)
        elif n.cell == LSTM:
            lstm.backward(n, B, begin, end, symbols, sums, h, c, first, errors, dh, dc, G, room)
        else:
            gru.backward(n, B, begin, end, symbols, sums, h, c, first, errors, dh, dc, G, room)
        input_gradients(n, G, begin, end, symbols, x, sums, room)


@compiled
def prepare(sizes: Any, P: Any, arranged: Any, forward: bool, back: bool) -> None:
    """Write the weights in ``arranged`` (2, numbers) as the two ways read them; needed after each update."""
    F, B = arranged[0], arranged[1]
    arrange_weights(Shape(*sizes), P, F if forward else F[:0], B if back else B[:0])


@compiled
def work_on_tile(
    sizes: Any, P: Any, arranged: Any, G: Any, space: Any, symbols: Any, features: Any, wanted: Any,
    start: Any, count: int, carry: bool, learn: bool, counts: Any,
) -> float:  # fmt: skip
    """Return a tile's share of its batch's loss; write its share of the gradient, or count what is right.

    Args:
        sizes: a :class:`Shape`, as a plain tuple.
        P: the flat weights.
        arranged: as from :func:`prepare`.
        G: written, if ``learn``: the gradient of the flat weights.
        space: working space, as many numbers as :func:`space_size` says.
        symbols: T rows, -1 for padding and empty lanes; 0 where inputs are features.
        features: T I rows; nothing where inputs are symbols.
        wanted: T rows, see :mod:`seqlab.fused.readout`.
        start: 2 H rows, h and c from which the tile starts, replaced by those at its end if ``carry``.
        count: answers that the whole batch asks for.
        carry: whether the state is carried from batch to batch.
        learn: whether to learn.
        counts: (3,), added to if not ``learn``: nothing, right answers, and sequences in which one is wrong.
    """
    n = Shape(*sizes)
    K, T = n.H * n.v, symbols.shape[0] // (n.v * lanes_of(space))
    sums, h, c, out, dh, dc, wrong, room = cut(n, T, space)
    copy_vectors(start, 0, h, 0, K)
    copy_vectors(start, K, c, 0, K)
    read(n, P, arranged[0], T, symbols, features, sums, h, c, int(learn), room)
    first, _ = asked(n.v, wanted, T)
    answers(n, P, arranged[0], T, first, h, out)
    if not learn:
        counts[1] += tally(n.v, wanted, T, n.O, first, out, wrong)
        for i in range(wrong.shape[0]):
            counts[2] += wrong[i] > 0
    if n.classes == 1:
        loss = cross_entropy(n.v, wanted, T, n.O, first, count, out)
    else:
        loss = squared_error(n.v, wanted, T, first, count, out)
    if carry:
        copy_vectors(h, T * K, start, 0, K)
        copy_vectors(c, T * K, start, K, K)
    if learn:
        clear_vectors(dh, 0, K)
        clear_vectors(dc, 0, K)
        for k in range(G.shape[0]):
            G[k] = 0
        go_back(n, arranged[1], T, symbols, features, sums, h, c, first, out, dh, dc, G, room)
    return loss


@compiled
def sum_gradients(G: Any, squares: Any, first: int, last: int) -> None:
    """Sum the tiles' gradients G (tiles, numbers) into the first, and write each piece's sum of squares."""
    for piece in range(first, last):
        squares[piece] = sum_piece(G, piece)


@compiled
def norm_of(squares: Any) -> float:
    """Return the gradient's norm from the sums of squares of its pieces."""
    whole = 0.0
    for piece in range(squares.shape[0]):
        whole += squares[piece]
    return math.sqrt(whole)


@compiled
def make_update(
    first: int, last: int, norm: float, clip_norm: float, optimiser: int,
    P: Any, G: Any, mean: Any, square: Any, averaged: Any, step: int,
    rate: float, momentum: float, decay: float, weight_decay: float, averaging: float,
) -> None:  # fmt: skip
    """Clip the gradient, whose norm is ``norm``, and make update number ``step`` of some pieces."""
    scale = min(1.0, clip_norm / (norm + 1e-6))
    for piece in range(first, last):
        update_piece(
            piece, scale, optimiser, P, G, mean, square, averaged, step,
            rate, momentum, decay, weight_decay, averaging,
        )  # fmt: skip


@compiled
def run(
    sizes: Any, P: Any, G: Any, mean: Any, square: Any, averaged: Any, arranged: Any, space: Any,
    symbols: Any, features: Any, wanted: Any, start: Any, carry: bool, learn: bool,
    optimiser: int, done: int, rates: Any, decays: Any, clip_norm: float,
    momentum: float, decay: float, weight_decay: float, losses: Any, norms: Any, counts: Any,
) -> int:  # fmt: skip
    """Make an update for each batch, or judge it; return how many were made before one was not finite.

    Args:
        sizes: a :class:`Shape`, as a plain tuple.
        P, mean, square, averaged: the flat weights and what the optimiser keeps of them.
        G: (tiles, numbers), the tiles' gradients.
        arranged: room for what :func:`prepare` writes.
        space: as for :func:`work_on_tile`.
        symbols: (batches, tiles, T v LANES), as for :func:`work_on_tile`, and so are:
        features: (batches, tiles, T I v LANES), or (0, 0, 0) where inputs are symbols.
        wanted: (batches, tiles, T v LANES).
        start: (tiles, 2 H v LANES).
        carry, learn: as there.
        optimiser: its place in :data:`seqlab.fused.optimise.OPTIMISERS`.
        done: updates made before.
        rates: the learning rate of each update.
        decays: of the averaged weights, for each update.
        clip_norm: greatest norm of the gradient.
        momentum, decay, weight_decay: of the optimiser.
        losses, norms: written: each batch's loss, and its gradient's norm before clipping.
        counts: (3,), added to: answers asked for, right answers, and sequences in which one is wrong.
    """
    n = Shape(*sizes)
    batches, tiles = symbols.shape[:2]
    T = symbols.shape[2] // (n.v * lanes_of(space))
    squares = np.zeros(-(-P.shape[0] // PIECE))
    pieces = squares.shape[0]
    nothing = symbols[0, 0, :0]
    for s in range(batches):
        count = 0
        for tile in range(tiles):
            count += asked(n.v, wanted[s, tile], T)[1]
        if learn or s == 0:
            prepare(sizes, P, arranged, True, learn)
        loss = 0.0
        for tile in range(tiles):
            x = features[s, tile] if features.shape[0] > 0 else nothing
            loss += work_on_tile(
                sizes, P, arranged, G[tile if learn else 0], space, symbols[s, tile], x, wanted[s, tile],
                start[tile], count, carry, learn, counts,
            )  # fmt: skip
        losses[s] = loss
        counts[0] += count
        if learn:
            sum_gradients(G, squares, 0, pieces)
            norms[s] = norm_of(squares)
            if not (math.isfinite(loss) and math.isfinite(norms[s])):
                return s
            make_update(
                0, pieces, norms[s], clip_norm, optimiser, P, G, mean, square, averaged, done + s + 1,
                rates[s], momentum, decay, weight_decay, decays[s],
            )  # fmt: skip
    return int(batches)
