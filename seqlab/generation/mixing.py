"""A network and an n-gram model read side by side, one symbol at a time, in NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.rule import Scores, Symbols

if TYPE_CHECKING:
    from seqlab.generation.readers import Reader


class FastMixture:
    """What reads with both models of a :class:`seqlab.models.Mixture`.

    Args:
        network: reads with the network.
        ngram: reads with the n-gram model, whose scores are log-probabilities.
        share: of the n-gram model.
    """

    def __init__(self, network: Reader, ngram: Reader, share: float) -> None:
        self.network, self.ngram = network, ngram
        self.log_own, self.log_share = math.log1p(-share), math.log(share)

    def read(self, symbol: Symbols) -> Scores:
        """Read a symbol of each text; return the log-probabilities of the next, (..., V)."""
        scores = self.network.read(symbol)
        greatest = np.maximum.reduce(scores, -1, keepdims=True)
        norm = greatest + np.log(np.add.reduce(np.exp(scores - greatest), -1, keepdims=True))
        mixed: Scores = np.logaddexp(
            scores - norm + self.log_own, self.ngram.read(symbol) + self.log_share, dtype=np.float32
        )
        return mixed

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with chosen rows."""
        self.network.keep(rows)
        self.ngram.keep(rows)
