"""The batches of parity-check and of even-pairs, compiled: bits, and one answer at the end.

They are the very ones of :mod:`seqlab.tasks.languages.parity_check` and
:mod:`seqlab.tasks.languages.even_pairs`. Made, checked and packed in Python they cost a third of an update.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqlab.compiling import Kernel
from seqlab.contracts import PAD, Split
from seqlab.fused.drawing import SOURCES, stream_words
from seqlab.fused.drawing.streams import next_below, seed_stream
from seqlab.fused.packed import NOTHING, Packed
from seqlab.tasks.languages.even_pairs import EvenPairs
from seqlab.tasks.languages.parity_check import ParityCheck

GENERATE = Kernel(
    __name__,
    "generate",
    "none(i8, i8, i8, i8, i8, b1, u4[::1], i8, u8[::1], u4[::1], i8[::1], f4[:,::1])",
    SOURCES,
)
KERNELS = (GENERATE,)


def draw(
    task: ParityCheck | EvenPairs, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield the batches one by one: each has a length of its own."""
    tiles, (shortest, longest) = -(-size // lanes), task.lengths
    stream, room, lengths = np.zeros(6, np.uint64), np.zeros(13, np.uint32), np.zeros(count, np.int64)
    drawn = np.empty((count, 2 * tiles * (longest + 1) * lanes), np.float32)
    words = stream_words(seed, type(task).__name__, split)
    GENERATE(
        shortest, longest, task.letters, size, lanes, task.of_ends,
        words, index, stream, room, lengths, drawn,
    )  # fmt: skip
    for length, numbers in zip(lengths.tolist(), drawn, strict=True):
        steps = length + 1
        symbols, wanted = numbers[: 2 * tiles * steps * lanes].reshape(2, 1, tiles, steps, lanes)
        yield Packed(symbols, NOTHING, wanted, size)


def generate(
    shortest: int, longest: int, empty: int, size: int, lanes: int, of_ends: bool,
    words: Any, index: int, stream: Any, room: Any, lengths: Any, drawn: Any,
) -> None:  # fmt: skip
    """Write batches ``index`` and following of a split.

    Args:
        shortest: the least number of bits.
        longest: the greatest.
        empty: the symbol at which the answer is given.
        size: sequences of a batch.
        lanes: sequences of a tile.
        of_ends: whether the answer is the parity of the first and the last bit; else it is that of all.
        words: the name of the random stream; the last is overwritten with the batch's number.
        index: number of the first batch.
        stream: (6,) uint64, room.
        room: (13,) uint32.
        lengths: (batches,), to be filled: how many bits.
        drawn: (batches, 2 x numbers of the longest), to be filled from the front with symbols and what is
            wanted, (tiles, T, lanes) each.
    """
    for batch in range(len(lengths)):
        words[-1] = index + batch
        seed_stream(words, stream, room)
        lengths[batch] = length = shortest + next_below(stream, longest - shortest + 1)
        numbers = (size + lanes - 1) // lanes * (length + 1) * lanes
        symbols, wanted = drawn[batch, :numbers], drawn[batch, numbers : 2 * numbers]
        symbols[:], wanted[:] = PAD, np.nan
        for row in range(size):
            place, ones, bit = row // lanes * (length + 1) * lanes + row % lanes, 0, 0
            for t in range(length):
                bit = next_below(stream, 2)
                symbols[place] = bit
                if t == 0 or not of_ends:
                    ones += bit
                place += lanes
            if of_ends:
                ones += bit
            symbols[place], wanted[place] = empty, ones % 2
