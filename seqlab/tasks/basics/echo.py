"""Echo: repeat a stream of random bits, some steps late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import SHARE, USUAL, Metric

BLOCK = 1024
"""Steps drawn at once. The stream is made of blocks, so it is the same however it is cut into chunks."""

ROWS = 64
"""Streams, at most, that a model is judged on side by side."""


@dataclass(frozen=True)
class Chunk(Batch):
    """A piece of the streams.

    Attributes:
        start: the step of the stream at which it begins.
    """

    start: int = 0


class Echo(Task):
    """Answer each step with the bit of ``delay`` steps ago.

        y(t) = x(t - delay),    0 while t < delay

    The bits are 0 or 1 with probability 1/2 each, so guessing is right half the time. A batch is the next
    ``chunk`` steps of ``size`` streams; the state is carried (and detached) from one to the next. After
    ``length`` steps new streams begin from the start state.

    The lecture answers with one logistic output; here a softmax chooses between the classes 0 and 1.

    Args:
        delay: how many steps late.
        chunk: steps in a batch, the period of truncated BPTT; no gradient reaches further back.
        length: steps of a stream.

    Source:
        NYU 6-3: delay 3, chunks of 10 to 20 steps, 5 streams of 20,000 to 40,000 steps.

    >>> batch = Echo(delay=3, chunk=10).batch("train", 0, size=1, seed=1)
    >>> bool((batch.targets[:, 3:] == batch.inputs[:, :-3]).all())
    True
    """

    stream, packed_by = True, "echo"
    metrics = (*USUAL["classes"], Metric("accuracy_after_delay", True, SHARE))

    def __init__(
        self,
        *,
        delay: Annotated[int, Field(ge=0, le=100_000)] = 3,
        chunk: Annotated[int, Field(ge=1, le=100_000)] = 20,
        length: Annotated[int, Field(ge=1)] = 20_000,
    ) -> None:
        self.delay, self.chunk, self.length = delay, chunk, length
        self.chunks = -(-length // chunk)
        self.spec = Spec("tokens", 2, "classes", 2, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Chunk:
        """Return the next chunk, (B, chunk); the last one of a stream may be shorter."""
        inputs, targets, _ = self.stretch(split, index, 1, size, seed)
        place = index % self.chunks
        return Chunk(
            torch.from_numpy(inputs.astype(np.int64)),
            torch.from_numpy(targets.astype(np.int64)),
            continues=place > 0,
            start=place * self.chunk,
        )

    def stretch(
        self, split: Split, index: int, most: int, size: int, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
        """Return inputs and targets of batches from ``index`` on, side by side, and how many they are.

        They are ``most`` where so many are whole and continue a stream, else fewer; one at its beginning.
        """
        epoch, place = divmod(index, self.chunks)
        chunks = max(1, min(most, self.length // self.chunk - place)) if place else 1
        start = place * self.chunk
        steps = min(chunks * self.chunk, self.length - start)
        bits = _bits(seed, split, epoch, start - self.delay, self.delay + steps, size)  # (B, delay + steps)
        return bits[:, self.delay :], bits[:, :steps], chunks

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Chunk]:
        """Yield at least ``sequences`` chunks: fresh streams side by side, at most 64, read on and on."""
        rows = min(sequences, ROWS)
        for index in range(-(-sequences // rows)):
            yield self.batch(split, index, rows, seed)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and apart from that the steps that have something to repeat."""
        total = super().tally(outputs, batch)
        assert isinstance(batch, Chunk)
        silent = min(max(self.delay - batch.start, 0), outputs.shape[1])  # steps before the first echo
        correct = outputs[:, silent:].argmax(-1) == batch.targets[:, silent:]
        total["echoes"] = correct.numel()
        total["correct_echoes"] = int(correct.sum())
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures, and the accuracy over the steps that have something to repeat."""
        figures = super().figures(total)
        if total["echoes"]:
            figures["accuracy_after_delay"] = total["correct_echoes"] / total["echoes"]
        return figures


def echo(bits: Sequence[int], delay: int) -> list[int]:
    """Return the echo of a whole stream, by its definition.

    >>> echo([1, 1, 0, 0, 1, 0, 1, 1, 0, 0], delay=3)
    [0, 0, 0, 1, 1, 0, 0, 1, 0, 1]
    """
    return [bits[t - delay] if t >= delay else 0 for t in range(len(bits))]


def _bits(seed: int, split: Split, epoch: int, start: int, steps: int, rows: int) -> NDArray[np.uint8]:
    """Return so many steps of the streams from ``start`` on, (rows, steps); 0 before they begin."""
    if start < 0:
        heard = _bits(seed, split, epoch, 0, start + steps, rows)
        return np.concatenate([np.zeros((rows, -start), np.uint8), heard], 1)
    block, begin = divmod(start, BLOCK)
    end = begin + steps
    bits = _block(seed, split, epoch, block, rows)
    if end > BLOCK:
        rest = range(block + 1, block - -end // BLOCK)
        bits = np.concatenate([bits, *(_block(seed, split, epoch, later, rows) for later in rest)], 1)
    return bits[:, begin:end]


@lru_cache(maxsize=8)
def _block(seed: int, split: Split, epoch: int, block: int, rows: int) -> NDArray[np.uint8]:
    """Return steps ``block * BLOCK`` and following of the streams, (rows, BLOCK)."""
    drawn = numpy_stream(seed, "echo", split, epoch, block).bytes(rows * BLOCK // 8)
    return np.unpackbits(np.frombuffer(drawn, np.uint8).reshape(rows, -1), axis=1)
