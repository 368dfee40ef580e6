"""Continual Reber: strings of the embedded grammar one after another, and nothing says where one ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._judging import USUAL, Metric
from seqlab.tasks.languages._reber import (
    SHORTEST,
    SYMBOLS,
    LegalSymbols,
    draw_strings,
    legal_next,
    right_steps,
)

MOST = 1_000_000
"""Symbols of a held-out set in all, unless one sequence has as many."""


class ContinualReber(LegalSymbols):
    """Predict each next symbol of an endless stream of strings B t R t E B t R t E ...

    R is a string of Reber's grammar and t is T or P, as in embedded-reber. A network is never told that a
    string is over: what it remembers of the last one it must throw away by itself, or its cell states grow
    until nothing can be read from them. That is what forget gates were made for.

    A sequence is the first ``length`` symbols of a stream. A step is right where no symbol that is not legal
    scores higher than one that is; ``error_free`` is the mean number of symbols before the first wrong step.

    Args:
        length: symbols of a sequence.

    Source:
        Gers, Schmidhuber & Cummins, "Learning to forget: continual prediction with LSTM", Neural Computation
        12, 2000. There a stream ends at the first error, or after a million symbols.

    >>> from seqlab.tasks.languages._reber import decode
    >>> decode(ContinualReber(length=20).batch("train", 0, size=1, seed=1).inputs[0])
    'BPBTXSEPEBPBPVVEPEBP'
    """

    metrics = (*USUAL["classes"], Metric("error_free", True, (0.0, None), "symbols before the first error"))

    def __init__(self, *, length: Annotated[int, Field(ge=2, le=10_000_000)] = 300) -> None:
        self.length = length
        self.spec = Spec("tokens", len(SYMBOLS), "classes", len(SYMBOLS), causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, length)."""
        each = self.length // SHORTEST + 1  # strings that are enough even if all are short
        strings = draw_strings(numpy_stream(seed, "continual-reber", split, index), size * each)
        is_symbol = strings != PAD
        symbols, counts = strings[is_symbol].astype(np.int64), is_symbol.reshape(size, -1).sum(1)
        steps = (counts.cumsum() - counts)[:, None] + np.arange(self.length)  # (B, length)
        inputs, targets, mask = symbols[steps], symbols[steps + 1], np.ones(steps.shape, bool)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the held-out sequences, as many as make :data:`MOST` symbols, one at least."""
        left = min(sequences, max(1, MOST // self.length))
        at_once = max(1, min(512, 200_000 // self.length))
        for index, start in enumerate(range(0, left, at_once)):
            yield self.batch(split, index, min(at_once, left - start), seed)

    def legal(self, inputs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which symbols may come after each one of streams, (B, T, 7)."""
        return np.stack([_legal_in_a_stream(row) for row in inputs])

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every such task does, and the symbols before the first error."""
        total = super().tally(outputs, batch)
        wrong = ~right_steps(outputs, self.legal(batch.inputs.numpy(force=True)))
        total["error_free"] = int(np.where(wrong.any(1), wrong.argmax(1), wrong.shape[1]).sum())
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures and the mean number of symbols before the first error."""
        return {**super().figures(total), "error_free": total["error_free"] / total["sequences"]}


def _legal_in_a_stream(symbols: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which symbols may come after each one of (T,), string by string: a row for each."""
    begin, end = SYMBOLS.index("B"), SYMBOLS.index("E")
    first = symbols == begin  # of a string: no E stands before the B of Reber's grammar within it
    first[1:] &= symbols[:-1] == end
    string = np.cumsum(first) - 1
    place = np.arange(len(symbols)) - np.flatnonzero(first)[string]
    rows = np.full((string[-1] + 1, place.max() + 1), PAD)
    rows[string, place] = symbols
    legal: NDArray[np.bool_] = legal_next(rows)[string, place]
    legal[~legal.any(1), begin] = True  # behind a whole string
    return legal
