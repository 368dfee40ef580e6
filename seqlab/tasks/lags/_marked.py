"""Pairs of a value and a marker, two of them marked: what adding and multiplication are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import Batch, Split
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, MSE, SEQUENCES

TOLERANCE = 0.04
"""An answer is right when it is nearer to the target than this."""

FIRST_MARK = 10
"""Hochreiter & Schmidhuber mark one of so many pairs first."""


def marked_pairs(
    stream: np.random.Generator, shortest: int, size: int, low: int, instead: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return sequences of pairs as in experiments 4 and 5 of 1997, (B, L, 2), and the marked values, (2, B).

    Values are uniform in [low, 1). L is uniform in [T, T + T/10]. The marker is 1 at one of the first 10
    pairs and at one of the first T/2 - 1 others, -1 at the first and the last pair, 0 elsewhere. Where the
    first pair is drawn, its marker stays -1.

    Args:
        stream: to draw from.
        shortest: T.
        size: B.
        low: the least value.
        instead: what counts as the value of the first pair.
    """
    length = int(stream.integers(shortest, shortest + shortest // 10, endpoint=True))
    inputs = np.zeros((size, length, 2), dtype=np.float32)
    inputs[..., 0] = low + (1 - low) * stream.random((size, length), dtype=np.float32)
    first = stream.integers(0, FIRST_MARK, size)
    second = stream.integers(0, shortest // 2 - 1, size)
    second += second >= first  # the place among those still unmarked
    rows, marked = np.arange(size), np.array([first, second])
    inputs[rows, marked, 1] = 1
    inputs[:, :: length - 1, 1] = -1  # the first and the last
    values = inputs[rows, marked, 0]
    values[marked == 0] = instead
    return inputs, values


class MarkedPairs(Task):
    """A task that asks at the last step for a number which the two marked values make.

    The rows of a batch share one length, since features know no padding; a held-out set is made of small
    batches, so that it holds many lengths.
    """

    metrics = (MSE, ACCURACY, ERRORS, SEQUENCES, LOSS)

    @abstractmethod
    def draw(
        self, split: Split, index: int, size: int, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the pairs of batch number ``index``, (B, L, 2), and the target of each row, (B,)."""

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, L, 2), one float target for each row."""
        inputs, targets = self.draw(split, index, size, seed)
        mask = np.zeros(inputs.shape[:2], dtype=bool)
        mask[:, -1] = True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield ``sequences`` fresh sequences, 64 at a time, so that many lengths occur."""
        for index, start in enumerate(range(0, sequences, 64)):
            yield self.batch(split, index, min(64, sequences - start), seed)

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say which answers (N, 1) are nearer to their target (N,) than :data:`TOLERANCE`."""
        return (selected.squeeze(-1) - targets).abs() < TOLERANCE

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures; that of whole sequences is the accuracy, since each has one answer."""
        figures = super().figures(total)
        return {name: figures[name] for name in ("loss", "mse", "accuracy", "errors", "sequences")}
