"""Batches as the compiled code reads them: time first, a lane for each sequence, in tiles of some lanes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD, Batch, Split
from seqlab.errors import RunFailedError
from seqlab.fused.kernels import generate
from seqlab.tasks import Task, problem_of
from seqlab.tasks.basics.echo import Echo
from seqlab.tasks.lags.temporal_order import LEVELS, TemporalOrder

Floats = NDArray[np.float32]

NOTHING: Floats = np.zeros((0, 0, 0, 0), np.float32)


@dataclass(frozen=True)
class Packed:
    """Batches of one shape.

    Attributes:
        symbols: (batches, tiles, T, lanes), -1 for padding and empty lanes; 0 where inputs are features.
        features: (batches, tiles, T I, lanes), or (0, 0, 0, 0) where inputs are symbols.
        wanted: (batches, tiles, T, lanes), the class or value asked for, NaN where nothing is.
        size: sequences in a batch.
        continues: whether the first continues the batch before it; all others do if it does.
    """

    symbols: Floats
    features: Floats
    wanted: Floats
    size: int
    continues: bool = False

    @property
    def nbytes(self) -> int:
        """Memory in all."""
        return self.symbols.nbytes + self.features.nbytes + self.wanted.nbytes


def training_batches(
    task: Task, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield training batches ``index`` to ``index + count``, as many at a time as have one shape."""
    if (draw := DRAWN_PACKED.get(type(task))) is not None:
        yield from draw(task, "train", index, count, size, seed, lanes)
        return
    batches = (_checked(task.batch("train", i, size, seed), task, size) for i in range(index, index + count))
    for (_, continues), alike in groupby(batches, key=lambda batch: (batch.inputs.shape, batch.continues)):
        run = list(alike)
        if task.stream and not continues:  # each begins at the start state
            yield from (pack([batch], lanes) for batch in run)
        else:
            yield pack(run, lanes)


def evaluation_batches(task: Task, split: Split, sequences: int, seed: int, lanes: int) -> Iterator[Packed]:
    """Yield the batches of :meth:`Task.evaluation`, packed."""
    draw = DRAWN_PACKED.get(type(task))
    if draw is not None and type(task).evaluation is Task.evaluation:
        for index, start in enumerate(range(0, sequences, 512)):
            yield from draw(task, split, index, 1, min(512, sequences - start), seed, lanes)
        return
    rows = None
    for batch in task.evaluation(split, sequences, seed):
        yield pack([_checked(batch, task, rows if batch.continues else None)], lanes)
        rows = len(batch.inputs)


def _checked(batch: Batch, task: Task, rows: int | None) -> Batch:
    """Return a batch if compiled code can read it: it takes symbols and classes for places in memory."""
    problem = problem_of(batch, task, rows)
    if problem is not None:
        raise RunFailedError(f"The task has given a wrong batch: {problem}.")
    return batch


def _temporal_order(
    task: TemporalOrder, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield batches that compiled code draws and packs."""
    shape = (count, -(-size // lanes), task.width, lanes)
    symbols, wanted = np.full(shape, PAD, np.float32), np.full(shape, np.nan, np.float32)
    level = next(level for level in LEVELS.values() if level.length[1] + 1 == task.width)
    ranges = np.array([level.length, level.t1, level.t2], dtype=np.int64)
    name = (zlib.crc32(text.encode()) for text in ("temporal-order", split))
    words, stream = np.array([seed, *name, 0], np.uint32), np.zeros(4, np.uint64)
    room, drawn = np.zeros(13, np.uint32), np.zeros((5, size))
    generate(ranges, words, index, stream, room, drawn, symbols, wanted)
    yield Packed(symbols, NOTHING, wanted, size)


def _echo(
    task: Echo, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield chunks of the streams, packed as one piece and cut then."""
    while count:
        inputs, targets, chunks = task.stretch(split, index, count, size, seed)
        symbols, wanted = _cut(inputs, chunks, lanes, PAD), _cut(targets, chunks, lanes, np.nan)
        yield Packed(symbols, NOTHING, wanted, size, index % task.chunks > 0)
        index, count = index + chunks, count - chunks


def _cut(values: NDArray[np.uint8], pieces: int, lanes: int, empty: float) -> Floats:
    """Return (B, N) as (pieces, tiles, N / pieces, lanes), a lane for each row."""
    size, steps = values.shape
    tiles = -(-size // lanes)
    whole = np.full((tiles, steps, lanes), empty, np.float32)
    lay(values, whole)
    return np.ascontiguousarray(whole.reshape(tiles, pieces, -1, lanes).swapaxes(0, 1))


DRAWN_PACKED: Mapping[type[Task], Callable[[Any, Split, int, int, int, int, int], Iterator[Packed]]] = {
    TemporalOrder: _temporal_order,
    Echo: _echo,
}
"""Tasks whose batches are drawn and packed many at once: the network's step takes less than Python would."""


def pack(batches: Sequence[Batch], lanes: int) -> Packed:
    """Pack batches of one shape in tiles of so many sequences."""
    first = batches[0]
    size, steps = first.inputs.shape[:2]
    tiles = -(-size // lanes)
    symbols = np.full((len(batches), tiles, steps, lanes), PAD, np.float32)
    wanted = np.full_like(symbols, np.nan)
    features = NOTHING
    if first.inputs.is_floating_point():
        width = steps * first.inputs.shape[2]
        features = np.zeros((len(batches), tiles, width, lanes), np.float32)
    for i, batch in enumerate(batches):
        inputs = batch.inputs.numpy()
        if features is NOTHING:
            lay(inputs, symbols[i])
        else:
            lay(np.zeros((size, steps), np.float32), symbols[i])
            lay(inputs.reshape(size, -1), features[i])
        lay(_answers(batch), wanted[i])
    return Packed(symbols, features, wanted, size, first.continues)


def _answers(batch: Batch) -> NDArray[np.generic]:
    """Return what is asked for, (B, T), NaN where nothing is."""
    targets: NDArray[np.generic] = batch.targets.numpy().reshape(len(batch.targets), -1)  # (B, T), or (B, 1)
    if batch.mask is None:
        return targets
    answers = np.full(batch.mask.shape, np.nan, np.float32)
    np.copyto(answers, targets, where=batch.mask.numpy(), casting="same_kind")
    return answers


def lay(values: NDArray[np.generic], tiles: Floats) -> None:
    """Write (B, N) into (tiles, N, lanes), a lane for each row."""
    lanes = tiles.shape[2]
    for tile in range(len(tiles)):
        part = values[tile * lanes : (tile + 1) * lanes]
        tiles[tile, :, : len(part)] = part.T
