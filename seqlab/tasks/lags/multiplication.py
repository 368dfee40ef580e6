"""Multiplication: the product of the two marked numbers in a long sequence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, MSE, SEQUENCES
from seqlab.tasks.lags._marked import marked_pairs

TOLERANCE = 0.04
"""An answer is right when it is nearer to the target than this."""


class Multiplication(Task):
    """Multiply two numbers that stand far apart, told by markers among many that do not count.

    Each step shows a pair (value, marker), as in adding; values are uniform in [0, 1]. The target, at the
    last step, is X1 X2 for the marked values. Where the first pair is drawn, its marker stays -1 and it
    counts as 1. The cells of an LSTM add up; here they must come to a product.

    An answer is right within 0.04.

    Args:
        length: T, the shortest length in steps; the rows of a batch share one length, up to T + T/10.

    Source:
        Hochreiter & Schmidhuber 1997, experiment 5.
    """

    metrics = (MSE, ACCURACY, ERRORS, SEQUENCES, LOSS)

    def __init__(self, *, length: Annotated[int, Field(ge=20, le=100_000)] = 100) -> None:
        self.length = length
        self.spec = Spec("features", 2, "values", 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, L, 2), one float target for each row."""
        inputs = marked_pairs(numpy_stream(seed, "multiplication", split, index), self.length, size)
        targets = np.where(inputs[..., 1] == 1, inputs[..., 0], np.float32(1)).prod(1)
        mask = np.zeros(inputs.shape[:2], dtype=bool)
        mask[:, -1] = True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield ``sequences`` fresh sequences, 64 at a time, so that many lengths occur."""
        for index, start in enumerate(range(0, sequences, 64)):
            yield self.batch(split, index, min(64, sequences - start), seed)

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say which answers (N, 1) are nearer to their target (N,) than 0.04."""
        return (selected.squeeze(-1) - targets).abs() < TOLERANCE

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the mean squared error (it is the loss), accuracy, errors and sequences."""
        figures = super().figures(total)
        del figures["sequence_accuracy"]  # there is one answer a sequence
        return figures


def answer(values: Sequence[float], markers: Sequence[float]) -> float:
    """Return the target of one sequence, by reading it.

    >>> answer([0.1, 0.5, 0.9, 0.4, 0.3], [-1, 1, 0, 1, -1])
    0.2
    """
    product = 1.0
    for value, marker in zip(values, markers, strict=True):
        if marker == 1:
            product *= value
    return product
