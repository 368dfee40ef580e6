"""The batches of noise-free-lag, compiled: the very ones of :mod:`seqlab.tasks.lags.noise_free_lag`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqlab.compiling import Kernel
from seqlab.contracts import PAD, Split
from seqlab.fused._marking import part
from seqlab.fused.drawing import SOURCES, stream_words
from seqlab.fused.drawing.streams import next_below, seed_stream
from seqlab.fused.drawing.ziggurat import next_geometric
from seqlab.fused.packed import NOTHING, Packed
from seqlab.tasks.lags.noise_free_lag import GOES_ON, NoiseFreeLag

BEGIN = Kernel(__name__, "begin", "none(u4[::1], i8, f8, u8[:,::1], u4[::1], i8[:,::1], i8[:,::1])", SOURCES)
WRITE = Kernel(
    __name__,
    "write",
    "none(u8[:,::1], i8[:,::1], i8[:,::1], i8, b1, b1, i8, i8[::1], f4[:,::1])",
    SOURCES,
)
KERNELS = (BEGIN, WRITE)


def draw(
    task: NoiseFreeLag, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield the batches one by one: each has a length of its own."""
    tiles, is_long = -(-size // lanes), task.difficulty == "2c"
    words = stream_words(seed, "noise-free-lag", task.difficulty, split)
    streams = np.zeros((count, 6), np.uint64)
    first, more = np.zeros((2, count, size), np.int64)
    BEGIN(words, index, 1 - GOES_ON if is_long else 0.0, streams, np.zeros(13, np.uint32), first, more)
    most = more.max(1)
    lengths = most + (3 + task.lag if is_long else task.alphabet)
    drawn = np.empty((count, 2 * tiles * int(lengths.max()) * lanes), np.float32)
    start, in_order = most[:, None] - more, task.difficulty == "2a"
    WRITE(streams, first, start, task.alphabet, is_long, in_order, lanes, lengths, drawn)
    for steps, numbers in zip(lengths.tolist(), drawn, strict=True):
        symbols, wanted = numbers[: 2 * tiles * steps * lanes].reshape(2, 1, tiles, steps, lanes)
        yield Packed(symbols, NOTHING, wanted, size)


def begin(words: Any, index: int, chance: float, streams: Any, room: Any, first: Any, more: Any) -> None:
    """Draw what batches ``index`` and following of a split begin with.

    Args:
        words: the name of the random stream; the last is overwritten with the batch's number.
        index: number of the first batch.
        chance: that no distractor follows; 0 where their number is not drawn.
        streams: (batches, 6) uint64, to be filled: the random streams, as they are then.
        room: (13,) uint32.
        first: (batches, B), to be filled: 0 for x, 1 for y.
        more: (batches, B), to be filled where it is drawn: how many distractors more than the least.
    """
    for batch in range(len(streams)):
        words[-1] = index + batch
        seed_stream(words, streams[batch], room)
        for row in range(first.shape[1]):
            first[batch, row] = next_below(streams[batch], 2)
        if chance > 0:
            for row in range(first.shape[1]):
                more[batch, row] = next_geometric(streams[batch], chance) - 1


def write(
    streams: Any, first: Any, start: Any, alphabet: int, is_long: bool, in_order: bool, lanes: int,
    lengths: Any, drawn: Any,
) -> None:  # fmt: skip
    """Write batches that :func:`begin` has begun.

    Args:
        streams, first: of :func:`begin`.
        start: (batches, B), the steps at which sequences begin.
        alphabet: p.
        is_long: whether it is 2c.
        in_order: whether it is 2a.
        lanes: sequences of a tile.
        lengths: (batches,).
        drawn: (batches, 2 x numbers of the longest), to be filled from the front with symbols and what is
            wanted, (tiles, T, lanes) each.
    """
    size = first.shape[1]
    for batch in range(len(streams)):
        steps = lengths[batch]
        numbers = (size + lanes - 1) // lanes * steps * lanes
        symbols, wanted = drawn[batch, :numbers], drawn[batch, numbers : 2 * numbers]
        symbols[:], wanted[:] = PAD, np.nan
        for row in range(size):
            place = row // lanes * steps * lanes + row % lanes
            lane = slice(place, place + steps * lanes, lanes)
            stream, x_or_y = streams[batch], first[batch, row]
            if is_long:
                _write_long(stream, x_or_y, start[batch, row], alphabet, symbols[lane], wanted[lane])
            else:
                _write_plain(stream, x_or_y, alphabet, in_order, symbols[lane], wanted[lane])


@part
def _write_long(stream: Any, first: int, start: int, alphabet: int, symbols: Any, wanted: Any) -> None:
    for t in range(len(symbols)):
        symbol = next_below(stream, alphabet)
        if t >= start:
            symbols[t] = symbol
    symbols[start], symbols[start + 1], symbols[-1] = alphabet + 2, alphabet + first, alphabet + 3
    wanted[-1] = first


@part
def _write_plain(stream: Any, first: int, alphabet: int, in_order: bool, symbols: Any, wanted: Any) -> None:
    others = alphabet - 1
    symbols[0] = wanted[-1] = others + first
    for t in range(1, len(symbols)):
        symbols[t] = t - 1 if in_order else next_below(stream, others)
        if in_order:
            wanted[t - 1] = symbols[t]
