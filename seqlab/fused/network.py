"""One network's training step and judgement, compiled: input, cell, read-out, loss, way back, update.

A batch lies in tiles. Each is read, and its way back gone, by itself, and has a gradient of its own; these
are added in their order. So tiles can be given to several processors, and neither that nor what other
networks do meanwhile changes what is computed. Nothing here is parallel: calls release Python's global lock.

A step is :func:`prepare`, :func:`work_on_tile` for each tile, :func:`sum_gradients` and :func:`make_update`.
:func:`run` makes many steps in one call, or a share of one: so :mod:`seqlab.fused.spreading` makes the same
on several processors. All is one function for Python, so that it is compiled once.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from seqlab.fused import gru, lstm, rnn
from seqlab.fused._compiling import compiled, part
from seqlab.fused._lanes import lanes_of
from seqlab.fused.inputs import DENSE, input_gradients, prepare_inputs
from seqlab.fused.optimise import sum_piece, update_piece
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
ALL, PREPARE, TILES, SUM, NORM, UPDATE = range(6)
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


@part
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


@part
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


@part
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


@part
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


@part
def prepare(n: Any, P: Any, arranged: Any, first: int, last: int) -> None:
    """Write the weights in ``arranged`` (2, numbers) as the ways ``first`` to ``last`` read them.

    Way 0 is forward, way 1 is back. That is needed after each update.
    """
    F, B = arranged[0], arranged[1]
    arrange_weights(n, P, F if first == 0 else F[:0], B if last == 2 else B[:0])


@part
def work_on_tile(
    n: Any, P: Any, arranged: Any, G: Any, space: Any, symbols: Any, features: Any, wanted: Any,
    start: Any, count: int, carry: bool, learn: bool, counts: Any,
) -> float:  # fmt: skip
    """Return a tile's share of its batch's loss; write its share of the gradient, or count what is right.

    Args:
        n: a :class:`Shape`.
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


@part
def sum_gradients(G: Any, squares: Any, first: int, last: int) -> None:
    """Sum the tiles' gradients G (tiles, numbers) into the first, and write each piece's sum of squares."""
    for piece in range(first, last):
        squares[piece] = sum_piece(G, piece)


@part
def norm_of(squares: Any) -> float:
    """Return the gradient's norm from the sums of squares of its pieces."""
    whole = 0.0
    for piece in range(squares.shape[0]):
        whole += squares[piece]
    return math.sqrt(whole)


@part
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
    what: int, batch: int, first: int, last: int,
    sizes: Any, P: Any, G: Any, mean: Any, square: Any, averaged: Any, arranged: Any, space: Any,
    symbols: Any, features: Any, wanted: Any, start: Any, carry: bool, learn: bool,
    optimiser: int, done: int, rates: Any, decays: Any, clip_norm: float,
    momentum: float, decay: float, weight_decay: float, losses: Any, norms: Any, squares: Any, counts: Any,
) -> float:  # fmt: skip
    """Make an update for each batch, or judge it; return how many were made before one was not finite.

    Or make a share of the update for one batch, if ``what`` is not ALL: from ``first`` to ``last`` are, for
    PREPARE, ways; for TILES, tiles, whose loss is returned; for SUM and UPDATE, pieces. NORM writes the norm.

    Args:
        what: ALL, PREPARE, TILES, SUM, NORM or UPDATE.
        batch: number of the batch of which a share is made.
        first, last: the share.
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
        squares: written: each piece's sum of squares of the gradient.
        counts: (3,), added to: answers asked for, right answers, and sequences in which one is wrong.
    """
    n = Shape(*sizes)
    batches, tiles, pieces = symbols.shape[0], symbols.shape[1], squares.shape[0]
    T = symbols.shape[2] // (n.v * lanes_of(space))
    nothing, whole = symbols[0, 0, :0], what == ALL
    for s in range(0 if whole else batch, batches):
        if what == PREPARE or (whole and (learn or s == 0)):
            prepare(n, P, arranged, 0 if whole else first, (1 + learn) if whole else last)
        loss = 0.0
        if what == TILES or whole:
            count = 0
            for tile in range(tiles):
                count += asked(n.v, wanted[s, tile], T)[1]
            for tile in range(0 if whole else first, tiles if whole else last):
                x = features[s, tile] if features.shape[0] > 0 else nothing
                loss += work_on_tile(
                    n, P, arranged, G[tile if learn else 0], space, symbols[s, tile], x, wanted[s, tile],
                    start[tile], count, carry, learn, counts,
                )  # fmt: skip
        if whole:
            losses[s] = loss
            counts[0] += count
        if what == SUM or (whole and learn):
            sum_gradients(G, squares, 0 if whole else first, pieces if whole else last)
        if what == NORM or (whole and learn):
            norms[s] = norm_of(squares)
            if whole and not (math.isfinite(loss) and math.isfinite(norms[s])):
                return float(s)
        if what == UPDATE or (whole and learn):
            make_update(
                0 if whole else first, pieces if whole else last, norms[s], clip_norm, optimiser,
                P, G, mean, square, averaged, done + s + 1,
                rates[s], momentum, decay, weight_decay, decays[s],
            )  # fmt: skip
        if not whole:
            return loss
    return float(batches)
