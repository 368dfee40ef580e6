"""A stream that is started among many is the one that NumPy starts alone."""

from __future__ import annotations

import copy
import pickle
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.random import MT19937, PCG64, Generator, Philox, SeedSequence

from seqlab.contracts import numpy_stream, torch_stream
from seqlab.seeding import BLOCK, TOO_LARGE, Start

WORDS = st.integers(0, TOO_LARGE - 1)


@given(st.lists(WORDS, max_size=8), WORDS)
@example([], 0)
@example([1, 2, 3], BLOCK - 1)
@example([1, 2, 3], BLOCK)
@example([TOO_LARGE - 1] * 5, TOO_LARGE - 1)
@example([0, 0], TOO_LARGE - BLOCK)
def test_the_start_is_numpy_s(name: list[int], number: int) -> None:
    assert PCG64(Start(tuple(name), number)).state == PCG64(SeedSequence([*name, number])).state


@given(WORDS, st.lists(st.text() | WORDS, max_size=4))
def test_a_stream_is_named_by_its_words_and_the_checksums_of_its_texts(
    seed: int, path: list[str | int]
) -> None:
    words = [seed, *(part if isinstance(part, int) else zlib.crc32(part.encode()) for part in path)]
    assert numpy_stream(seed, *path).bit_generator.state == PCG64(SeedSequence(words)).state


@pytest.mark.parametrize("path", [(2**32,), (2**40, 3), ("train", 2**70)])
def test_numbers_of_more_than_32_bits_are_numpy_s_too(path: tuple[str | int, ...]) -> None:
    words = [1, *(part if isinstance(part, int) else zlib.crc32(part.encode()) for part in path)]
    assert numpy_stream(1, *path).bit_generator.state == PCG64(SeedSequence(words)).state


@pytest.mark.parametrize("path", [(-1,), (-1, 0), ("train", -7)])
def test_a_negative_number_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        numpy_stream(1, *path)


def test_streams_that_a_number_tells_apart_are_started_together() -> None:
    assert isinstance(numpy_stream(1, "train", 3).bit_generator.seed_seq, Start)


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("words", range(1, 9))
def test_as_many_words_are_given_as_are_asked_for(words: int, dtype: Any) -> None:
    ours, theirs = (start.generate_state(words, dtype) for start in (Start((4,), 6), SeedSequence([4, 6])))
    assert ours.dtype == theirs.dtype
    assert ours.tolist() == theirs.tolist()


def test_numbers_may_be_numpy_s_own() -> None:
    own = numpy_stream(np.int64(1), "a", np.int64(5), "b", np.uint8(6))  # type: ignore[arg-type]
    assert own.random() == numpy_stream(1, "a", 5, "b", 6).random()


@pytest.mark.parametrize("path", [(), ("a",), ("a", 7), (3, 2**40), ("a", 0)])
def test_torch_s_seed_is_the_hash_of_the_name(path: tuple[str | int, ...]) -> None:
    words = [5, *(part if isinstance(part, int) else zlib.crc32(part.encode()) for part in path)]
    seed = int(SeedSequence(words).generate_state(1, np.uint64)[0]) >> 1
    assert torch_stream(5, *path).initial_seed() == seed


@pytest.mark.parametrize("kind", [MT19937, Philox])
def test_other_generators_start_as_numpy_starts_them(kind: Any) -> None:
    ours, theirs = (
        Generator(kind(start)).random(5).tolist() for start in (Start((4, 5), 6), SeedSequence([4, 5, 6]))
    )
    assert ours == theirs


def test_a_stream_can_be_copied_and_has_children_like_numpy_s() -> None:
    stream, theirs = numpy_stream(1, 2, 3), Generator(PCG64(SeedSequence([1, 2, 3])))
    for copied in (copy.deepcopy(stream), pickle.loads(pickle.dumps(stream))):
        assert copied.random() == numpy_stream(1, 2, 3).random()
    for _ in range(2):  # each time others
        ours_now, theirs_now = ([child.random() for child in one.spawn(3)] for one in (stream, theirs))
        assert ours_now == theirs_now


def test_what_is_kept_of_a_start_cannot_be_overwritten() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Start((1,), 2).generate_state(4, np.uint64)[0] = 0
