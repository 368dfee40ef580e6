"""Dynamic n-grams: learn the statistics of a source of bits while it is read."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import LOSS, SEQUENCES, Metric

EXCESS = Metric("excess_bits", False, label="bits a sequence above the best estimator")
BITS = Metric("bits", False, (0.0, None), "bits a sequence")
BEST = Metric("best_bits", None, (0.0, None), "bits a sequence of the best estimator")


class DynamicNGrams(Task):
    """Predict the next bit of a source whose table of probabilities is another for each sequence.

    What the N - 1 bits before it are says with which probability the next bit is 1: a number drawn from
    Beta(1/2, 1/2) for each of the 2^(N-1) contexts, anew for each sequence; the first N - 1 bits are fair
    coins, and are not judged. A network must count, while it reads, how often which bit followed which
    context. Who counts n1 ones and n0 zeros behind a context can do no better than

        p(1) = (n1 + 1/2) / (n1 + n0 + 1),

    the mean of the posterior. ``bits`` is the loss of a sequence, ``best_bits`` that of this estimator on the
    same sequences, ``excess_bits`` the difference.

    Args:
        length: bits of a sequence; ``order`` + 1 where it is less.
        order: N.

    Source:
        Graves, Wayne & Danihelka, "Neural Turing machines", 2014: 6-grams, 200 bits. The estimator: Murphy,
        "Machine learning", 2012, as quoted there.

    >>> batch = DynamicNGrams(length=6, order=2).batch("train", 0, size=1, seed=1)
    >>> batch.inputs[0, :, 0].tolist(), batch.targets[0, :, 0].tolist(), batch.mask.tolist()
    ([1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [[True, True, True, True, True]])
    """

    metrics = (EXCESS, BITS, BEST, SEQUENCES, LOSS)

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=2, le=100_000)] = 200,
        order: Annotated[int, Field(ge=1, le=16)] = 6,
    ) -> None:
        self.length, self.order = max(length, order + 1), order
        self.spec = Spec("features", 1, "bits", 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, length - 1, 1)."""
        stream = numpy_stream(seed, "dynamic-n-grams", split, index)
        known = self.order - 1
        table = stream.beta(0.5, 0.5, (size, 2**known))
        bits = stream.random((size, self.length))
        bits[:, :known] = bits[:, :known] < 0.5
        rows = np.arange(size)
        for step in range(known, self.length):
            bits[:, step] = bits[:, step] < table[rows, _contexts(bits[:, step - known : step])]
        shown = torch.from_numpy(bits.astype(np.float32))[:, :, None]
        mask = torch.zeros(size, self.length - 1, dtype=torch.bool)
        mask[:, max(0, known - 1) :] = True
        return Batch(shown[:, :-1].contiguous(), shown[:, 1:].contiguous(), mask)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and what the best estimator would have come to."""
        total = super().tally(outputs, batch)
        read = torch.cat([batch.inputs[:, :1], batch.targets], 1)[:, :, 0].cpu().numpy().astype(np.int64)
        total["best"] = float(best_nats(read, self.order).sum())  # type: ignore[assignment]
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return bits a sequence, those of the best estimator, and what lies between."""
        found = super().figures(total)
        bits, best = (total[name] / math.log(2) / total["sequences"] for name in ("loss", "best"))
        return {"sequences": found["sequences"], "loss": found["loss"], "bits": bits, "best_bits": best,
                "excess_bits": bits - best}  # fmt: skip


def _contexts(bits: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return rows of bits as numbers.

    >>> _contexts(np.array([[0, 1], [1, 1]]))
    array([1, 3])
    """
    places: NDArray[np.int64] = 1 << np.arange(bits.shape[1] - 1, -1, -1, dtype=np.int64)
    found: NDArray[np.int64] = (bits.astype(np.int64) * places).sum(1)
    return found


def best_nats(bits: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    """Return the loss of the best estimator of each bit but the first ``order - 1``, in nats.

    Args:
        bits: (B, T).
        order: N.
    """
    known, rows = order - 1, np.arange(len(bits))
    counts = np.full((len(bits), 2**known, 2), 0.5)
    nats = np.zeros((len(bits), bits.shape[1] - known))
    for step in range(known, bits.shape[1]):
        seen, bit = _contexts(bits[:, step - known : step]), bits[:, step]
        nats[:, step - known] = -np.log(counts[rows, seen, bit] / counts[rows, seen].sum(1))
        counts[rows, seen, bit] += 1
    return nats


def estimate(bits: Sequence[int], order: int) -> list[float]:
    """Return the probability of a 1 that the best estimator gives for each bit that is judged, bit by bit.

    >>> estimate([0, 1, 1, 1], order=2)
    [0.5, 0.5, 0.75]
    """
    counts: defaultdict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0])
    found = []
    for step in range(order - 1, len(bits)):
        zeros, ones = counts[tuple(bits[step - order + 1 : step])]
        found.append((ones + 0.5) / (ones + zeros + 1))
        counts[tuple(bits[step - order + 1 : step])][bits[step]] += 1
    return found
