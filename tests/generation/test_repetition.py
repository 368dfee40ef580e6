"""Symbols that were written already, and texts that go round in circles."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import UsageError
from seqlab.generation import Sampling
from seqlab.generation.repetition import circle_of
from seqlab.generation.sampling import Drawing

SCORES = np.array([3.0, 2.0, -1.0, -1.5])


def test_what_was_written_is_divided_or_multiplied_by_the_penalty() -> None:
    rule = Drawing(Sampling(length=4, temperature=0, repetition_penalty=2.0), [0])
    # 3, 2, -1, -1.5; then 1.5, 2, ...; then 1.5, 1, ...: the first again
    assert [int(rule.choose(SCORES)) for _ in range(4)] == [0, 1, 0, 0]  # type: ignore[arg-type]
    downwards = Drawing(Sampling(length=3, temperature=0, repetition_penalty=3.0), [0])
    assert [int(downwards.choose(SCORES - 4)) for _ in range(3)] == [0, 1, 0]  # type: ignore[arg-type]


def test_each_text_remembers_what_it_has_written_itself() -> None:
    rule = Drawing(Sampling(length=2, temperature=0, repetition_penalty=10.0), [0, 1])
    first = rule.choose(np.array([[1.0, 0.5], [0.5, 1.0]]))
    second = rule.choose(np.array([[1.0, 0.5], [1.0, 0.5]]))
    assert np.asarray(first).tolist() == [0, 1]
    assert np.asarray(second).tolist() == [1, 0]


def test_without_a_penalty_nothing_changes() -> None:
    plain, same = (
        Drawing(Sampling(length=50, seed=3, **more), [0]) for more in ({}, {"repetition_penalty": 1.0})
    )
    assert [plain.choose(SCORES) for _ in range(50)] == [same.choose(SCORES) for _ in range(50)]


@pytest.mark.parametrize("penalty", [0.9, 101, float("nan")])
def test_a_penalty_out_of_range_is_refused(penalty: float) -> None:
    with pytest.raises(UsageError, match="repetition-penalty"):
        Sampling(repetition_penalty=penalty)


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ([1, 2, 3] * 20, 3),
        ([9] * 10 + [1, 2, 3] * 20, 3),
        ([1] * 60, 1),
        ([1] * 59, None),  # too short to say so
        ([1, 2, 3] * 20 + [4], None),
        (list(range(40)) * 2, None),  # once again is no circle
        (list(range(40)) * 3, 40),
    ],
)
def test_a_circle_is_seen_at_the_end_of_a_text(text: list[int], circle: int | None) -> None:
    assert circle_of(np.array(text)) == circle
