"""Batches as the compiled code reads them: time first, a lane for each sequence, tiles of LANES sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Batch, Split
from seqlab.fused.temporal_order import SPLITS, generate, ranges_of
from seqlab.tasks import Task
from seqlab.tasks.temporal_order import TemporalOrder

LANES = 32
"""Sequences of a tile in float32."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Packed:
    """Batches of one shape.

    Attributes:
        symbols: (batches, tiles, T, LANES), -1 for padding and empty lanes; 0 where inputs are features.
        features: (batches, tiles, T I, LANES), or (0, 0, 0, 0) where inputs are symbols.
        wanted: (batches, tiles, T, LANES), the class or value asked for, NaN where nothing is.
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


def training_batches(task: Task, index: int, count: int, size: int, seed: int) -> Iterator[Packed]:
    """Yield training batches ``index`` to ``index + count``, as many at a time as have one shape."""
    if type(task) is TemporalOrder:
        yield _temporal_order(task, "train", index, count, size, seed)
        return
    batches = (task.batch("train", i, size, seed) for i in range(index, index + count))
    for (_, continues), alike in groupby(batches, key=lambda batch: (batch.inputs.shape, batch.continues)):
        run = list(alike)
        if task.stream and not continues:  # each begins at the start state
            yield from (pack([batch]) for batch in run)
        else:
            yield pack(run)


def evaluation_batches(task: Task, split: Split, sequences: int, seed: int) -> Iterator[Packed]:
    """Yield the batches of :meth:`Task.evaluation`, packed."""
    if type(task) is TemporalOrder:
        for index, start in enumerate(range(0, sequences, 512)):
            yield _temporal_order(task, split, index, 1, min(512, sequences - start), seed)
        return
    for batch in task.evaluation(split, sequences, seed):
        yield pack([batch])


def _temporal_order(
    task: TemporalOrder, split: Split, index: int, count: int, size: int, seed: int
) -> Packed:
    shape = (count, -(-size // LANES), task.width, LANES)
    symbols, wanted = np.full(shape, PAD, np.float32), np.full(shape, np.nan, np.float32)
    generate(ranges_of(task), seed, SPLITS[split], index, size, symbols, wanted)
    return Packed(symbols, _NONE, wanted, size)


def pack(batches: Sequence[Batch]) -> Packed:
    """Pack batches of one shape."""
    first = batches[0]
    size, steps = first.inputs.shape[:2]
    tiles = -(-size // LANES)
    symbols = np.full((len(batches), tiles, steps, LANES), PAD, np.float32)
    wanted = np.full_like(symbols, np.nan)
    features = _NONE
    if first.inputs.is_floating_point():
        inputs = first.inputs.shape[2]
        features = np.zeros((len(batches), tiles, steps * inputs, LANES), np.float32)
    for i, batch in enumerate(batches):
        if features is _NONE:
            _lay(batch.inputs, symbols[i])
        else:
            _lay(batch.inputs.new_zeros(size, steps), symbols[i])
            _lay(batch.inputs.flatten(1), features[i])
        _lay(_answers(batch), wanted[i])
    return Packed(symbols, features, wanted, size, first.continues)


_NONE: Floats = np.zeros((0, 0, 0, 0), np.float32)


def _answers(batch: Batch) -> Tensor:
    """Return what is asked for, (B, T), NaN where nothing is."""
    targets = batch.targets.float()
    if targets.dim() == 1:
        targets = targets[:, None].expand(batch.inputs.shape[:2])
    return targets if batch.mask is None else targets.masked_fill(~batch.mask, float("nan"))


def _lay(rows: Tensor, tiles: Floats) -> None:
    """Write (B, N) into (tiles, N, LANES), a lane for each row."""
    values = rows.numpy()
    for tile in range(len(tiles)):
        part = values[tile * LANES : (tile + 1) * LANES]
        tiles[tile, :, : len(part)] = part.T
