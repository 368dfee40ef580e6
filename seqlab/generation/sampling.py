"""The rule of sampling: the next symbol is drawn from the model's distribution."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import numpy_stream
from seqlab.errors import RunFailedError, UsageError
from seqlab.generation.repetition import penalised
from seqlab.generation.rule import Scores, Symbols

_DRAWS = 1024
"""Numbers of a stream that are drawn ahead."""


@dataclass(frozen=True)
class Sampling:
    """How text is written.

    The scores o are divided by the temperature T and made probabilities (CS231n-10):

        p(k) = exp(o_k / T) / sum_j exp(o_j / T)

    What is unlikely may then be cut off: first all but the ``top_k`` likeliest symbols; of these, all but the
    fewest that together hold the share ``top_p`` (Holtzman et al. 2020); of these, what has less than
    ``min_p`` times the probability of the likeliest (Nguyen et al. 2024). Of equally likely symbols the one
    with the smaller number goes first. Before all this, what has been written already may be made less likely
    (:func:`seqlab.generation.repetition.penalised`).

    Attributes:
        length: symbols to write, at most.
        temperature: below 1 safer, above 1 wilder; 0 takes the likeliest symbol always.
        seed: of the draws.
        top_k: symbols kept; None for all.
        top_p: share of the probability that is kept.
        min_p: least probability kept, as a share of the greatest.
        repetition_penalty: by which the scores of symbols are worse that were written already; 1 for none.

    Raises:
        UsageError: naming the setting and what it may be.
    """

    length: int = 400
    temperature: float = 0.8
    seed: int = 1
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        temperature = self.temperature
        _require(self.length >= 0, "length", self.length, "a whole number of symbols, 0 or more")
        _require(
            temperature == 0 or 0.001 <= temperature <= 1000,
            "temperature",
            temperature,
            "0, which takes the likeliest symbol always, or a number from 0.001 to 1000",
        )
        _require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")
        _require(self.top_k is None or self.top_k >= 1, "top-k", self.top_k, "a whole number, 1 or more")
        _require(0 < self.top_p <= 1, "top-p", self.top_p, "a share greater than 0 and at most 1")
        _require(0 <= self.min_p <= 1, "min-p", self.min_p, "a share from 0 to 1")
        penalty = self.repetition_penalty
        _require(1 <= penalty <= 100, "repetition-penalty", penalty, "a number from 1, which is none, to 100")

    @property
    def truncates(self) -> bool:
        """Whether anything is cut off."""
        return self.top_k is not None or self.top_p < 1 or self.min_p > 0


class Drawing:
    """The rule: texts that are drawn, each from the random stream of (seed, its number).

    Args:
        sampling: length, temperature and so on.
        indices: the numbers of the texts, a row each; a reader of one text has one.
        stop: symbols after which a text ends, once they have been written in this order.

    Attributes:
        lengths: of each text, as far as that is known; (rows,).
        over: whether every text has ended with ``stop``.
    """

    rows: NDArray[np.integer] | None = None

    def __init__(self, sampling: Sampling, indices: Sequence[int], stop: Sequence[int] = ()) -> None:
        self.sampling, self.stop, self.step = sampling, list(stop), 0
        self.draws = _Draws(sampling.seed, indices)
        self.latest: deque[Symbols] = deque(maxlen=len(self.stop))
        self.lengths, self.over = np.full(len(indices), sampling.length), False
        self.written: NDArray[np.bool_] | None = None

    def choose(self, scores: Scores) -> Symbols | None:
        """Draw a symbol of each text."""
        if self.step == self.sampling.length or self.over:
            return None
        uniform = self.draws.next()
        if self.sampling.repetition_penalty != 1:
            scores = self._penalised(scores)
        symbols = choose(scores, uniform if scores.ndim > 1 else uniform[0], self.sampling)
        self.step += 1
        if self.written is not None:
            np.put_along_axis(self.written, np.asarray(symbols)[..., None], True, -1)
        if self.stop:
            self._look_for_stop(symbols)
        return symbols

    def _penalised(self, scores: Scores) -> Scores:
        if self.written is None:
            self.written = np.zeros(scores.shape, bool)
        return penalised(scores, self.written, self.sampling.repetition_penalty)

    def _look_for_stop(self, symbols: Symbols) -> None:
        self.latest.append(symbols)
        if len(self.latest) == len(self.stop):
            ended = np.all([now == then for now, then in zip(self.latest, self.stop, strict=True)], 0)
            self.lengths = np.where(ended, np.minimum(self.lengths, self.step), self.lengths)
            self.over = bool((self.lengths <= self.step).all())


class _Draws:
    """The uniform numbers in (0, 1] of several streams, drawn ahead."""

    def __init__(self, seed: int, indices: Sequence[int]) -> None:
        self.streams = [numpy_stream(seed, "sampling", index) for index in indices]
        self.taken = _DRAWS

    def next(self) -> NDArray[np.float64]:
        """Return the next number of each stream."""
        if self.taken == _DRAWS:
            self.numbers = 1 - np.stack([stream.random(_DRAWS) for stream in self.streams], 1)
            self.taken = 0
        self.taken += 1
        numbers: NDArray[np.float64] = self.numbers[self.taken - 1]
        return numbers


def choose(scores: Scores, uniform: NDArray[np.float64] | float, sampling: Sampling) -> Symbols:
    """Choose symbols from scores.

    Args:
        scores: (..., V) the model's outputs.
        uniform: (...) a number for each choice, uniform in (0, 1]; the symbol is the first at which the
            cumulated probability reaches it.
        sampling: how.

    Returns:
        (...) symbols; one that was cut off, or that has no probability, is never chosen.

    Raises:
        RunFailedError: when the scores are not finite.

    >>> int(choose(np.array([0.0, 3.0, 1.0]), 0.99, Sampling(temperature=0)))
    1
    >>> int(choose(np.log([0.2, 0.3, 0.5]), 0.4, Sampling(temperature=1)))
    1
    """
    share = shares(scores, sampling)
    if sampling.temperature == 0:
        return np.asarray(share.argmax(-1))
    cumulative = np.add.accumulate(share, -1)
    wanted = uniform * cumulative[..., -1]
    if share.ndim == 1:
        return cumulative.searchsorted(wanted)
    symbols: Symbols = np.count_nonzero(cumulative < wanted[..., None], axis=-1)
    return symbols


def shares(scores: Scores, sampling: Sampling) -> NDArray[np.float64]:
    """Return the shares of the symbols in a draw, the likeliest's being 1: (..., V) to (..., V).

    >>> shares(np.log([0.5, 0.2, 0.3]), Sampling(temperature=1, top_k=2)).round(2)
    array([1. , 0. , 0.6])
    """
    share = scores.astype(np.float64)
    greatest = np.maximum.reduce(share, -1, keepdims=True)  # half the time of share.max
    if not math.isfinite(np.add.reduce(greatest, None)):
        raise not_finite()
    share -= greatest
    if sampling.temperature == 0:
        return np.where(share == 0, 1.0, 0.0)
    if sampling.temperature != 1:
        share /= sampling.temperature
    np.exp(share, out=share)
    if sampling.truncates:
        _truncate(share, sampling)
    return share


def not_finite() -> RunFailedError:
    """Return the error that says that there is nothing to draw from."""
    return RunFailedError(
        "The model's scores are not finite; no text can be drawn from them.",
        hint="Did its training diverge? Another checkpoint may do: --checkpoint best or last.",
    )


def _truncate(share: NDArray[np.float64], sampling: Sampling) -> None:
    """Set to 0 what is cut off: in descending order, all behind some place."""
    order = np.argsort(-share, axis=-1, kind="stable")
    ranked = np.take_along_axis(share, order, -1)
    if sampling.top_k is not None:
        ranked[..., sampling.top_k :] = 0
    mass = ranked.cumsum(-1)
    ranked[mass - ranked >= sampling.top_p * mass[..., -1:]] = 0  # what stands before it is enough
    ranked[ranked < sampling.min_p * ranked[..., :1]] = 0
    np.put_along_axis(share, order, ranked, -1)


def _require(fulfilled: bool, name: str, value: float | None, allowed: str) -> None:
    if not fulfilled or (value is not None and not math.isfinite(value)):
        raise UsageError(f"{name} is {value}.", hint=f"It must be {allowed}.")
