"""Multiplication: the product of the two marked numbers in a long sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import Spec, Split, numpy_stream
from seqlab.tasks.lags._marked import MarkedPairs, marked_pairs


class Multiplication(MarkedPairs):
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

    def __init__(self, *, length: Annotated[int, Field(ge=20, le=100_000)] = 100) -> None:
        self.length = length
        self.spec = Spec("features", 2, "values", 1, causal=True)

    def draw(
        self, split: Split, index: int, size: int, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return pairs (B, L, 2) and products (B,)."""
        stream = numpy_stream(seed, "multiplication", split, index)
        inputs, values = marked_pairs(stream, self.length, size, low=0, instead=1)
        return inputs, values.prod(0)


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
