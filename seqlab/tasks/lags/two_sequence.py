"""Two sequences: to which of two classes does a sequence belong, of which the first numbers alone tell?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, MSE, SEQUENCES, Metric

NOISE = 0.2**0.5
"""Standard deviation of the numbers that say nothing: their variance is 0.2."""

_SIGNS = np.array([-1, 1], np.float32)
"""Of the telling numbers of the second class and of the first."""

MEAN_ERROR = Metric("mean_error", False, (0.0, None), "mean absolute error")


@dataclass(frozen=True)
class Level:
    """What makes a level of the task.

    Attributes:
        is_noisy: whether the numbers that tell have noise added to them as that of the others.
        targets: of the second class and of the first.
        target_noise: standard deviation of what is added to the targets of training sequences.
        tolerance: an answer is right when it is nearer to its clean target than this.
    """

    is_noisy: bool
    targets: tuple[float, float]
    target_noise: float
    tolerance: float


LEVELS = {
    "3a": Level(False, (0.0, 1.0), 0.0, 0.2),
    "3b": Level(True, (0.0, 1.0), 0.0, 0.2),
    "3c": Level(True, (0.2, 0.8), 0.1**0.5, 0.1),
}


class TwoSequence(Task):
    """Say at the end to which class a sequence belongs; its first ``telling`` numbers are all 1 or all -1.

    The others are Gaussian with mean 0 and variance 0.2. The length L is uniform in [T, T + T/10]; the rows
    of a batch share one, since features know no padding. The answer at the last step is one number.

    ``3a``: targets 1 and 0. ``3b``: noise as that of the others is added to the telling numbers, too.
    ``3c``: the targets are 0.8 and 0.2, and in training Gaussian noise of variance 0.1 is added to them: the
    network must learn the mean of what it is told. It is judged by the clean targets.

    An answer is right within 0.2 of its target, in ``3c`` within 0.1. Always answering the mean is right
    never.

    Hochreiter & Schmidhuber note that guessing weights at random solves this task in fewer sequences than
    many networks need: it asks for one bit to be kept and no more.

    Args:
        difficulty: the variant.
        length: T, the shortest length in steps.
        telling: N, how many numbers at the beginning tell; of a shorter sequence all.

    Source:
        Bengio, Simard & Frasconi 1994; Hochreiter & Schmidhuber 1997, experiments 3a, 3b, 3c.

    >>> batch = TwoSequence(length=100, telling=3).batch("train", 0, size=2, seed=1)
    >>> batch.inputs[:, :3, 0], batch.targets
    (tensor([[-1., -1., -1.],
            [ 1.,  1.,  1.]]), tensor([0., 1.]))
    """

    packed_by = "two_sequence"
    metrics = (ACCURACY, MSE, MEAN_ERROR, ERRORS, SEQUENCES, LOSS)

    def __init__(
        self,
        *,
        difficulty: Literal["3a", "3b", "3c"] = "3a",
        length: Annotated[int, Field(ge=2, le=100_000)] = 100,
        telling: Annotated[int, Field(ge=1)] = 3,
    ) -> None:
        self.level, self.length, self.telling = LEVELS[difficulty], length, telling
        self._targets = np.array(self.level.targets, np.float64)
        self.spec = Spec("features", 1, "values", 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, L, 1), one number for each row."""
        stream = numpy_stream(seed, "two-sequence", split, index)
        level = self.level
        length = int(stream.integers(self.length, self.length + self.length // 10, endpoint=True))
        first = stream.integers(0, 2, size)  # 1 for the first class
        inputs = NOISE * stream.standard_normal((size, length, 1), dtype=np.float32)
        telling = inputs[:, : self.telling, 0]  # of a shorter sequence all
        signs = _SIGNS.take(first)[:, None]
        telling[...] = (telling + signs) if level.is_noisy else signs
        targets = self._targets.take(first)
        if split == "train" and level.target_noise:
            targets += level.target_noise * stream.standard_normal(size)
        mask = np.zeros((size, length), dtype=bool)
        mask[:, -1] = True
        return Batch(
            torch.from_numpy(inputs), torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(mask)
        )

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield ``sequences`` fresh sequences, 64 at a time, so that many lengths occur."""
        for index, start in enumerate(range(0, sequences, 64)):
            yield self.batch(split, index, min(64, sequences - start), seed)

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say which answers (N, 1) are near enough to their target (N,)."""
        return (selected.squeeze(-1) - targets).abs() < self.level.tolerance

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and how far the answers are from their targets."""
        selected, targets = batch.select(outputs)
        total = super().tally(outputs, batch)
        total["distance"] = float((selected.squeeze(-1) - targets).abs().sum())  # type: ignore[assignment]
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures but for those of whole sequences, and the mean absolute error."""
        figures = super().figures(total)
        del figures["sequence_accuracy"]  # there is one answer a sequence
        return {**figures, "mean_error": total["distance"] / total["targets"]}
