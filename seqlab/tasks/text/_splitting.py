"""What of a text is for training and what is held out, and whether the two parts are alike."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import numpy_stream
from seqlab.errors import TextError
from seqlab.tasks.text._pieces import beginnings
from seqlab.text import Vocabulary
from seqlab.text.encoded import TRAINING_SHARE
from seqlab.text.reading import DOCUMENT
from seqlab.text.vocabulary import Codes

SplitBy = Literal["position", "line", "document"]

FEWEST = 10
"""Lines or documents that a text must have to be split by them."""

DIFFERENT = 0.2
"""Cramér's V from which two parts are called different: between a small and a medium effect (Cohen 1988)."""

EXPECTED = 5
"""Occurrences that a symbol must be expected to have in the held-out part to be counted by itself."""

_COUNTED_AT_ONCE = 1 << 22


def split(codes: Codes, vocabulary: Vocabulary, by: SplitBy) -> tuple[Codes, Codes]:
    """Return the part of a text to train on and the part that is held out, both in the text's order.

    Split by position, the last tenth is held out; by lines or documents, as many of these as make a tenth,
    drawn at random, the same whatever the seed of a run.

    Raises:
        TextError: when there are too few lines or documents to choose from.
    """
    if by == "position":
        cut = int(TRAINING_SHARE * len(codes))
        return codes[:cut], codes[cut:]
    mark = DOCUMENT if by == "document" else "\n"
    number = int(vocabulary.encode(mark)[0]) if mark in vocabulary else -1
    if by == "document":
        places = beginnings(codes, number)
    else:
        ends = np.flatnonzero(codes == number) + 1
        places = np.unique(np.concatenate([[0], ends, [len(codes)]]))
    lengths = np.diff(places)
    if len(lengths) < FEWEST:
        hint = "Set task.split_by=position."
        if by == "document":
            hint = f"Give a folder of files, with task.documents=marked; or: {hint}"
        raise TextError(
            f"To be split by {by}s a text must have {FEWEST} of them; this one has {len(lengths)}.", hint=hint
        )
    order = numpy_stream(0, "char-lm", "split").permutation(len(lengths))
    wanted = len(codes) - int(TRAINING_SHARE * len(codes))
    enough = int(np.searchsorted(np.cumsum(lengths[order]), wanted)) + 1
    held_out = np.zeros(len(lengths), bool)
    held_out[order[:enough]] = True
    there = np.repeat(held_out, lengths)
    return codes[~there], codes[there]


def difference(training: Codes, held_out: Codes, vocabulary: Vocabulary) -> str | None:
    """Say in a sentence how the two parts of a text differ in their symbols; None where they are alike.

    It is the chi-squared test of homogeneity, with what is expected fewer than :data:`EXPECTED` times in the
    held-out part taken together. The symbols of a text depend on one another, so that of any long text some
    difference is significant; what is reported is one of a size that matters, by Cramér's V with the
    correction of Bergsma (2013).
    """
    counts = np.stack([_count(part, len(vocabulary)) for part in (training, held_out)]).astype(float)
    total = counts.sum()
    expected = counts.sum(0) * (counts[1].sum() / total)
    frequent = expected >= EXPECTED
    grouped = np.concatenate([counts[:, frequent], counts[:, ~frequent].sum(1, keepdims=True)], 1)
    grouped = grouped[:, grouped.sum(0) > 0]
    freedom = grouped.shape[1] - 1
    if freedom < 1:
        return None
    ideal = grouped.sum(1, keepdims=True) * grouped.sum(0) / total
    statistic = float(((grouped - ideal) ** 2 / ideal).sum())
    size = math.sqrt(max(0.0, statistic / total - freedom / (total - 1)))
    if size < DIFFERENT:
        return None
    from scipy.special import chdtrc

    p = max(float(chdtrc(freedom, statistic)), 1e-300)
    surplus = counts[1] / counts[1].sum() - counts[0] / counts[0].sum()
    most = [repr(vocabulary.symbols[number]) for number in np.argsort(-surplus, kind="stable")[:3]]
    return (
        f"The held-out part differs from the training part in its symbols (Cramér's V = {size:.2f}, "
        f"chi-squared p {f'= {p:.2g}' if p >= 0.001 else '< 0.001'}): it has more of {', '.join(most)}."
    )


def _count(codes: Codes, symbols: int) -> NDArray[np.int64]:
    """Count symbols, of a long text piece by piece, since what is counted is copied."""
    total = np.zeros(symbols, np.int64)
    for first in range(0, len(codes), _COUNTED_AT_ONCE):
        total += np.bincount(codes[first : first + _COUNTED_AT_ONCE], minlength=symbols)
    return total
