"""Completing a text up to the next word boundary, as a telephone's keyboard did (NYU 6-3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.readers import TorchReader, read_text
from seqlab.generation.rule import Scores, Symbols, log_softmax
from seqlab.generation.writing import write
from seqlab.models import SequenceModel
from seqlab.text import Vocabulary

BEAM = 48
"""Continuations that are followed at a time."""

LONGEST = 24
"""Symbols of a continuation, at most."""


@dataclass(frozen=True)
class Completion:
    """A way to go on.

    Attributes:
        text: what follows: the rest of a word, or separators and a word.
        log_probability: of writing just this and then a separator, in nats.
    """

    text: str
    log_probability: float

    @property
    def probability(self) -> float:
        """The probability of writing just this and then a separator."""
        return math.exp(self.log_probability)


@dataclass(frozen=True)
class _Open:
    """A continuation that is being followed, by its symbols."""

    symbols: tuple[int, ...]
    log_probability: float
    in_word: bool


def is_word(symbol: str) -> bool:
    r"""Say whether a symbol belongs to a word: letters and digits of any script, apostrophes, underscores.

    So do bytes beyond ASCII, parts of such letters, and words themselves.

    >>> [is_word(symbol) for symbol in [*"a7예'_ -", "\udcec", "e\u0301te"]]
    [True, True, True, True, True, False, False, True, True]
    """
    return symbol[0].isalnum() or symbol in "'_" or "\udc80" <= symbol <= "\udcff"


def complete(
    model: SequenceModel,
    vocabulary: Vocabulary,
    text: NDArray[np.integer],
    *,
    count: int = 3,
    beam: int = BEAM,
    longest: int = LONGEST,
) -> list[Completion]:
    """Return the likeliest continuations to the next word boundary, by beam search.

    A continuation is separators (none or some), then a word's symbols (at least one), up to where a separator
    would come: its probability is that of its symbols times that of any separator after them.

    Since going on never makes anything likelier, the search ends once ``count`` continuations are found that
    are at least as likely as all that are still open; within the beam the result is exact.

    Args:
        model: a trained language model; put into evaluation mode.
        vocabulary: its symbols.
        text: (T,) symbols so far, at least one.
        count: continuations wanted.
        beam: continuations followed at a time.
        longest: symbols of a continuation, at most.

    Returns:
        At most ``count`` continuations, the likeliest first.
    """
    words = np.array([is_word(symbol) for symbol in vocabulary.symbols])
    model.eval()
    first, state = read_text(model, text)
    reader, scores = TorchReader(model, state, 1), first.float().cpu().numpy()[None]  # which takes any rows
    rule = _ToBoundary(words, count, beam, longest)
    for _ in write(reader, scores, rule):
        pass
    return [Completion(vocabulary.decode(one.symbols), one.log_probability) for one in rule.found]


class _ToBoundary:
    """The rule: the likeliest continuations that end before a separator.

    Args:
        words: of each symbol whether it belongs to a word, (V,).
        count: continuations wanted.
        beam: continuations followed at a time, at most, each a row of the reader.
        longest: symbols of a continuation, at most.

    Attributes:
        found: the likeliest so far.
    """

    def __init__(self, words: NDArray[np.bool_], count: int, beam: int, longest: int) -> None:
        self.words, self.count, self.beam, self.longest = words, count, beam, longest
        self.opened = [_Open((), 0.0, in_word=False)]
        self.rows: NDArray[np.integer] | None = None
        self.found: list[_Open] = []

    def choose(self, scores: Scores) -> Symbols | None:
        """Note what ends here, and go on with the likeliest of the others."""
        if len(self.opened[0].symbols) == self.longest:
            return None
        words, opened = self.words, self.opened
        total = log_softmax(scores) + np.array([[one.log_probability] for one in opened])
        for one, row in zip(opened, total, strict=True):
            if one.in_word and not words.all():
                self.found.append(_Open(one.symbols, float(np.logaddexp.reduce(row[~words])), in_word=True))
        self.found = sorted(self.found, key=lambda one: -one.log_probability)[: self.count]
        followed = np.array([one.in_word for one in opened])[:, None]
        total[followed & ~words] = -np.inf  # there it ended
        likeliest = np.argsort(-total, axis=None, kind="stable")[: self.beam]
        if len(self.found) == self.count:
            likeliest = likeliest[total.ravel()[likeliest] > self.found[-1].log_probability]
        likeliest = likeliest[np.isfinite(total.ravel()[likeliest])]
        if len(likeliest) == 0:
            return None
        rows, symbols = np.unravel_index(likeliest, total.shape)
        self.opened = [
            _Open((*opened[row].symbols, int(symbol)), float(total[row, symbol]), bool(words[symbol]))
            for row, symbol in zip(rows, symbols, strict=True)
        ]
        self.rows = rows
        chosen: Symbols = symbols
        return chosen
