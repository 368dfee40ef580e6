"""Copy bits: read vectors of bits, then say them again in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._judging import Trial
from seqlab.tasks.recall._bits import Bits


class CopyBits(Bits):
    """Read L vectors of W random bits and a mark, then say the vectors again.

        inputs    x(1) ... x(L)  mark   0 ...
        targets                         x(1) ... x(L)

    An input has the W bits, and one that is the mark. L is uniform in [1, length]; the rows of a batch
    share it. A network that keeps all in a state of fixed size learns it by rote, up to the lengths it has
    seen; one with a memory can learn to write line by line, and to read from the first line on.

    Args:
        length: the greatest L.
        bits: W.
        exactly: whether L is always the greatest, as where it is judged on longer sequences.

    Source:
        Graves, Wayne & Danihelka, "Neural Turing machines", 2014: 8 bits, lengths up to 20, tested up to 120.

    >>> batch = CopyBits(length=2, bits=1, exactly=True).batch("train", 0, size=1, seed=2)
    >>> batch.inputs.tolist(), batch.targets[batch.mask].tolist()
    ([[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]], [[1.0], [0.0]])
    """

    trials = tuple(
        Trial(f"length-{length}", {"length": length, "exactly": True}) for length in (20, 40, 80, 120)
    )

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=1, le=10_000)] = 20,
        bits: Annotated[int, Field(ge=1, le=1_000)] = 8,
        exactly: bool = False,
    ) -> None:
        self.length, self.bits, self.exactly = length, bits, exactly
        self.spec = Spec("features", bits + 1, "bits", bits, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, 2 L + 1, W + 1), targets (B, 2 L + 1, W)."""
        stream = numpy_stream(seed, "copy-bits", split, index)
        length = int(stream.integers(1, self.length + 1))
        length = self.length if self.exactly else length
        vectors = stream.integers(0, 2, (size, length, self.bits)).astype(np.float32)
        inputs = np.zeros((size, 2 * length + 1, self.bits + 1), np.float32)
        inputs[:, :length, :-1], inputs[:, length, -1] = vectors, 1
        targets, mask = np.zeros_like(inputs[:, :, :-1]), np.zeros(inputs.shape[:2], dtype=bool)
        targets[:, length + 1 :], mask[:, length + 1 :] = vectors, True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


def copy(lines: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return what is to be said after the mark, by reading what stands before it.

    >>> copy([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    [[1, 0], [1, 1]]
    """
    said = []
    for *bits, mark in lines:
        if mark:
            break
        said.append(bits)
    return said
