"""Batches as the compiled code reads them: time first, a lane for each sequence, in tiles of some lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD, Batch

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
