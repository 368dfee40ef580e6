"""The rule of beam search: of all ways to go on, the likeliest few are followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.greedy import up_to
from seqlab.generation.rule import Scores, Symbols, log_softmax


@dataclass(frozen=True)
class Hypothesis:
    """An answer that a beam has come to.

    Attributes:
        symbols: up to the end, which is the last one, if it was written.
        log_probability: of writing them, in nats.
        score: by which hypotheses are ranked.
    """

    symbols: NDArray[np.int64]
    log_probability: float
    score: float


class Beam:
    """Write answers side by side, each by a beam of so many hypotheses.

    Hypotheses are ranked by log p / length^normalise (Graves 2012; Wu et al. 2016): with 0 by their
    probability, which favours short ones; with 1 by the mean over their symbols. Where the beam is as wide
    as there are answers, the best of all is found.

    Args:
        answers: how many; the reader has ``width`` rows for each, alike at the start.
        width: of the beam.
        end: the symbol with which an answer ends.
        longest: symbols of an answer, the end included.
        normalise: the exponent of the length.
    """

    def __init__(self, answers: int, width: int, end: int, longest: int, *, normalise: float = 0.0) -> None:
        self.end, self.longest, self.normalise = end, longest, normalise
        self.total = np.full((answers, width), -np.inf)  # log-probabilities
        self.total[:, 0] = 0  # the rows of an answer are alike at first: all but one would repeat it
        self.over = np.zeros((answers, width), bool)
        self.rows: NDArray[np.integer] | None = None
        self.written = np.zeros((answers, width, 0), np.int64)

    def choose(self, scores: Scores) -> Symbols | None:
        """Follow the likeliest of all ways to go on; a hypothesis that has ended stays as it is."""
        if self.written.shape[2] == self.longest or self.over.all():
            return None
        answers, width = self.total.shape
        logs = log_softmax(scores).reshape(answers, width, -1)
        symbols = logs.shape[2]
        logs[self.over] = -np.inf
        logs[self.over, self.end] = 0
        logs += self.total[..., None]
        total = logs.reshape(answers, -1)
        best = _greatest(total, width)
        row, symbol = np.divmod(best, symbols)
        of = np.arange(answers)[:, None]
        self.total = total[of, best]
        self.written = np.concatenate([self.written[of, row], symbol[..., None]], 2)
        self.over = self.over[of, row] | (symbol == self.end)
        self.rows = (row + of * width).ravel()
        chosen: Symbols = symbol.ravel()
        return chosen

    def hypotheses(self) -> list[list[Hypothesis]]:
        """Return for each answer what the beam has come to, the best first."""
        found = []
        for rows, totals in zip(self.written, self.total, strict=True):
            texts = [up_to(row, self.end) for row in rows]
            ranked = [
                Hypothesis(text, float(total), float(total) / max(len(text), 1) ** self.normalise)
                for text, total in zip(texts, totals, strict=True)
                if np.isfinite(total)
            ]
            found.append(sorted(ranked, key=lambda one: -one.score))
        return found


def _greatest(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Return where the greatest values of each row lie, (rows, count), the greatest first.

    >>> _greatest(np.array([[0.1, 0.5, 0.4, 0.5]]), 3)
    array([[1, 3, 2]])
    """
    found = np.sort(np.argpartition(values, -count, axis=1)[:, -count:], axis=1)  # no sort of all: far faster
    order = np.argsort(-np.take_along_axis(values, found, 1), axis=1, kind="stable")
    return np.take_along_axis(found, order, 1)
