from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from seqlab.compiling import Kernel
from seqlab.tasks.languages import bounded_dyck
from seqlab.tasks.languages.bounded_dyck import BoundedDyck, chances, draw_depths, innermost, open_brackets
from seqlab.tasks.languages.dyck import allowed


def strings_of(task: BoundedDyck, size: int = 300, seed: int = 1) -> list[list[int]]:
    batch = task.batch("train", 0, size, seed)
    assert batch.mask is not None
    for row, targets, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        assert row[mask][0] == targets[mask][-1] == 2 * task.kinds  # begin is read, the end predicted
        assert row[mask][1:].tolist() == targets[mask][:-1].tolist()
    return [row[mask][1:].tolist() for row, mask in zip(batch.inputs, batch.mask, strict=True)]


@pytest.mark.parametrize(("deepest", "shortest", "longest"), [(3, 2, 84), (1, 4, 8), (3, 86, 168)])
def test_strings_are_balanced_as_deep_and_as_long_as_they_may_be(
    deepest: int, shortest: int, longest: int
) -> None:
    task = BoundedDyck(kinds=3, deepest=deepest, shortest=shortest, longest=longest)
    depths = []
    for string in strings_of(task, 60):
        assert shortest <= len(string) <= longest
        assert allowed(string, 3) == {0, 1, 2}
        depths += [innermost(string[:step], 3)[2] for step in range(len(string))]
    assert max(depths) == deepest


def test_strings_come_as_often_as_the_rules_say_among_those_of_the_range() -> None:
    """Of lengths 2 and 4, two kinds, two deep: ab, abab, aabb by 1/2 a step, where it is not the only way on."""
    found = Counter(map(tuple, strings_of(BoundedDyck(kinds=2, deepest=2, longest=4), 8000)))
    open_, close = 0.5, 0.5
    one = open_ / 2 * close
    ways = {
        (0, 2): one * 0.5,
        (1, 3): one * 0.5,
        (0, 2, 1, 3): one * one * 0.5,
        (0, 1, 3, 2): open_ / 2 * open_ / 2 * close * 0.5,
    }
    total = 2 * one * 0.5 + 4 * one * one * 0.5 + 4 * open_ / 2 * open_ / 2 * 1 * close * 0.5
    ways[(0, 1, 3, 2)] = open_ / 2 * open_ / 2 * 1 * close * 0.5  # at the greatest depth it must close
    for string, chance in ways.items():
        assert found[string] / 8000 == pytest.approx(chance / total, abs=0.015), string


def test_long_strings_of_one_length_are_drawn() -> None:
    """That one would be so long by chance has a probability of 2^-1500."""
    for string in strings_of(BoundedDyck(kinds=2, deepest=1, shortest=3000, longest=3000), 3):
        assert [token < 2 for token in string] == [True, False] * 1500
        assert [token - 2 for token in string[1::2]] == string[::2]


@pytest.mark.parametrize("at_once", [1, 7, 128])
def test_depths_are_those_of_following_the_rules_one_by_one(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_dyck, "AT_ONCE", at_once)
    ends, opens = chances(3, 2, 20)
    depths, lengths = draw_depths(np.random.default_rng(1), 40, ends, opens)
    numbers_of = np.random.default_rng(1).random((20, 40)).T
    for row, length, numbers in zip(depths, lengths, numbers_of, strict=True):
        depth = [0]
        for place, number in enumerate(numbers):
            if number < ends[place, depth[-1]]:
                break
            depth.append(depth[-1] + (1 if number < ends[place, depth[-1]] + opens[place, depth[-1]] else -1))
        assert row[: length + 1].tolist() == depth


@pytest.mark.parametrize(("deepest", "shortest", "longest"), [(3, 2, 84), (100, 300, 400)])
def test_compiled_loops_draw_the_same(
    deepest: int, shortest: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    task = BoundedDyck(deepest=deepest, shortest=shortest, longest=longest)
    found = []
    for way in (Kernel.load, Kernel.plain):
        monkeypatch.setattr(Kernel, "at_hand", lambda loop, *given, way=way: way(loop)(*given))
        found.append(task.batch("train", 0, 33, 1))
    for name in ("inputs", "targets", "mask"):
        assert torch.equal(getattr(found[0], name), getattr(found[1], name)), name


def test_open_brackets_are_those_of_a_list() -> None:
    task = BoundedDyck(kinds=3, longest=20)
    tokens = task.batch("train", 0, 30, 1).inputs.numpy()
    found = np.stack(open_brackets(tokens, 3), -1)
    for row, steps in zip(tokens, found, strict=True):
        first = int((row < 0).sum())
        for step in range(first, len(row)):
            assert tuple(steps[step]) == innermost(row[first : step + 1].tolist(), 3)


def test_what_counts_as_closed_rightly() -> None:
    task = BoundedDyck(kinds=2, deepest=2, longest=4)
    batch = task.batch("test", 0, 50, seed=1)
    inner, distance, depth = open_brackets(batch.inputs.numpy(), 2)
    scores = torch.zeros(*batch.inputs.shape, 5)
    scores[..., :2] = torch.where(torch.from_numpy(depth == 2), -9.0, 0.0)[..., None]
    scores[..., 4] = torch.where(torch.from_numpy(depth > 0), -9.0, 0.0)
    sure = torch.from_numpy(inner)[..., None] == torch.arange(2)
    scores[..., 2:4] = torch.where(sure, 2.0, 0.0)  # e^2 to 1 is 0.88
    figures = task.figures(task.tally(scores, batch))
    assert (figures["closes"], figures["legal"]) == (1.0, 1.0)
    far = torch.from_numpy(distance == 3)
    scores[..., 2:4] = torch.where(far[..., None] | ~sure, 0.0, 2.0)  # it forgets what is 3 steps back
    distances = {int(d) for d in distance[(distance > 0) & batch.mask.numpy()]}
    assert task.figures(task.tally(scores, batch))["closes"] == pytest.approx(1 - 1 / len(distances))
    scores[..., 4] = 3.0
    assert task.figures(task.tally(scores, batch))["legal"] < 0.6
