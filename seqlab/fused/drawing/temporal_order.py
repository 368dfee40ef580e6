"""The batches of temporal-order, compiled: the very ones of :mod:`seqlab.tasks.lags.temporal_order`.

Made in Python they cost ten times as much as the network's step at the level easy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqlab.compiling import Kernel
from seqlab.contracts import PAD, Split
from seqlab.fused.drawing import SOURCES, stream_words
from seqlab.fused.drawing.streams import next_uniform, next_word, seed_stream
from seqlab.fused.packed import NOTHING, Packed
from seqlab.tasks.lags.temporal_order import BEGIN, DISTRACTORS, END, LEVELS, TemporalOrder, X

GENERATE = Kernel(
    __name__,
    "generate",
    "none(i8[:,::1], u4[::1], i8, u8[::1], u4[::1], f8[:,::1], f4[:,:,:,::1], f4[:,:,:,::1])",
    (*SOURCES, "tasks/lags/temporal_order.py"),
)
KERNELS = (GENERATE,)


def draw(
    task: TemporalOrder, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield all batches as one."""
    shape = (count, -(-size // lanes), task.width, lanes)
    symbols, wanted = np.full(shape, PAD, np.float32), np.full(shape, np.nan, np.float32)
    level = next(level for level in LEVELS.values() if level.length[1] + 1 == task.width)
    ranges = np.array([level.length, level.t1, level.t2], dtype=np.int64)
    words, stream = stream_words(seed, "temporal-order", split), np.zeros(6, np.uint64)
    room, drawn = np.zeros(13, np.uint32), np.zeros((5, size))
    GENERATE(ranges, words, index, stream, room, drawn, symbols, wanted)
    yield Packed(symbols, NOTHING, wanted, size)


def generate(
    ranges: Any, words: Any, index: int, stream: Any, room: Any, drawn: Any, symbols: Any, wanted: Any
) -> None:
    """Write batches ``index`` and following of a split.

    Args:
        ranges: (3, 2), least and greatest length, t1 and t2.
        words: (4,) uint32, the name of the random stream; the last is overwritten with the batch's number.
        index: number of the first batch.
        stream: (6,) uint64, room.
        room: (13,) uint32.
        drawn: (5, sequences in a batch), room.
        symbols: (batches, tiles, T, LANES), filled with padding before.
        wanted: (batches, tiles, T, LANES), filled with NaN before.
    """
    batches, _, width, lanes = symbols.shape
    size = drawn.shape[1]
    for batch in range(batches):
        words[3] = index + batch
        seed_stream(words, stream, room)
        for i in range(5):
            for row in range(size):
                drawn[i, row] = next_uniform(stream)
        word, left = np.uint64(0), 0
        for row in range(size):
            tile, lane = row // lanes, row % lanes
            length = ranges[0, 0] + int(drawn[0, row] * (ranges[0, 1] - ranges[0, 0] + 1))
            t1 = ranges[1, 0] + int(drawn[1, row] * (ranges[1, 1] - ranges[1, 0] + 1))
            t2 = ranges[2, 0] + int(drawn[2, row] * (ranges[2, 1] - ranges[2, 0] + 1))
            first, second = int(drawn[3, row] * 2), int(drawn[4, row] * 2)
            start = width - length
            for t in range(width):
                # numpy draws 8-bit numbers one byte of a word after the other; the two upper bits of a byte
                # choose among the four distractors
                if left == 0:
                    word, left = next_word(stream), 8
                if t >= start:
                    symbols[batch, tile, t, lane] = DISTRACTORS[0] + int(
                        (word >> np.uint64(6)) & np.uint64(3)
                    )
                word, left = word >> np.uint64(8), left - 1
            symbols[batch, tile, start, lane] = BEGIN
            symbols[batch, tile, start + t1, lane] = X + first
            symbols[batch, tile, start + t2, lane] = X + second
            symbols[batch, tile, width - 1, lane] = END
            wanted[batch, tile, width - 1, lane] = 2 * first + second
