"""Selective copy: pick a few symbols out of many blanks, then say them again in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task


class SelectiveCopy(Task):
    """Remember the ``recall`` symbols that stand at random places among blanks, then say them in order.

        inputs    blank s(1) blank blank s(2) ... s(K) blank    ask x K
        targets                                                 s(1) ... s(K)

    In copy, symbols stand side by side, and counting steps is enough to tell them apart. Here what is read
    must decide what is written to memory. Symbols are tokens 0 to S - 1, the blank is S, the question S + 1.

    Args:
        length: steps before the questions, in which the symbols stand.
        symbols: S, how many different ones there are.
        recall: K, how many are to be said again.

    Source:
        Jing et al. 2019; Gu & Dao, "Mamba", 2023, with ``length`` 4096, 16 symbols to say again.

    >>> batch = SelectiveCopy(length=6, symbols=8, recall=2).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, batch.targets[:, -2:]
    (tensor([[8, 2, 8, 1, 8, 8, 9, 9]]), tensor([[2, 1]]))
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=1, le=1_000_000)] = 32,
        symbols: Annotated[int, Field(ge=2, le=10_000)] = 8,
        recall: Annotated[int, Field(ge=1, le=1_000)] = 4,
    ) -> None:
        if recall > length:
            raise SettingsError(
                f"task.recall is {recall}, and task.length only {length}.",
                hint="At most one symbol stands at each step: take a greater task.length.",
            )
        self.length, self.alphabet, self.recall = length, symbols, recall
        self.spec = Spec("tokens", symbols + 2, "classes", symbols, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, length + recall)."""
        stream = numpy_stream(seed, "selective-copy", split, index)
        wanted = stream.integers(0, self.alphabet, (size, self.recall))
        drawn = stream.random((size, self.length), np.float32).argpartition(self.recall - 1, 1)
        places = np.sort(drawn[:, : self.recall], 1)
        inputs = np.full((size, self.length + self.recall), self.alphabet, dtype=np.int64)
        np.put_along_axis(inputs, places, wanted, 1)
        inputs[:, self.length :] = self.alphabet + 1
        targets, mask = np.zeros_like(inputs), np.zeros(inputs.shape, dtype=bool)
        targets[:, self.length :], mask[:, self.length :] = wanted, True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


def pick(inputs: Sequence[int], symbols: int) -> list[int]:
    """Return the answers of a sequence, by reading it.

    >>> pick([8, 5, 8, 1, 9, 9], symbols=8)
    [5, 1]
    """
    memory, answers = [], []
    for token in inputs:
        if token < symbols:
            memory.append(token)
        elif token == symbols + 1:
            answers.append(memory.pop(0))
    return answers
