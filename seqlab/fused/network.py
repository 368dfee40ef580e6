"""One network's training step and judgement, compiled: input, cell, read-out, loss, way back, update.

A batch lies in tiles. Each is read, and its way back gone, by itself, and has a gradient of its own; these
are added in their order. So tiles can be given to several processors, and neither that nor what other
networks do meanwhile changes what is computed. Nothing here is parallel: calls release Python's global lock.

A step is :func:`silence`, :func:`prepare`, :func:`work_on_tile` for each tile, :func:`sum_gradients` and
:func:`make_update`. :func:`run` makes many steps in one call, or a share of one: so
:mod:`seqlab.fused.spreading` makes the same on several processors. All is one function for Python, so that it
is compiled once.
"""

from __future__ import annotations

import math
from typing import Any

from seqlab.fused._lanes import lanes_of
from seqlab.fused._marking import inlined
from seqlab.fused.layers import arrange_weights, cut_layer, cut_rest, go_back, outputs_of, read, shape_of
from seqlab.fused.layout import ALL, NORM, PIECE, PREPARE, SILENCE, SUM, TILES, UPDATE
from seqlab.fused.optimise import sum_piece, update_piece
from seqlab.fused.products import clear_vectors, copy_vectors
from seqlab.fused.readout import answers, asked, cross_entropy, squared_error, tally


@inlined
def silence(P: Any, kept: Any, Q: Any, first: int, last: int) -> None:
    """Write some pieces of the weights, with those that dropout silences as zeros, in ``Q``."""
    for k in range(first * PIECE, min(last * PIECE, P.shape[0])):
        Q[k] = P[k] * kept[k]


@inlined
def prepare(sizes: Any, P: Any, arranged: Any, first: int, last: int) -> None:
    """Write the weights in ``arranged`` (2, numbers) as the ways ``first`` to ``last`` read them.

    Way 0 is forward, way 1 is back. That is needed after each update.
    """
    F, B = arranged[0], arranged[1]
    arrange_weights(sizes, P, F if first == 0 else F[:0], B if last == 2 else B[:0])


@inlined
def work_on_tile(
    sizes: Any, P: Any, arranged: Any, G: Any, space: Any,
    symbols: Any, features: Any, masks: Any, wanted: Any, start: Any,
    count: int, carry: bool, learn: bool, counts: Any,
) -> float:  # fmt: skip
    """Return a tile's share of its batch's loss; write its share of the gradient, or count what is right.

    Args:
        sizes: (layers, ...), the :class:`~seqlab.fused.layout.Shape` of each layer.
        P: the flat weights.
        arranged: as from :func:`prepare`.
        G: written, if ``learn``: the gradient of the flat weights.
        space: working space, as many numbers as :func:`space_size` says.
        symbols: T rows, -1 for padding and empty lanes; 0 where inputs are features.
        features: T I rows; nothing where inputs are symbols.
        masks: H rows for each layer, see :mod:`seqlab.fused.layers`; nothing where nothing is dropped.
        wanted: T rows, see :mod:`seqlab.fused.readout`.
        start: for each layer 2 H rows, h and c from which the tile starts; replaced by those at its end if
            ``carry``.
        count: answers that the whole batch asks for.
        carry: whether the state is carried from batch to batch.
        learn: whether to learn.
        counts: (3,), added to if not ``learn``: nothing, right answers, and sequences in which one is wrong.
    """
    n, layers = shape_of(sizes, 0), sizes.shape[0]
    K, T = n.H * n.v, symbols.shape[0] // (n.v * lanes_of(space))
    for l in range(layers):
        _, h, c, _, dh, dc = cut_layer(n, l, T, space)
        copy_vectors(start, 2 * l * K, h, 0, K)
        copy_vectors(start, (2 * l + 1) * K, c, 0, K)
        clear_vectors(dh, 0, K)
        clear_vectors(dc, 0, K)
    read(sizes, P, arranged[0], T, symbols, features, masks, space, int(learn))
    out, _, wrong, _ = cut_rest(n, layers, T, space)
    first, _ = asked(n.v, wanted, T)
    answers(n, P, arranged[0], T, first, outputs_of(n, layers - 1, T, space, masks), out)
    if not learn:
        counts[1] += tally(n.v, wanted, T, n.O, first, out, wrong)
        for i in range(wrong.shape[0]):
            counts[2] += wrong[i] > 0
    if n.classes == 1:
        loss = cross_entropy(n.v, wanted, T, n.O, first, count, out)
    else:
        loss = squared_error(n.v, wanted, T, first, count, out)
    if carry:
        for l in range(layers):
            _, h, c, _, _, _ = cut_layer(n, l, T, space)
            copy_vectors(h, T * K, start, 2 * l * K, K)
            copy_vectors(c, T * K, start, (2 * l + 1) * K, K)
    if learn:
        for k in range(G.shape[0]):
            G[k] = 0
        go_back(sizes, arranged[1], T, symbols, features, masks, first, out, G, space)
    return loss


@inlined
def sum_gradients(G: Any, kept: Any, squares: Any, first: int, last: int) -> None:
    """Sum the tiles' gradients G (tiles, numbers) into the first, and write each piece's sum of squares."""
    for piece in range(first, last):
        squares[piece] = sum_piece(G, kept, piece)


@inlined
def norm_of(squares: Any) -> float:
    """Return the gradient's norm from the sums of squares of its pieces."""
    whole = 0.0
    for piece in range(squares.shape[0]):
        whole += squares[piece]
    return math.sqrt(whole)


@inlined
def make_update(
    first: int, last: int, norm: float, clip_norm: float, optimiser: int,
    P: Any, G: Any, mean: Any, square: Any, averaged: Any, step: int,
    rate: float, momentum: float, decay: float, weight_decay: Any, averaging: float,
) -> None:  # fmt: skip
    """Clip the gradient, whose norm is ``norm``, and make update number ``step`` of some pieces."""
    scale = min(1.0, clip_norm / (norm + 1e-6))
    for piece in range(first, last):
        update_piece(
            piece, scale, optimiser, P, G, mean, square, averaged, step,
            rate, momentum, decay, weight_decay, averaging,
        )  # fmt: skip


def run(
    what: int, batch: int, first: int, last: int, space: Any,
    sizes: Any, P: Any, G: Any, mean: Any, square: Any, averaged: Any, arranged: Any,
    symbols: Any, features: Any, masks: Any, kept: Any, Q: Any, wanted: Any, start: Any,
    carry: bool, learn: bool, optimiser: int, done: int, rates: Any, decays: Any, clip_norm: float,
    momentum: float, decay: float, weight_decay: Any, losses: Any, norms: Any, squares: Any, counts: Any,
) -> float:  # fmt: skip
    """Make an update for each batch, or judge it; return how many were made before one was not finite.

    Or make a share of the update for one batch, if ``what`` is not ALL: from ``first`` to ``last`` are, for
    PREPARE, ways; for TILES, tiles, whose loss is returned; for SILENCE, SUM and UPDATE, pieces. NORM writes
    the norm.

    Args:
        what: ALL, SILENCE, PREPARE, TILES, SUM, NORM or UPDATE.
        batch: number of the batch of which a share is made.
        first, last: the share.
        space: as for :func:`work_on_tile`.
        sizes: likewise.
        P, mean, square, averaged: the flat weights and what the optimiser keeps of them.
        G: (tiles, numbers), the tiles' gradients.
        arranged: room for what :func:`prepare` writes.
        symbols: (batches, tiles, T v LANES), as for :func:`work_on_tile`, and so are:
        features: (batches, tiles, T I v LANES), or (0, 0, 0) where inputs are symbols.
        masks: (batches, tiles, layers H v LANES), or (0, 0, 0) where nothing is dropped.
        wanted: (batches, tiles, T v LANES).
        kept: (batches, numbers), what weight dropout multiplies the weights with, or (0, 0).
        Q: room for weights, or nothing where there is no weight dropout.
        start: (tiles, layers 2 H v LANES).
        carry, learn: as there.
        optimiser: its place in :data:`seqlab.fused.layout.OPTIMISERS`.
        done: updates made before.
        rates: the learning rate of each update.
        decays: of the averaged weights, for each update.
        clip_norm: greatest norm of the gradient.
        momentum, decay: of the optimiser.
        weight_decay: of each of the flat weights.
        losses, norms: written: each batch's loss, and its gradient's norm before clipping.
        squares: written: each piece's sum of squares of the gradient.
        counts: (3,), added to: answers asked for, right answers, and sequences in which one is wrong.
    """
    n = shape_of(sizes, 0)
    batches, tiles, pieces = symbols.shape[0], symbols.shape[1], squares.shape[0]
    T = symbols.shape[2] // (n.v * lanes_of(space))
    nothing, whole = symbols[0, 0, :0], what == ALL
    drops = kept.shape[0] > 0
    weights = Q if drops else P
    for s in range(0 if whole else batch, batches):
        keep = kept[s] if drops else nothing
        if drops and (what == SILENCE or whole):
            silence(P, keep, Q, 0 if whole else first, pieces if whole else last)
        if what == PREPARE or (whole and (learn or s == 0)):
            prepare(sizes, weights, arranged, 0 if whole else first, (1 + learn) if whole else last)
        loss = 0.0
        if what == TILES or whole:
            count = 0
            for tile in range(tiles):
                count += asked(n.v, wanted[s, tile], T)[1]
            for tile in range(0 if whole else first, tiles if whole else last):
                x = features[s, tile] if features.shape[0] > 0 else nothing
                m = masks[s, tile] if masks.shape[0] > 0 else nothing
                loss += work_on_tile(
                    sizes, weights, arranged, G[tile if learn else 0], space,
                    symbols[s, tile], x, m, wanted[s, tile], start[tile], count, carry, learn, counts,
                )  # fmt: skip
        if whole:
            losses[s] = loss
            counts[0] += count
        if what == SUM or (whole and learn):
            sum_gradients(G, keep, squares, 0 if whole else first, pieces if whole else last)
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
