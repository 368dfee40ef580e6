"""Repeat copy: read a few vectors of bits and a number, and say the vectors so many times over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._judging import Trial
from seqlab.tasks.recall._bits import Bits

MOST = 10_000
"""The greatest L, and the greatest R."""


class RepeatCopy(Bits):
    """Read L vectors of W random bits, then a number R; say the L vectors R times, and that it is done.

        inputs    x(1) ... x(L)  R    0 ...
        targets                       x(1) ... x(L)  x(1) ... x(L)  ...  done

    An input has the W bits, and one number that is 0 but for the step of R, where it is R brought to mean 0
    and variance 1 over training (with R = 1 alone, it is 1). An output has the W bits and one for "done".
    L is uniform in [1, length], R in [1, repeats]; the rows of a batch share both. Copying once can be
    learned by rote; to repeat, a network must run a loop, and count. It is judged at twice the greatest L and
    at twice the greatest R, too, each beside the greatest other.

    Args:
        length: the greatest L.
        repeats: the greatest R.
        bits: W.
        exactly: whether L and R are always the greatest ones, as where it is judged on longer sequences.
        seen: the greatest R of training, by which R is brought to its scale; None for ``repeats``.

    Source:
        Graves, Wayne & Danihelka, "Neural Turing machines", 2014, with ``bits`` 8, and 10 for ``length`` and
        ``repeats``.

    >>> batch = RepeatCopy(length=2, repeats=2, bits=1, exactly=True).batch("train", 0, size=1, seed=1)
    >>> batch.inputs[0, :, 0].tolist(), batch.targets[0, 3:].tolist()
    ([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=1, le=MOST)] = 10,
        repeats: Annotated[int, Field(ge=1, le=MOST)] = 10,
        bits: Annotated[int, Field(ge=1, le=1_000)] = 8,
        exactly: bool = False,
        seen: Annotated[int, Field(ge=1, le=MOST)] | None = None,
    ) -> None:
        self.length, self.repeats, self.bits, self.exactly = length, repeats, bits, exactly
        self.seen = repeats if seen is None else seen
        self.spec = Spec("features", bits + 1, "bits", bits + 1, causal=True)
        twice = {"twice-the-length": {"length": 2 * length}, "twice-the-repeats": {"repeats": 2 * repeats}}
        self.trials = tuple(
            Trial(name, {**changed, "exactly": True, "seen": self.seen})
            for name, changed in twice.items()
            if max(changed.values()) <= MOST
        )

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, L + 2 + L R, W + 1)."""
        stream = numpy_stream(seed, "repeat-copy", split, index)
        length, times = int(stream.integers(1, self.length + 1)), int(stream.integers(1, self.repeats + 1))
        if self.exactly:
            length, times = self.length, self.repeats
        vectors = stream.integers(0, 2, (size, length, self.bits)).astype(np.float32)
        steps = length + 2 + length * times
        inputs, targets = np.zeros((2, size, steps, self.bits + 1), np.float32)
        inputs[:, :length, :-1] = vectors
        inputs[:, length, -1] = told(times, self.seen)
        targets[:, length + 1 : -1, :-1] = np.tile(vectors, (1, times, 1))
        targets[:, -1, -1] = 1
        mask = np.zeros((size, steps), dtype=bool)
        mask[:, length + 1 :] = True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


def told(times: int, most: int) -> float:
    """Return R brought to mean 0 and variance 1, where it is uniform in [1, most].

    >>> round(told(1, most=3), 3), told(2, most=3), told(1, most=1)
    (-1.225, 0.0, 1.0)
    """
    if most == 1:
        return float(times)
    return (times - (1 + most) / 2) / math.sqrt((most**2 - 1) / 12)


def repeat(vectors: Sequence[Sequence[int]], times: int) -> list[list[int]]:
    """Return what is to be said after the number, by saying it.

    >>> repeat([[1, 0], [1, 1]], times=2)
    [[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]]
    """
    said = [[*vector, 0] for _ in range(times) for vector in vectors]
    return [*said, [0] * len(vectors[0]) + [1]]
