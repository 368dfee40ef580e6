"""One network's training step and judgement, compiled: input, cell, read-out, loss, way back, update.

Nothing here is parallel: a call works on one seed's network and releases Python's global lock, so that each
processor can take another seed. What a seed computes cannot depend on its company.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from seqlab.fused import gru, lstm, rnn
from seqlab.fused._compiling import compiled
from seqlab.fused.inputs import input_gradients
from seqlab.fused.optimise import average, clip, update
from seqlab.fused.products import clear_rows, copy_rows
from seqlab.fused.readout import answers, asked, cross_entropy, readout_gradients, squared_error, tally

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


def space_rows(n: Shape, T: int) -> int:
    """Return the rows of working space that a sequence of T steps needs."""
    return T * (n.I + n.R + n.O) + (2 * (T + 1) + 2) * n.H + 1


@compiled
def read(n: Any, P: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int) -> None:
    """Run a cell over a tile of sequences, from the state in the first H rows of h and c.

    ``keep`` is 1 to keep what the way back needs of every step, 0 to keep h and c only.
    """
    if n.cell <= RELU:
        rnn.forward(n, P, T, symbols, x, sums, h, c, keep)
    elif n.cell == LSTM:
        lstm.forward(n, P, T, symbols, x, sums, h, c, keep)
    else:
        gru.forward(n, P, T, symbols, x, sums, h, c, keep)


@compiled
def go_back(
    n: Any, P: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any,
    first: int, errors: Any, dh: Any, dc: Any, transposed: Any, G: Any,
) -> None:  # fmt: skip
    """Add the gradient of every weight to ``G``, from dJ/do in ``errors`` and dJ/dh, dJ/dc at the end.

    ``dh`` and ``dc`` become those at the start.
    """
    Vt, Wt = transposed[: n.H * n.O], transposed[n.H * n.O :]
    readout_gradients(n, P, T, first, h, errors, Vt, G)
    for end in range(T, 0, -BLOCK):
        begin = max(0, end - BLOCK)
        if n.cell <= RELU:
            rnn.backward(n, P, begin, end, symbols, sums, h, c, first, errors, dh, dc, Vt, Wt, G)
        elif n.cell == LSTM:
            lstm.backward(n, P, begin, end, symbols, sums, h, c, first, errors, dh, dc, Vt, Wt, G)
        else:
            gru.backward(n, P, begin, end, symbols, sums, h, c, first, errors, dh, dc, Vt, Wt, G)
        input_gradients(n, G, begin, end, symbols, x, sums)


@compiled
def cut(n: Any, T: int, space: Any) -> Any:
    """Return x, sums, h, c, out, dh, dc and wrong, cut from the working space."""
    x = space[: T * n.I]
    sums = space[T * n.I : T * (n.I + n.R)]
    k = T * (n.I + n.R)
    out = space[k : k + T * n.O]
    k += T * n.O
    h = space[k : k + (T + 1) * n.H]
    k += (T + 1) * n.H
    c = space[k : k + (T + 1) * n.H]
    k += (T + 1) * n.H
    return x, sums, h, c, out, space[k : k + n.H], space[k + n.H : k + 2 * n.H], space[k + 2 * n.H :]


@compiled
def run(
    sizes: Any, P: Any, G: Any, mean: Any, square: Any, averaged: Any, transposed: Any, space: Any,
    symbols: Any, features: Any, wanted: Any, start: Any, carry: bool, learn: bool,
    optimiser: int, done: int, rates: Any, decays: Any, clip_norm: float,
    momentum: float, decay: float, weight_decay: float, losses: Any, norms: Any, counts: Any,
) -> int:  # fmt: skip
    """Make an update for each batch, or judge it; return how many were made before one was not finite.

    Args:
        sizes: a :class:`Shape`, as a plain tuple.
        P, G, mean, square, averaged: the flat weights and what the optimiser keeps of them.
        transposed: room for V and W, transposed.
        space: working space, (rows, LANES).
        symbols: (batches, tiles, T, LANES), -1 for padding and empty lanes; 0 where inputs are features.
        features: (batches, tiles, T I, LANES); (0, 0, 0, 0) where inputs are symbols.
        wanted: (batches, tiles, T, LANES), see :mod:`seqlab.fused.readout`.
        start: (tiles, 2 H, LANES), h and c from which a batch starts, replaced by those at its end if
            ``carry``.
        carry: whether the state is carried from batch to batch.
        learn: whether to learn; else the weights stay, and ``counts`` is written.
        optimiser: its place in :data:`seqlab.fused.optimise.OPTIMISERS`.
        done: updates made before.
        rates: the learning rate of each update.
        decays: of the averaged weights, for each update.
        clip_norm: greatest norm of the gradient.
        momentum, decay, weight_decay: of the optimiser.
        losses, norms: written: each batch's loss, and its gradient's norm before clipping.
        counts: (3,), written: answers asked for, right answers, and sequences in which one is wrong.
    """
    n = Shape(*sizes)
    batches, tiles, T = symbols.shape[:3]
    x, sums, h, c, out, dh, dc, wrong = cut(n, T, space)
    for s in range(batches):
        count = 0
        for tile in range(tiles):
            count += asked(wanted[s, tile], T)[1]
        for k in range(G.shape[0]):
            G[k] = 0
        loss = 0.0
        for tile in range(tiles):
            if features.shape[0] > 0:
                x = features[s, tile]
            copy_rows(start[tile], 0, h, 0, n.H)
            copy_rows(start[tile], n.H, c, 0, n.H)
            read(n, P, T, symbols[s, tile], x, sums, h, c, int(learn))
            first, _ = asked(wanted[s, tile], T)
            answers(n, P, T, first, h, out)
            if not learn:
                counts[1] += tally(wanted[s, tile], T, n.O, first, out, wrong)
                for i in range(wrong.shape[1]):
                    counts[2] += wrong[0, i] > 0
            if n.classes == 1:
                loss += cross_entropy(wanted[s, tile], T, n.O, first, count, out)
            else:
                loss += squared_error(wanted[s, tile], T, first, count, out)
            if carry:
                copy_rows(h, T * n.H, start[tile], 0, n.H)
                copy_rows(c, T * n.H, start[tile], n.H, n.H)
            if learn:
                clear_rows(dh, 0, n.H)
                clear_rows(dc, 0, n.H)
                go_back(n, P, T, symbols[s, tile], x, sums, h, c, first, out, dh, dc, transposed, G)
        losses[s] = loss
        counts[0] += count
        if learn:
            norms[s] = clip(G, clip_norm)
            if not (math.isfinite(loss) and math.isfinite(norms[s])):
                return s
            update(optimiser, P, G, mean, square, done + s + 1, rates[s], momentum, decay, weight_decay)
            if averaged.shape[0] > 0:
                average(averaged, P, decays[s])
    return int(batches)
