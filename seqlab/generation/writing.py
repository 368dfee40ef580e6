"""Writing, symbol by symbol: one loop, in which a reader scores what comes next and a rule chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seqlab.generation.readers import Reader, open_reader
from seqlab.generation.rule import Rule, Scores, Symbols
from seqlab.generation.sampling import Drawing, Sampling
from seqlab.models import SequenceModel

AT_ONCE = 128
"""Texts that are written side by side, at most."""


def write(reader: Reader, scores: Scores, rule: Rule) -> Iterator[Symbols]:
    """Let a rule write until it ends.

    Args:
        reader: has read what came before.
        scores: of the first symbol, (..., V).
        rule: chooses.

    Yields:
        The symbols chosen at each step, (...).
    """
    while (symbols := rule.choose(scores)) is not None:
        yield symbols
        if rule.rows is not None:
            reader.keep(rule.rows)
        scores = reader.read(symbols)


def generate(
    model: SequenceModel, prime: Symbols, sampling: Sampling, *, stop: Sequence[int] = (), index: int = 0
) -> Iterator[int]:
    """Write symbols that go on from ``prime``.

    The prime is read from the start state; then symbols are drawn and read in turn. One uniform number is
    drawn for each symbol, from the stream of (seed, index), so that the n-th symbol depends on these and on
    the text before it alone.

    Args:
        model: a trained language model; put into evaluation mode.
        prime: (P,) the symbols to begin with, at least one.
        sampling: length, temperature and so on.
        stop: symbols after which the text ends, once they have been written in this order.
        index: which of the texts of that seed.

    Yields:
        The symbols after the prime.
    """
    reader, scores = open_reader(model, prime)
    return map(int, write(reader, scores, Drawing(sampling, [index], stop)))


def generate_many(
    model: SequenceModel, prime: Symbols, sampling: Sampling, count: int, *, stop: Sequence[int] = ()
) -> list[NDArray[np.int64]]:
    """Write several texts side by side; number i is what :func:`generate` writes with ``index=i``.

    The random numbers are the same. The sums of many rows are taken in another order than those of one, so
    scores differ by rounding, and a draw that falls on the very border of two symbols (about one in a
    million) may fall on the other side.
    """
    texts: list[NDArray[np.int64]] = []
    for first in range(0, count, AT_ONCE):
        indices = range(first, min(count, first + AT_ONCE))
        reader, scores = open_reader(model, prime, len(indices))
        rule = Drawing(sampling, indices, stop)
        steps = list(write(reader, scores, rule))
        rows = np.stack(steps, 1) if steps else np.zeros((len(indices), 0), np.int64)
        texts += [row[:length] for row, length in zip(rows, rule.lengths, strict=True)]
    return texts
