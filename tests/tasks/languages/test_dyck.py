from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD
from seqlab.errors import SettingsError
from seqlab.tasks.languages.dyck import Dyck, allowed, draw_strings, innermost_open, legal_within


def strings_of(split="train", count=300, kinds=2, shortest=2, longest=50, seed=1) -> list[tuple[int, ...]]:
    found = draw_strings(seed, split, count, kinds, shortest, longest)
    return [tuple(row[row != PAD].tolist()) for row in found]


@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_strings_are_balanced_different_and_as_long_as_wanted(kinds: int) -> None:
    found = strings_of(kinds=kinds, shortest=4, longest=30)
    assert len(found) == len(set(found)) == 300
    for string in found:
        assert 4 <= len(string) <= 30
        assert allowed(string, kinds) == set(
            range(kinds)
        )  # nothing is open in the end, and all closed rightly


def test_strings_come_as_the_grammar_says() -> None:
    """By the rules, ()  is S -> ( S ) with S -> nothing: 1/8; of one kind, all ways of deriving it add up."""
    from seqlab.tasks.languages.dyck import BLOCK, _derive

    drawn = [string for seed in range(4) for string in _derive(np.random.default_rng(seed), 1, 60)]
    counts = Counter(map(len, drawn))
    total = 4 * BLOCK
    # P(empty) = e solves e = 1/4 + e^2 / 4: 2 - sqrt 3; of one pair, a = e / 2 + 2 a e / 4
    empty = 2 - 3**0.5
    pair = (empty / 2) / (1 - empty / 2)
    assert counts[0] / total == pytest.approx(empty, abs=0.02)
    assert counts[2] / total == pytest.approx(pair, abs=0.02)


def test_no_string_is_in_two_splits() -> None:
    splits = [set(strings_of(split, 200, longest=12)) for split in ("train", "validation", "test")]
    assert not splits[0] & splits[1]
    assert not splits[0] & splits[2]
    assert not splits[1] & splits[2]


def test_where_there_are_too_few_strings_all_of_them_come() -> None:
    assert strings_of("validation", 1000, kinds=1, longest=6) == strings_of(
        "validation", 20, kinds=1, longest=6
    )
    every = {
        s for split in ("train", "validation", "test") for s in strings_of(split, 1000, kinds=1, longest=6)
    }
    assert len(every) == 1 + 2 + 5  # the Catalan numbers


@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_what_may_come_next(kinds: int) -> None:
    batch = Dyck(kinds=kinds).batch("train", 0, 40, seed=1)
    assert batch.mask is not None
    for row, bits, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        string = row[mask].tolist()
        for step, found in enumerate(bits[mask]):
            assert set(found.nonzero().flatten().tolist()) == allowed(string[: step + 1], kinds)


def test_every_string_is_learned_from_once_a_pass() -> None:
    task = Dyck(strings=30, longest=20)
    assert task.steps_of_a_pass(10) == 3
    passes = [
        [row[row >= 0].tolist() for k in range(3) for row in task.batch("train", 3 * p + k, 10, 1).inputs]
        for p in (0, 1)
    ]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(map(list, strings_of(count=30, longest=20)))
    assert passes[0] != passes[1]


def test_a_string_is_right_where_every_bit_is() -> None:
    task = Dyck()
    batch = task.batch("test", 0, 20, seed=1)
    outputs = 8 * batch.targets - 4
    outputs[3, -1, 1] = -outputs[3, -1, 1]
    figures = task.figures(task.tally(outputs, batch))
    assert (figures["errors"], figures["sequence_accuracy"]) == (1, 0.95)
    assert task.metric.name == "sequence_accuracy"


def test_longer_strings_are_those_of_the_trial() -> None:
    (trial,) = Dyck().trials
    batches = list(Dyck(**trial.task).evaluation("test", 40, seed=1))
    lengths = (torch.cat([batch.inputs.ne(PAD).sum(1) for batch in batches])).tolist()
    assert len(lengths) == 40
    assert lengths == sorted(lengths)
    assert lengths[0] >= 52
    assert lengths[-1] <= 100


def test_lengths_without_an_even_number_are_refused() -> None:
    for shortest, longest in ((60, 50), (51, 51)):
        with pytest.raises(SettingsError, match="no even number"):
            Dyck(shortest=shortest, longest=longest)


def test_padding_is_answered_by_nothing() -> None:
    legal = legal_within(innermost_open(np.array([[PAD, PAD, 0, 2]]), 2), 2)
    assert legal[0, 2].tolist() == [True, True, True, False]
    batch = Dyck(longest=30).batch("train", 0, 20, 1)
    assert batch.mask is not None
    assert not batch.targets[~batch.mask].any()
