"""The updates of one large network, each of which several processors work on, a tile or some weights each.

The numbers are those of :func:`seqlab.fused.network.run` to the bit, whatever the number of processors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from seqlab.fused.batches import Floats
from seqlab.fused.memory import working_space
from seqlab.fused.network import Shape, make_update, norm_of, prepare, sum_gradients, work_on_tile
from seqlab.fused.optimise import PIECE

SHARES = 4
"""Parts of the weights that are taken at a time."""

Each = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]


def run_spread(
    each: Each, shape: Shape,
    P: Floats, G: Floats, mean: Floats, square: Floats, averaged: Floats, arranged: Floats,
    symbols: Floats, features: Floats, wanted: Floats, start: Floats, carry: bool,
    optimiser: int, done: int, rates: Any, decays: Any, clip_norm: float,
    momentum: float, decay: float, weight_decay: float, losses: Any, norms: Any,
) -> int:  # fmt: skip
    """Make an update for each batch; return how many were made before one was not finite.

    ``each`` maps as ``map`` does, on several processors; the other arguments are those of
    :func:`seqlab.fused.network.run`.
    """
    sizes, nothing, counts = tuple(shape), symbols[0, 0, :0], np.zeros(3, np.int64)
    steps = symbols.shape[2] * 2 * shape.H // start.shape[1]
    pieces = -(-len(P) // PIECE)
    squares = np.zeros(pieces)
    shares = [(i * pieces // SHARES, (i + 1) * pieces // SHARES) for i in range(SHARES)]

    for s in range(len(symbols)):
        count = int(np.count_nonzero(~np.isnan(wanted[s])))

        def work(tile: int, s: int = s, count: int = count) -> float:
            x = features[s, tile] if len(features) else nothing
            loss: float = work_on_tile(
                sizes, P, arranged, G[tile], working_space(shape, steps),
                symbols[s, tile], x, wanted[s, tile], start[tile], count, carry, True, counts,
            )  # fmt: skip
            return loss

        def update(share: int, s: int = s) -> None:
            make_update(
                *shares[share], norms[s], clip_norm, optimiser, P, G, mean, square, averaged, done + s + 1,
                rates[s], momentum, decay, weight_decay, decays[s],
            )  # fmt: skip

        list(each(lambda way: prepare(sizes, P, arranged, way == 0, way == 1), range(2)))
        losses[s] = sum(each(work, range(len(G))))
        list(each(lambda share: sum_gradients(G, squares, *shares[share]), range(SHARES)))
        norms[s] = norm_of(squares)
        if not (math.isfinite(losses[s]) and math.isfinite(norms[s])):
            return s
        list(each(update, range(SHARES)))
    return len(symbols)
