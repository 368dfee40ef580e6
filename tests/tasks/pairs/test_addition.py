from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from seqlab.contracts import Split
from seqlab.tasks.pairs.addition import Addition


def test_answers_are_sums_and_numbers_of_every_length_occur() -> None:
    task = Addition(digits=3)
    pairs = task.pairs("train", 0, 3000, seed=1)
    for question, answer in pairs:
        one, other = question.split("+")
        assert int(answer) == int(one) + int(other)
        assert (str(int(one)), str(int(other))) == (one, other)
    lengths = Counter(len(question.split("+")[0]) for question, _ in pairs)
    assert [round(lengths[digits] / 500) for digits in (1, 2, 3)] == [1, 2, 3]
    assert max(len(answer) for _, answer in pairs) + 1 == task.spec.writes.longest  # type: ignore[union-attr]


def test_numbers_have_exactly_as_many_digits_where_that_is_asked_for() -> None:
    for question, _ in Addition(digits=2, exactly=True).pairs("test", 0, 200, seed=1):
        assert re.fullmatch(r"[1-9]\d\+[1-9]\d", question)


def test_a_sum_in_either_order_is_in_one_split_alone() -> None:
    splits: tuple[Split, ...] = get_args(Split)
    parts = []
    for split in splits:
        questions = {question for question, _ in Addition(digits=1).pairs(split, 0, 2000, seed=1)}
        parts.append({tuple(sorted(question.split("+"))) for question in questions})
    assert sum(map(len, parts)) == len(set().union(*parts)) == 55
    assert min(map(len, parts)) > 1
