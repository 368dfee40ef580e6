"""Adding: the sum of the two marked numbers in a long sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import Spec, Split, numpy_stream
from seqlab.tasks.lags._marked import MarkedPairs, marked_pairs

Variant = Literal["hochreiter", "le"]
Pairs = tuple[NDArray[np.float32], NDArray[np.float32]]


class Adding(MarkedPairs):
    """Add two numbers that stand far apart, told by markers among many that do not count.

    Each step shows a pair (value, marker). The answer is asked for at the last step.

    ``hochreiter`` (experiment 4 of 1997): values are uniform in [-1, 1], the length L in [T, T + T/10].
    The marker is 1 at one of the first 10 pairs and at one of the first T/2 - 1 others, -1 at the first
    and the last pair, 0 elsewhere. The target is 0.5 + (X1 + X2) / 4 for the marked values X1 and X2.
    Where the first pair is drawn, its marker stays -1 and it counts as 0. Always answering 0.5 has a mean
    squared error of about 0.039.

    ``le`` (Le, Jaitly & Hinton 2015; Arjovsky, Shah & Bengio 2016): values are uniform in [0, 1], L = T,
    one pair in each half is marked 1, all other markers are 0. The target is X1 + X2. Always answering 1
    has a mean squared error of 2/12 = 0.1667, the variance of the sum; the literature quotes 0.1767 for
    it.

    Features know no padding, so the rows of a batch share one length, drawn anew for each batch; a held-
    out set is made of small batches, so that it holds many lengths.

    An answer is right within 0.04, on the scale of the target; in ``le`` that asks for four times the
    precision.

    Args:
        length: T, the shortest length in steps.
        variant: ``hochreiter`` or ``le``.
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=20, le=100_000)] = 100,
        variant: Variant = "hochreiter",
    ) -> None:
        self.length, self.variant = length, variant
        self.spec = Spec("features", 2, "values", 1, causal=True)

    def draw(self, split: Split, index: int, size: int, seed: int) -> Pairs:
        """Return pairs (B, L, 2) and sums (B,)."""
        draw = _hochreiter if self.variant == "hochreiter" else _le
        return draw(numpy_stream(seed, "adding", self.variant, split, index), self.length, size)


def _hochreiter(stream: np.random.Generator, shortest: int, size: int) -> Pairs:
    inputs, values = marked_pairs(stream, shortest, size, low=-1, instead=0)
    return inputs, (0.5 + values.sum(0, dtype=np.float64) / 4).astype(np.float32)


def _le(stream: np.random.Generator, length: int, size: int) -> Pairs:
    inputs = np.zeros((size, length, 2), dtype=np.float32)
    inputs[..., 0] = stream.random((size, length), dtype=np.float32)
    half = length // 2
    rows = np.arange(size)
    marked = np.array([stream.integers(0, half, size), stream.integers(half, length, size)])
    inputs[rows, marked, 1] = 1
    return inputs, inputs[rows, marked, 0].sum(0, dtype=np.float64).astype(np.float32)


def answer(values: Sequence[float], markers: Sequence[float], variant: Variant) -> float:
    """Return the target of one sequence, by reading it.

    >>> answer([0.1, 0.5, -0.9, 0.3], [-1, 1, 1, -1], "hochreiter")
    0.4
    """
    total = sum(value for value, marker in zip(values, markers, strict=True) if marker == 1)
    return 0.5 + total / 4 if variant == "hochreiter" else total
