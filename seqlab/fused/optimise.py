"""Clipping and the optimisers' updates of one network's flat weights, as torch makes them.

Kingma & Ba, "Adam", 2015; Loshchilov & Hutter, "Decoupled weight decay regularization", 2019 (adamw);
Tieleman & Hinton, 2012 (rmsprop); Pascanu, Mikolov & Bengio 2013 (clipping by the global norm).
"""

from __future__ import annotations

import math
from typing import Any

from seqlab.fused._compiling import part

OPTIMISERS = ("sgd", "rmsprop", "adam", "adamw")
SGD, RMSPROP, ADAM, ADAMW = range(4)
EPSILON = 1e-8
BETA1 = 0.9


@part
def clip(G: Any, clip_norm: float) -> float:
    """Scale the gradient down to the norm ``clip_norm`` where it is longer; return its norm before."""
    squares = 0.0
    for k in range(G.shape[0]):
        squares += float(G[k]) * float(G[k])
    norm = math.sqrt(squares)
    scale = G.dtype.type(min(1.0, clip_norm / (norm + 1e-6)))
    if scale < 1:
        for k in range(G.shape[0]):
            G[k] *= scale
    return norm


@part
def update(
    optimiser: int, P: Any, G: Any, mean: Any, square: Any, step: int,
    rate: float, momentum: float, decay: float, weight_decay: float,
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
        weight_decay: added to the gradient as weight_decay P; by adamw taken off the weights.
    """
    number = P.dtype.type
    rate_, momentum_, decay_, epsilon = number(rate), number(momentum), number(decay), number(EPSILON)
    fresh, pull = number(1 - decay), number(0 if optimiser == ADAMW else weight_decay)
    if optimiser >= ADAM:
        kept = number(1 - rate * weight_decay if optimiser == ADAMW else 1)
        size = number(rate / (1 - BETA1**step))
        root = number(1 / math.sqrt(1 - decay**step))
        beta, alpha = number(BETA1), number(1 - BETA1)
        for k in range(P.shape[0]):
            g = G[k] + pull * P[k]
            mean[k] = beta * mean[k] + alpha * g
            square[k] = decay_ * square[k] + fresh * g * g
            P[k] = kept * P[k] - size * mean[k] / (math.sqrt(square[k]) * root + epsilon)
    elif optimiser == RMSPROP:
        for k in range(P.shape[0]):
            g = G[k] + pull * P[k]
            square[k] = decay_ * square[k] + fresh * g * g
            mean[k] = momentum_ * mean[k] + g / (math.sqrt(square[k]) + epsilon)
            P[k] -= rate_ * mean[k]
    else:
        for k in range(P.shape[0]):
            mean[k] = momentum_ * mean[k] + G[k] + pull * P[k]
            P[k] -= rate_ * mean[k]


@part
def average(A: Any, P: Any, decay: float) -> None:
    """Move the averaged weights towards the weights: A = decay A + (1 - decay) P."""
    share = A.dtype.type(1 - decay)
    for k in range(A.shape[0]):
        A[k] += share * (P[k] - A[k])
