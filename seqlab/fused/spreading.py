"""The updates of one large network, each of which several processors work on, a tile or some weights each.

The numbers are those of :func:`seqlab.fused.network.run` to the bit, whatever the number of processors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from seqlab.fused.kernels import run
from seqlab.fused.layout import NORM, PREPARE, SILENCE, SUM, TILES, UPDATE, Shape
from seqlab.fused.memory import working_space

SHARES = 4
"""Parts of the weights that are taken at a time."""

Each = Callable[[Callable[[tuple[int, int]], Any], Iterable[tuple[int, int]]], Iterable[Any]]


def run_spread(
    each: Each, shapes: tuple[Shape, ...], steps: int, weights: Any, data: Any, drops: bool,
    losses: Any, norms: Any, squares: Any, counts: Any,
) -> int:  # fmt: skip
    """Make an update for each batch; return how many were made before one was not finite.

    ``each`` maps as ``map`` does, on several processors; ``steps`` are those of a tile, and the other
    arguments those of :func:`seqlab.fused.network.run`: ``weights`` from P on, ``data`` from the symbols on.
    ``drops`` says whether there is weight dropout.
    """
    rest = (np.array(shapes), *weights, *data, losses, norms, squares, counts)
    tiles, batches, pieces = len(weights[1]), len(losses), len(squares)
    shares = [(i * pieces // SHARES, (i + 1) * pieces // SHARES) for i in range(SHARES)]

    def share(what: int, batch: int, parts: list[tuple[int, int]]) -> list[float]:
        def work(ends: tuple[int, int]) -> float:
            return float(run(what, batch, *ends, working_space(shapes, steps), *rest))

        return list(each(work, parts))

    for s in range(batches):
        if drops:
            share(SILENCE, s, shares)
        share(PREPARE, s, [(0, 1), (1, 2)])
        losses[s] = 0
        for loss in share(TILES, s, [(tile, tile + 1) for tile in range(tiles)]):
            losses[s] += loss  # not sum, which would round otherwise
        share(SUM, s, shares)
        share(NORM, s, [(0, 0)])
        if not (math.isfinite(losses[s]) and math.isfinite(norms[s])):
            return s
        share(UPDATE, s, shares)
    return batches
