"""Priority sort: read vectors with a priority each, then say those of the highest priorities, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks.recall._bits import Bits


class PrioritySort(Bits):
    """Read K vectors of W random bits, each with a priority; then say the first M of them in falling order.

        inputs    x(1) ... x(K)  mark  0 ...
        targets                        x of the highest priority ... x of the M-th highest

    An input has the W bits, the priority, uniform in [-1, 1], and one that is the mark.

    Args:
        vectors: K.
        highest: M.
        bits: W.

    Source:
        Graves, Wayne & Danihelka, "Neural Turing machines", 2014: of 20 vectors of 8 bits the 16 highest.

    >>> batch = PrioritySort(vectors=2, highest=1, bits=1).batch("train", 0, size=1, seed=3)
    >>> batch.inputs[0, :2, 0].tolist(), [round(float(told), 2) for told in batch.inputs[0, :2, 1]]
    ([0.0, 1.0], [0.95, 0.57])
    >>> batch.targets[batch.mask].tolist()
    [[0.0]]
    """

    def __init__(
        self,
        *,
        vectors: Annotated[int, Field(ge=1, le=10_000)] = 20,
        highest: Annotated[int, Field(ge=1, le=10_000)] = 16,
        bits: Annotated[int, Field(ge=1, le=1_000)] = 8,
    ) -> None:
        if highest > vectors:
            raise SettingsError(
                f"task.highest is {highest}, and task.vectors only {vectors}.",
                hint=f"Take task.highest={vectors}, or fewer.",
            )
        self.vectors, self.highest, self.bits = vectors, highest, bits
        self.spec = Spec("features", bits + 2, "bits", bits, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, K + 1 + M, W + 2)."""
        stream = numpy_stream(seed, "priority-sort", split, index)
        vectors = stream.integers(0, 2, (size, self.vectors, self.bits)).astype(np.float32)
        priorities = stream.uniform(-1, 1, (size, self.vectors)).astype(np.float32)
        inputs = np.zeros((size, self.vectors + 1 + self.highest, self.bits + 2), np.float32)
        inputs[:, : self.vectors, :-2], inputs[:, : self.vectors, -2] = vectors, priorities
        inputs[:, self.vectors, -1] = 1
        order = np.argsort(-priorities, 1, kind="stable")[:, : self.highest]
        targets, mask = np.zeros_like(inputs[:, :, :-2]), np.zeros(inputs.shape[:2], dtype=bool)
        targets[:, -self.highest :] = np.take_along_axis(vectors, order[:, :, None], 1)
        mask[:, -self.highest :] = True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


def sort(vectors: Sequence[Sequence[int]], priorities: Sequence[float], highest: int) -> list[list[int]]:
    """Return the vectors of the highest priorities, by taking out the highest again and again.

    >>> sort([[0], [1], [0]], [0.1, 0.5, -0.2], highest=2)
    [[1], [0]]
    """
    left = [(priority, list(vector)) for priority, vector in zip(priorities, vectors, strict=True)]
    found = []
    for _ in range(highest):
        best = max(left, key=lambda pair: pair[0])
        left.remove(best)
        found.append(best[1])
    return found
