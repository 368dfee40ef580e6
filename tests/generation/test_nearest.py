"""The edit distance to the nearest of many sequences, against the plain recursion."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqlab.generation.nearest import distances

Words = st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=6)


@cache
def plain(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        plain(one[1:], other[1:]) + (one[0] != other[0]), plain(one[1:], other) + 1, plain(one, other[1:]) + 1
    )


def numbers(text: str) -> np.ndarray:
    return np.array(list(text.encode()), np.uint8)


@given(Words, st.lists(st.text("abc", max_size=7), min_size=1, max_size=3))
def test_it_is_that_of_the_plain_recursion(others: list[str], asked: list[str]) -> None:
    text = numbers("\n" + "".join(f"{word}\n" for word in others))
    found = list(distances(text, ord("\n"), [numbers(word) for word in asked]))
    assert found == [min(plain(word, other) for other in others) for word in asked]
