"""Induction heads: what came after the mark the first time? It is asked for when the mark comes again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task

AT_ONCE = 1 << 17
"""Symbols of a batch of a held-out set, unless one sequence has as many."""


class InductionHeads(Task):
    """Say which symbol came after the mark, when the mark comes for the second time.

    A sequence is random symbols, 0 to S - 1; the mark S stands at one random place and again at the end,
    where the answer is asked for. Whoever solves it on sequences longer than those of training has learned to
    look up, not to count.

    Args:
        length: steps of a sequence.
        symbols: S, how many different ones there are beside the mark.

    Source:
        Olsson et al. 2022; in this form Gu & Dao, "Mamba", 2023: trained at ``length`` 256 and judged at 64
        to 1,048,576.

    >>> batch = InductionHeads(length=8).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, batch.targets
    (tensor([[ 9,  9, 13, 16,  4, 14,  3, 16]]), tensor([4]))
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=3, le=2_000_000)] = 256,
        symbols: Annotated[int, Field(ge=2, le=10_000)] = 16,
    ) -> None:
        self.length, self.alphabet = length, symbols
        self.spec = Spec("tokens", symbols + 1, "classes", symbols, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, length), one class for each row."""
        stream = numpy_stream(seed, "induction-heads", split, index)
        rows = np.arange(size)
        inputs = stream.integers(0, self.alphabet, (size, self.length))
        place = stream.integers(0, self.length - 2, size)
        inputs[rows, place] = inputs[:, -1] = self.alphabet
        mask = np.zeros(inputs.shape, dtype=bool)
        mask[:, -1] = True
        targets = torch.from_numpy(inputs[rows, place + 1].copy())
        return Batch(torch.from_numpy(inputs), targets, torch.from_numpy(mask))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield ``sequences`` fresh sequences, the fewer at a time the longer they are."""
        size = max(1, min(512, AT_ONCE // self.length))
        for index, start in enumerate(range(0, sequences, size)):
            yield self.batch(split, index, min(size, sequences - start), seed)


def look_up(inputs: Sequence[int], symbols: int) -> int:
    """Return the answer of a sequence, by reading it.

    >>> look_up([3, 1, 16, 5, 2, 16], symbols=16)
    5
    """
    return inputs[list(inputs).index(symbols) + 1]
