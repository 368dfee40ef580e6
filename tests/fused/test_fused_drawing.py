"""Batches drawn in one go are the task's own, and compiled random numbers numpy's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

import numba

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.fused.batches import evaluation_batches, training_batches
from seqlab.fused.drawing import drawer_of
from seqlab.fused.drawing.streams import next_below, next_uniform, next_word, seed_stream
from seqlab.fused.drawing.ziggurat import next_exponential, next_geometric, next_normal, next_normal32
from seqlab.fused.layout import LANES
from seqlab.fused.packed import Packed, pack
from seqlab.tasks import Task
from seqlab.tasks.basics.echo import Chunk, Echo
from seqlab.tasks.lags.noise_free_lag import NoiseFreeLag
from seqlab.tasks.lags.temporal_order import LEVELS, TemporalOrder
from seqlab.tasks.lags.two_sequence import TwoSequence
from seqlab.tasks.languages.even_pairs import EvenPairs
from seqlab.tasks.languages.parity_check import ParityCheck

MANY = 400_000
"""So many that every layer of a ziggurat is met, and its tail a hundred times."""

CHOICES = (2, 1, 3, 100, 7, 2**31 + 5, 2**32 - 1, 1000)


@numba.njit(error_model="numpy", _nrt=False)
def draw(
    words: Any, stream: Any, room: Any, bits: Any, numbers: Any, below: Any,
    normals32: Any, normals: Any, exponentials: Any, trials: Any, chance: float,
) -> None:  # fmt: skip
    seed_stream(words, stream, room)
    for i in range(len(bits)):
        bits[i] = next_word(stream)
    for i in range(len(numbers)):
        numbers[i] = next_uniform(stream)
    for i in range(len(below)):
        below[i] = next_below(stream, below[i])
    for i in range(len(normals32)):
        normals32[i] = next_normal32(stream)
    for i in range(len(normals)):
        normals[i] = next_normal(stream)
    for i in range(len(exponentials)):
        exponentials[i] = next_exponential(stream)
    for i in range(len(trials)):
        trials[i] = next_geometric(stream, chance)


@pytest.mark.parametrize("words", [(1, 2, 3, 4), (2**32 - 1, 0, 7, 2**31), (5, 6, 7, 8, 9, 10)])
def test_stream_is_numpy_s(words: tuple[int, ...]) -> None:
    """One after the other of one stream, so that each must leave it where numpy does."""
    bits, numbers = np.zeros(100, np.uint64), np.zeros(100)
    below = np.array(CHOICES * 100 + (2,))  # an odd number of halves of a word
    normals32, normals = np.zeros(MANY, np.float32), np.zeros(MANY)
    exponentials, trials = np.zeros(MANY), np.zeros(MANY, np.int64)
    chance = 1 - 0.9
    draw(
        np.array(words, np.uint32), np.zeros(6, np.uint64), np.zeros(13, np.uint32), bits, numbers, below,
        normals32, normals, exponentials, trials, chance,
    )  # fmt: skip
    theirs = numpy_stream(words[0], *words[1:])
    assert bits.tolist() == theirs.bit_generator.random_raw(100).tolist()
    assert numbers.tolist() == theirs.random(100).tolist()
    assert below.tolist() == [int(theirs.integers(0, choices)) for choices in (*CHOICES * 100, 2)]
    np.testing.assert_array_equal(normals32, theirs.standard_normal(MANY, dtype=np.float32))
    np.testing.assert_array_equal(normals, theirs.standard_normal(MANY))
    np.testing.assert_allclose(exponentials, theirs.standard_exponential(MANY), rtol=1e-13)
    np.testing.assert_array_equal(trials, theirs.geometric(chance, MANY))


@given(
    task=st.one_of(
        st.builds(
            TwoSequence,
            difficulty=st.sampled_from(["3a", "3b", "3c"]),
            length=st.integers(2, 150),
            telling=st.integers(1, 20),
        ),
        st.builds(
            NoiseFreeLag,
            difficulty=st.sampled_from(["2a", "2b", "2c"]),
            symbols=st.integers(2, 120),
            lag=st.integers(1, 120),
        ),
        *(
            st.builds(
                of_bits,
                shortest=st.integers(1, 40),
                longest=st.integers(40, 90),
                length=st.none() | st.integers(1, 99),
            )
            for of_bits in (ParityCheck, EvenPairs)
        ),
    ),
    split=st.sampled_from(["train", "validation"]),
    index=st.integers(0, 10**6),
    count=st.integers(1, 5),
    size=st.integers(1, 2 * LANES + 1),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150)
def test_batches_of_many_lengths_are_the_task_s(
    task: Task, split: Split, index: int, count: int, size: int, seed: int
) -> None:
    draw = drawer_of(task)
    assert draw is not None
    drawn = list(draw(task, split, index, count, size, seed, LANES))
    own = [pack([task.batch(split, index + i, size, seed)], LANES) for i in range(count)]
    assert len(drawn) == len(own)
    for ours, theirs in zip(drawn, own, strict=True):
        np.testing.assert_array_equal(ours.symbols, theirs.symbols)
        np.testing.assert_array_equal(ours.features, theirs.features)
        np.testing.assert_array_equal(ours.wanted, theirs.wanted)
        assert (ours.size, ours.continues) == (theirs.size, theirs.continues)


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
