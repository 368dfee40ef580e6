"""Completing a text up to the next word boundary, as a telephone's keyboard did (NYU 6-3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.generation.writing import read_text
from seqlab.models import SequenceModel, State
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
    model.eval()
    words = np.array([is_word(symbol) for symbol in vocabulary.symbols])
    scores, state = read_text(model, text)
    logs = _log_softmax(scores[None])  # (N, V) for N open continuations
    opened = [_Open((), 0.0, in_word=False)]
    found: list[Completion] = []
    for _ in range(longest):
        total = logs + np.array([[one.log_probability] for one in opened])
        for one, row in zip(opened, total, strict=True):
            if one.in_word and not words.all():
                log_probability = float(np.logaddexp.reduce(row[~words]))
                found.append(Completion(vocabulary.decode(one.symbols), log_probability))
        found = sorted(found, key=lambda one: -one.log_probability)[:count]
        followed = np.array([one.in_word for one in opened])[:, None]
        total[followed & ~words] = -np.inf  # there it ended
        likeliest = np.argsort(-total, axis=None, kind="stable")[:beam]
        if len(found) == count:
            likeliest = likeliest[total.ravel()[likeliest] > found[-1].log_probability]
        likeliest = likeliest[np.isfinite(total.ravel()[likeliest])]
        if len(likeliest) == 0:
            break
        rows, symbols = np.unravel_index(likeliest, total.shape)
        opened = [
            _Open((*opened[row].symbols, int(symbol)), float(total[row, symbol]), bool(words[symbol]))
            for row, symbol in zip(rows, symbols, strict=True)
        ]
        logs, state = _read(model, state, rows, symbols)
    return found


@torch.no_grad()
def _read(
    model: SequenceModel, state: State, rows: NDArray[np.intp], symbols: NDArray[np.intp]
) -> tuple[NDArray[np.float64], State]:
    """Read a symbol in each of the states of the given rows."""
    device = next(model.parameters()).device
    chosen = torch.from_numpy(rows).to(device)
    state = tuple(tuple(part[chosen] for part in parts) for parts in state)
    outputs, state = model(torch.from_numpy(symbols).to(device)[:, None], state)
    return _log_softmax(outputs[:, -1]), state


def _log_softmax(scores: torch.Tensor) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = scores.double().log_softmax(-1).cpu().numpy()
    return logs
