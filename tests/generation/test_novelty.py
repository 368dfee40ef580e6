"""Shared passages, against looking for every one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.generation import novelty
from seqlab.generation.novelty import Passage, passages, shared_lengths

texts = st.lists(st.integers(0, 2), max_size=30).map(np.array)


def longest_at(text: str, start: int, other: str) -> int:
    return max(n for n in range(len(text) - start + 1) if text[start : start + n] in other)


@given(
    texts, texts, st.sampled_from([1, 5, 1000]), st.sampled_from([1, 3, 16]), st.sampled_from([0, 1 << 22])
)
def test_lengths_are_those_found_by_looking(
    text: np.ndarray, other: np.ndarray, window: int, short: int, table: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"WINDOW": window, "SHORT": short, "TABLE": table}.items():
            patch.setattr(novelty, name, value)
        lengths, sources = shared_lengths(text.astype(int), other.astype(int))
    letters, others = ("".join("abc"[symbol] for symbol in one.astype(int)) for one in (text, other))
    assert lengths.tolist() == [longest_at(letters, start, others) for start in range(len(text))]
    for start, (length, source) in enumerate(zip(lengths, sources, strict=True)):
        assert letters[start : start + length] == others[source : source + length]


def test_passages_are_the_longest_and_none_lies_in_another() -> None:
    other = np.frombuffer(b"shall I compare thee to a summer's day", np.uint8)
    text = np.frombuffer(b"xx compare thee yy a summer's zz I comp", np.uint8)
    found = passages(*shared_lengths(text, other), 3)
    assert found == [Passage(2, 14, 7), Passage(18, 12, 23), Passage(32, 7, 5)]
    for one, passage in zip(found, (b" compare thee ", b" a summer's ", b" I comp"), strict=True):
        assert text[one.start :][: one.length].tobytes() == passage
        assert other[one.source :][: one.length].tobytes() == passage


@pytest.mark.parametrize("window", [700, 1 << 22])
def test_a_copy_is_one_passage(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(novelty, "WINDOW", window)
    other = np.random.Generator(np.random.PCG64(1)).integers(0, 60, 5000)
    seen: list[int] = []
    assert passages(*shared_lengths(other[1234:4000], other, seen.append), 5)[0] == Passage(0, 2766, 1234)
    assert passages(*shared_lengths(other, other), 1) == [Passage(0, 5000, 0)]
    assert seen == sorted(seen)
    assert seen[-1] == 5000
    assert len(seen) == -(-5000 // window)


def test_nothing_is_shared_with_nothing() -> None:
    empty = np.zeros(0, int)
    assert passages(*shared_lengths(np.array([1, 2]), np.array([3])), 5) == []
    assert passages(*shared_lengths(empty, np.array([3])), 5) == []
    assert shared_lengths(np.array([1]), empty)[0].tolist() == [0]
