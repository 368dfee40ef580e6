"""The batches of two-sequence, compiled: the very ones of :mod:`seqlab.tasks.lags.two_sequence`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqlab.compiling import Kernel
from seqlab.contracts import PAD, Split
from seqlab.fused.drawing import SOURCES, stream_words
from seqlab.fused.drawing.streams import next_below, seed_stream
from seqlab.fused.drawing.ziggurat import next_normal, next_normal32
from seqlab.fused.packed import Packed
from seqlab.tasks.lags.two_sequence import NOISE, TwoSequence

GENERATE = Kernel(
    __name__,
    "generate",
    "none(i8, i8, b1, f4, f8[::1], u4[::1], i8, u8[::1], u4[::1], i8[::1], i8, i8[::1], f4[:,::1])",
    SOURCES,
)
KERNELS = (GENERATE,)


def draw(
    task: TwoSequence, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield the batches one by one: each has a length of its own."""
    tiles, longest = -(-size // lanes), task.length + task.length // 10
    targets = np.array([*task.level.targets, task.level.target_noise if split == "train" else 0])
    stream, room, first = np.zeros(6, np.uint64), np.zeros(13, np.uint32), np.zeros(size, np.int64)
    lengths, drawn = np.zeros(count, np.int64), np.empty((count, 3 * tiles * longest * lanes), np.float32)
    GENERATE(
        task.length, task.telling, task.level.is_noisy, NOISE, targets,
        stream_words(seed, "two-sequence", split), index, stream, room, first, lanes, lengths, drawn,
    )  # fmt: skip
    for steps, numbers in zip(lengths.tolist(), drawn, strict=True):
        symbols, features, wanted = numbers[: 3 * tiles * steps * lanes].reshape(3, 1, tiles, steps, lanes)
        yield Packed(symbols, features, wanted, size)


def generate(
    least: int, telling: int, is_noisy: bool, deviation: Any, targets: Any, words: Any, index: int,
    stream: Any, room: Any, first: Any, lanes: int, lengths: Any, drawn: Any,
) -> None:  # fmt: skip
    """Write batches ``index`` and following of a split.

    Args:
        least: the least length.
        telling: how many numbers at the beginning tell.
        is_noisy: whether they have noise added, too.
        deviation: standard deviation of the noise.
        targets: (3,), of the second class, of the first, and the standard deviation of what is added to them.
        words: the name of the random stream; the last is overwritten with the batch's number.
        index: number of the first batch.
        stream: (6,) uint64, room.
        room: (13,) uint32.
        first: (B,), room.
        lanes: sequences of a tile.
        lengths: (batches,), to be filled.
        drawn: (batches, 3 x numbers of the longest), to be filled from the front with symbols, features and
            what is wanted, (tiles, T, lanes) each.
    """
    size = len(first)
    for batch in range(len(lengths)):
        words[-1] = index + batch
        seed_stream(words, stream, room)
        lengths[batch] = steps = least + next_below(stream, least // 10 + 1)
        for row in range(size):
            first[row] = next_below(stream, 2)
        numbers = (size + lanes - 1) // lanes * steps * lanes
        symbols, features = drawn[batch, :numbers], drawn[batch, numbers : 2 * numbers]
        wanted = drawn[batch, 2 * numbers : 3 * numbers]
        symbols[:], features[:], wanted[:] = PAD, 0, np.nan
        for row in range(size):
            place, sign = row // lanes * steps * lanes + row % lanes, np.float32(2 * first[row] - 1)
            for t in range(steps):
                number = deviation * next_normal32(stream)
                if t < telling:
                    number = number + sign if is_noisy else sign
                symbols[place], features[place] = 0, number
                place += lanes
        for row in range(size):
            target = targets[first[row]]
            if targets[2] > 0:
                target += targets[2] * next_normal(stream)
            wanted[(row // lanes * steps + steps - 1) * lanes + row % lanes] = target
