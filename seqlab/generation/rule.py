"""What a rule is: how the next symbols are chosen from a model's scores. Each rule is a file."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Symbols = NDArray[np.integer]


class Rule(Protocol):
    """A way of choosing: by drawing, the likeliest, by beam search.

    Attributes:
        rows: after :meth:`choose`, the rows with which to go on before the symbols are read; None for all of
            them, as they are.
    """

    rows: NDArray[np.integer] | None

    def choose(self, scores: Scores) -> Symbols | None:
        """Return the next symbols, (...), given the scores (..., V) of all; None at the end."""


def log_softmax(scores: Scores) -> NDArray[np.float64]:
    """Return the log-probabilities of scores (..., V), in nats.

    >>> log_softmax(np.zeros(4)).round(4)
    array([-1.3863, -1.3863, -1.3863, -1.3863])
    """
    shifted = scores.astype(np.float64) - scores.max(-1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return logs
