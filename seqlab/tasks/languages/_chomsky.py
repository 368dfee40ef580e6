"""What the tasks of Delétang et al. 2022 share: lengths, empty symbols for the answers, the criterion."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import Trial
from seqlab.tasks._lengths import drawn_lengths

Codes = NDArray[np.int64]

Length = Annotated[int, Field(ge=1, le=10_000)]

NOTHING = -1
"""An answer that does not count."""

LENGTHS = 64
"""Different lengths, at most, on which a model is judged."""


class OfAnyLength(Task):
    """Read a sequence of any length, then empty symbols; the answers are given at those.

        inputs    x(1) ... x(n)  empty ... empty
        targets                  y(1)  ... y(m)

    All sequences of a batch have one length, drawn anew for each batch. Models are judged on every length, or
    on 64 evenly spaced ones, with as many sequences of each. A subclass says what x and y are.

    Args:
        shortest: the least n.
        longest: the greatest n.
        length: n of all sequences, in place of those two; null for lengths that are drawn.

    Attributes:
        letters: the number of symbols of which x is made; the empty symbol is the next.
        classes: the number of different answers.

    Source:
        Delétang et al., "Neural networks and the Chomsky hierarchy", ICLR 2023 (arXiv 2022): trained on
        lengths 1 to 40, judged on 41 to 500 by the mean accuracy over lengths.
    """

    trials = (
        Trial("length-41-to-500", {"shortest": 41, "longest": 500, "length": None}),
        *(Trial(f"length-{length}", {"length": length}) for length in (20, 40, 60, 100, 200, 300, 400, 500)),
    )
    letters: ClassVar[int]
    classes: ClassVar[int]

    def __init__(self, *, shortest: Length = 1, longest: Length = 40, length: Length | None = None) -> None:
        self.lengths, self.drawn = drawn_lengths(shortest, longest, length)
        self.spec = Spec("tokens", self.letters + 1, "classes", self.classes, causal=True)

    @abstractmethod
    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return sequences (B, n) and their answers (B, m), :data:`NOTHING` where none counts.

        Args:
            stream: what is drawn from.
            size: how many.
            length: n, or nearly so where a task has no sequences of every length.
        """

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs, targets and mask (B, n + m)."""
        return self._batch(split, index, size, seed)

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the fixed set: of each length as many sequences, or one more, 512 at a time."""
        low, high = self.lengths
        lengths = np.unique(
            np.linspace(low, high, min(high - low + 1, LENGTHS, sequences)).round().astype(int)
        )
        pieces = [
            (length, min(512, count - start))
            for length, count in zip(lengths.tolist(), _shares(sequences, len(lengths)), strict=True)
            for start in range(0, count, 512)
        ]
        for index, (length, size) in enumerate(pieces):
            yield self._batch(split, index, size, seed, length)

    def _batch(self, split: Split, index: int, size: int, seed: int, length: int | None = None) -> Batch:
        stream = numpy_stream(seed, type(self).__name__, split, index)
        low, high = self.lengths
        drawn = int(stream.integers(low, high + 1))
        x, y = self.draw(stream, size, drawn if length is None else length)
        read, shape = x.shape[1], (size, x.shape[1] + y.shape[1])
        inputs, targets, mask = np.empty(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)
        inputs[:, :read], inputs[:, read:] = x, self.letters
        np.maximum(y, 0, out=targets[:, read:])
        np.not_equal(y, NOTHING, out=mask[:, read:])
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


class Decision(OfAnyLength):
    """One answer, at one empty symbol."""


class Transduction(OfAnyLength):
    """Several answers; the accuracy is the mean over sequences of the share that is right.

    So every length counts the same, as in the paper's criterion, and not the long ones the most.
    """

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and add up the shares that are right."""
        assert batch.mask is not None
        total = super().tally(outputs, batch)
        right = (outputs.argmax(-1) == batch.targets) & batch.mask
        total["shares"] = float((right.sum(1) / batch.mask.sum(1)).sum())  # type: ignore[assignment]
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures, with the accuracy of a sequence in the mean."""
        return {**super().figures(total), "accuracy": total["shares"] / total["sequences"]}


def ended(answers: Codes, counts: Codes, end: int) -> Codes:
    """Return answers (B, m) as they count: so many of each row, then the symbol that ends them, then nothing.

    >>> ended(np.array([[1, 0, 1], [1, 1, 1]]), np.array([2, 0]), end=2)
    array([[ 1,  0,  2],
           [ 2, -1, -1]])
    """
    place, stop = np.arange(answers.shape[1]), counts[:, None]
    return np.where(place < stop, answers, np.where(place == stop, end, NOTHING))


def _shares(number: int, parts: int) -> list[int]:
    """Return a number in whole parts as equal as can be.

    >>> _shares(10, 3)
    [4, 3, 3]
    """
    return [number // parts + (part < number % parts) for part in range(parts)]
