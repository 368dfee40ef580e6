"""The compiled random streams and batches are numpy's and the task's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from seqlab.contracts import numpy_stream
from seqlab.fused.batches import pack, training_batches
from seqlab.fused.layout import LANES
from seqlab.fused.streams import next_uniform, next_word, seed_stream
from seqlab.tasks.lags.temporal_order import LEVELS, TemporalOrder


@numba.njit(error_model="numpy")
def draw(words: Any, stream: Any, room: Any, bits: Any, numbers: Any) -> None:
    seed_stream(words, stream, room)
    for i in range(bits.shape[0]):
        bits[i] = next_word(stream)
    for i in range(numbers.shape[0]):
        numbers[i] = next_uniform(stream)


@pytest.mark.parametrize("words", [(1, 2, 3, 4), (2**32 - 1, 0, 7, 2**31), (5, 6, 7, 8, 9, 10)])
def test_stream_is_numpy_s(words: tuple[int, ...]) -> None:
    bits, numbers = np.zeros(100, np.uint64), np.zeros(100)
    draw(np.array(words, np.uint32), np.zeros(4, np.uint64), np.zeros(13, np.uint32), bits, numbers)
    theirs = numpy_stream(words[0], *words[1:])
    assert bits.tolist() == theirs.bit_generator.random_raw(100).tolist()
    assert numbers.tolist() == theirs.random(100).tolist()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("seed", "index", "size"), [(1, 0, 32), (2**32 - 1, 99_999, LANES + 1), (7, 5, 3)])
def test_temporal_order_is_the_task_s(level: str, seed: int, index: int, size: int) -> None:
    task = TemporalOrder(difficulty=level)  # type: ignore[arg-type]
    (compiled,) = training_batches(task, index, 3, size, seed, LANES)
    packed = pack([task.batch("train", index + i, size, seed) for i in range(3)], LANES)
    np.testing.assert_array_equal(compiled.symbols, packed.symbols)
    np.testing.assert_array_equal(compiled.wanted, packed.wanted)
    assert compiled.size == packed.size == size
