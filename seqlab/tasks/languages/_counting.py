"""Languages of as many of one letter as of the next: which symbols may come next?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Metric, Trial

REACH = Metric("reach", True, (0.0, None), "n up to which all are right")


class CountingLanguage(Task):
    """Read a mark and n of each letter, one after the other, and say at each step what may come next.

    After the mark that is the first letter; among the first letters it is the first or the second; from the
    first second letter on there is one symbol only, in the end the mark again, which is predicted and not
    read. The answer is a bit for each symbol, and a string counts as right where every bit of every step is.

    In training n is drawn evenly from 1 to ``longest``. Models are judged on each n from 1 to ``longest``,
    once: ``reach`` is the n up to which no string is wrong.

    Args:
        longest: the greatest n.

    Attributes:
        letters: how many letters there are.
    """

    metrics = (REACH, SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, LOSS)
    has_test = False
    trials = (Trial("n-to-500", {"longest": 500}),)
    letters: ClassVar[int]

    def __init__(self, *, longest: Annotated[int, Field(ge=1, le=10_000)] = 10) -> None:
        self.longest = longest
        self.symbols = self.answers = (*"abc"[: self.letters], "mark")
        self.spec = Spec("tokens", self.letters + 1, "bits", self.letters + 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and mask (B, T), targets (B, T, letters + 1)."""
        counts = numpy_stream(seed, type(self).__name__, split, index).integers(1, self.longest + 1, size)
        return self._batch(counts)

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield each string once, 128 at a time."""
        for start in range(1, self.longest + 1, 128):
            yield self._batch(np.arange(start, min(start + 128, self.longest + 1)))

    def _batch(self, counts: NDArray[np.int64]) -> Batch:
        lengths = 1 + self.letters * counts
        place = np.arange(lengths.max()) - (lengths.max() - lengths)[:, None]  # of a row's mark it is 0
        letter = (place - 1) // counts[:, None]
        inputs = np.where(place == 0, self.letters, letter)
        inputs[place < 0] = PAD
        after = np.where(place == lengths[:, None] - 1, self.letters, place // counts[:, None])
        legal = after[..., None] == np.arange(self.letters + 1)
        legal[(inputs == 0), :2] = True  # another of the first letters, or the second
        mask = place >= 0
        bits = (legal & mask[..., None]).astype(np.float32)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(bits), torch.from_numpy(mask))

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and which n are wrong."""
        assert batch.mask is not None
        total = super().tally(outputs, batch)
        wrong = ((outputs > 0) != (batch.targets > 0.5)).any(-1) & batch.mask
        counts = (batch.inputs == 0).sum(1)
        total.update(f"wrong {n}" for n in counts[wrong.any(1)].tolist())
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures, and the n up to which all are right."""
        wrong = [int(key.split()[1]) for key in total if key.startswith("wrong ")]
        return {"reach": min(wrong, default=self.longest + 1) - 1, **super().figures(total)}


def allowed(read: Sequence[int], letters: int) -> set[int]:
    """Return what may come after a mark and some letters, by trying every n.

    >>> allowed([2, 0, 0], letters=2), allowed([2, 0, 0, 1], letters=2), allowed([2, 0, 1], letters=2)
    ({0, 1}, {1}, {2})
    """
    found = set()
    for n in range(1, len(read) + 2):
        string = [letters, *np.repeat(range(letters), n).tolist(), letters]
        if string[: len(read)] == list(read):
            found.add(string[len(read)])
    return found
