"""The compiled random streams and batches are numpy's and the task's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("numba")

import numba

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.fused.batches import Packed, evaluation_batches, pack, training_batches
from seqlab.fused.layout import LANES
from seqlab.fused.streams import next_uniform, next_word, seed_stream
from seqlab.tasks.basics.echo import Chunk, Echo
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


def in_runs(task: Echo, index: int, count: int, size: int, lanes: int) -> list[Packed]:
    """Pack batches one by one, as many as are alike; one that begins streams stands alone."""
    batches = [task.batch("train", i, size, 1) for i in range(index, index + count)]
    runs: list[list[Batch]] = []
    for batch in batches:
        alike = runs and batch.continues and runs[-1][0].inputs.shape == batch.inputs.shape
        if alike and runs[-1][0].continues:
            runs[-1].append(batch)
        else:
            runs.append([batch])
    return [pack(run, lanes) for run in runs]


@given(
    delay=st.integers(0, 40),
    chunk=st.integers(1, 30),
    length=st.integers(1, 3000),
    index=st.integers(0, 300),
    count=st.integers(1, 40),
    size=st.integers(1, 2 * LANES + 1),
)
@example(delay=3, chunk=20, length=1030, index=40, count=40, size=5)  # over a block's end and a stream's
@example(delay=3, chunk=7, length=5, index=0, count=9, size=1)  # each stream is one short chunk
def test_echo_cut_from_one_piece_is_the_task_s(
    delay: int, chunk: int, length: int, index: int, count: int, size: int
) -> None:
    task = Echo(delay=delay, chunk=chunk, length=length)
    drawn = list(training_batches(task, index, count, size, 1, LANES))
    one_by_one = in_runs(task, index, count, size, LANES)
    assert len(drawn) == len(one_by_one)
    for ours, theirs in zip(drawn, one_by_one, strict=True):
        np.testing.assert_array_equal(ours.symbols, theirs.symbols)
        np.testing.assert_array_equal(ours.wanted, theirs.wanted)
        assert (ours.size, ours.continues) == (theirs.size, theirs.continues)


class Backwards(Echo):
    """A task of one's own, made of another."""

    def batch(self, split: Split, index: int, size: int, seed: int) -> Chunk:
        made = super().batch(split, index, size, seed)
        return replace(made, targets=1 - made.targets)


def test_a_task_made_of_echo_is_asked_for_its_own_batches() -> None:
    task = Backwards(delay=1, chunk=4)
    drawn, *_ = training_batches(task, 0, 1, 3, 1, LANES)
    own = pack([task.batch("train", 0, 3, 1)], LANES)
    np.testing.assert_array_equal(drawn.wanted, own.wanted)


def test_echo_is_judged_on_the_task_s_own_sequences() -> None:
    task = Echo(delay=3, chunk=20)
    drawn = list(evaluation_batches(task, "validation", 200, 1, LANES))
    own = [pack([batch], LANES) for batch in task.evaluation("validation", 200, 1)]
    assert [packed.size for packed in drawn] == [64] * 4
    for ours, theirs in zip(drawn, own, strict=True):
        np.testing.assert_array_equal(ours.symbols, theirs.symbols)
        np.testing.assert_array_equal(ours.wanted, theirs.wanted)
