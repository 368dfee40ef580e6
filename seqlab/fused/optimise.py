"""Clipping and the optimisers' updates of one network's flat weights, as torch makes them.

Kingma & Ba, "Adam", 2015; Loshchilov & Hutter, "Decoupled weight decay regularization", 2019 (adamw);
Tieleman & Hinton, 2012 (rmsprop); Pascanu, Mikolov & Bengio 2013 (clipping by the global norm).
"""

from __future__ import annotations

import math
from typing import Any

from seqlab.fused._lanes import fill, fused, lanes_of, load, store, total
from seqlab.fused._marking import inlined
from seqlab.fused.layout import OPTIMISERS, PIECE

SGD, RMSPROP, ADAM, ADAMW = range(len(OPTIMISERS))
EPSILON = 1e-8
BETA1 = 0.9


@inlined
def sum_piece(G: Any, kept: Any, piece: int) -> float:
    """Add the tiles' gradients (tiles, numbers) to the first's; return the sum of the squares of a piece.

    ``kept``, if not empty, is what the weights were multiplied with.
    """
    lanes = lanes_of(G)
    step = G.shape[1] // lanes
    squares = fill(load(G, 0), 0.0)
    for k in range(piece * PIECE // lanes, min((piece + 1) * PIECE, G.shape[1]) // lanes):
        g = load(G, k)
        for tile in range(1, G.shape[0]):
            g = g + load(G, tile * step + k)
        if kept.shape[0] > 0:
            g = g * load(kept, k)
        store(G, k, g)
        squares = fused(g, g, squares)
    return float(total(squares))


@inlined
def update_piece(
    piece: int, scale: float, optimiser: int,
    P: Any, G: Any, mean: Any, square: Any, averaged: Any, step: int,
    rate: float, momentum: float, decay: float, weight_decay: Any, averaging: float,
) -> None:  # fmt: skip
    """Scale a piece of the gradient G[0] (to clip it), and make update number ``step`` with it."""
    part = slice(piece * PIECE, min((piece + 1) * PIECE, P.shape[0]))
    g = G[0, part]
    if scale < 1:
        factor = G.dtype.type(scale)
        for k in range(g.shape[0]):
            g[k] *= factor
    update(optimiser, P[part], g, mean[part], square[part], step, rate, momentum, decay, weight_decay[part])
    if averaged.shape[0] > 0:
        average(averaged[part], P[part], averaging)


@inlined
def update(
    optimiser: int, P: Any, G: Any, mean: Any, square: Any, step: int,
    rate: float, momentum: float, decay: float, weight_decay: Any,
) -> None:  # fmt: skip
    """Make update number ``step`` (from 1).

    Args:
        optimiser: its place in OPTIMISERS.
        P: the weights.
        G: their gradient.
        mean: the momentum's, or the gradient's, running mean.
        square: the squared gradient's running mean.
        step: number of this update.
        rate: learning rate.
        momentum: of sgd and rmsprop.
        decay: of ``square``.
        weight_decay: of each weight; added to the gradient as weight_decay P, by adamw taken off the weights.
    """
    number = P.dtype.type
    rate_, momentum_, decay_, epsilon = number(rate), number(momentum), number(decay), number(EPSILON)
    fresh = number(1 - decay)
    if optimiser >= ADAM:
        pull, shrink = (number(0), rate_) if optimiser == ADAMW else (number(1), number(0))
        size = number(rate / (1 - BETA1**step))
        root = number(1 / math.sqrt(1 - decay**step))
        beta, alpha = number(BETA1), number(1 - BETA1)
        one = number(1)
        for k in range(P.shape[0]):
            g = G[k] + pull * weight_decay[k] * P[k]
            mean[k] = beta * mean[k] + alpha * g
            square[k] = decay_ * square[k] + fresh * g * g
            P[k] = (one - shrink * weight_decay[k]) * P[k] - size * mean[k] / (
                math.sqrt(square[k]) * root + epsilon
            )
    elif optimiser == RMSPROP:
        for k in range(P.shape[0]):
            g = G[k] + weight_decay[k] * P[k]
            square[k] = decay_ * square[k] + fresh * g * g
            mean[k] = momentum_ * mean[k] + g / (math.sqrt(square[k]) + epsilon)
            P[k] -= rate_ * mean[k]
    else:
        for k in range(P.shape[0]):
            mean[k] = momentum_ * mean[k] + G[k] + weight_decay[k] * P[k]
            P[k] -= rate_ * mean[k]


@inlined
def average(A: Any, P: Any, decay: float) -> None:
    """Move the averaged weights towards the weights: A = decay A + (1 - decay) P."""
    share = A.dtype.type(1 - decay)
    for k in range(A.shape[0]):
        A[k] += share * (P[k] - A[k])
