"""The batches of echo: its chunks, cut from one piece of the streams."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD, Split
from seqlab.fused.packed import NOTHING, Floats, Packed, lay
from seqlab.tasks.basics.echo import Echo


def draw(
    task: Echo, split: Split, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield as many chunks at a time as continue a stream."""
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
