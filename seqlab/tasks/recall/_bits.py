"""What tasks whose answers are vectors of bits share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from seqlab.contracts import Batch, Split
from seqlab.tasks._base import Task
from seqlab.tasks._judging import USUAL, Metric

TOGETHER = 16
"""Held-out sequences of a batch: its rows share a length, of which the set shall hold many."""


class Bits(Task):
    """A task whose answers are vectors of bits.

    ``bits`` is what a sequence costs in the mean, the cross-entropy of all its bits, as Graves et al. draw
    it; ``wrong_bits`` is how many of them are wrong.
    """

    metrics = (
        Metric("bits", False, (0.0, None), "bits of a sequence"),
        Metric("wrong_bits", False, (0.0, None), "wrong bits of a sequence"),
        *USUAL["bits"],
    )

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield ``sequences`` fresh sequences, :data:`TOGETHER` at a time, so that many lengths occur."""
        for index, start in enumerate(range(0, sequences, TOGETHER)):
            yield self.batch(split, index, min(TOGETHER, sequences - start), seed)

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return what the class says, and the usual figures."""
        sequences = total["sequences"]
        return {
            "bits": total["loss"] / math.log(2) / sequences,
            "wrong_bits": (total["targets"] - total["correct"]) / sequences,
            **super().figures(total),
        }
