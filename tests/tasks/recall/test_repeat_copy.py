from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.tasks.recall.repeat_copy import RepeatCopy, repeat, told


def test_agrees_with_the_oracle_at_every_length_and_number() -> None:
    task = RepeatCopy(length=4, repeats=4, bits=5)
    seen = set()
    for index in range(100):
        batch = task.batch("train", index, 3, seed=1)
        assert batch.mask is not None
        for row, wanted, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            length = int(row[:, -1].nonzero()[0, 0])  # of four numbers none is told by 0
            said = wanted[mask].int().tolist()
            times = next(times for times in range(1, 5) if row[length, -1] == np.float32(told(times, 4)))
            seen.add((length, times))
            assert repeat(row[:length, :-1].int().tolist(), times) == said
            assert int(mask.sum()) == length * times + 1
    assert seen == {(length, times) for length in range(1, 5) for times in range(1, 5)}


def test_the_number_is_told_with_mean_0_and_variance_1() -> None:
    numbers = [told(times, 10) for times in range(1, 11)]
    assert np.mean(numbers) == pytest.approx(0)
    assert np.var(numbers) == pytest.approx(1)


def test_exactly_is_the_longest_and_seen_keeps_the_scale_of_training() -> None:
    batch = RepeatCopy(length=3, repeats=20, bits=2, exactly=True, seen=10).batch("test", 4, 2, seed=1)
    assert batch.inputs.shape == (2, 3 + 2 + 60, 3)
    assert float(batch.inputs[0, 3, -1]) == pytest.approx(told(20, 10))


def test_wrong_bits_are_counted_by_sequence() -> None:
    task = RepeatCopy(length=2, repeats=1, bits=3, exactly=True)
    batch = task.batch("test", 0, 4, seed=1)
    outputs = torch.where(batch.targets > 0.5, 5.0, -5.0)
    outputs[0, 3:5, 0] *= -1  # two bits of one sequence of four
    assert task.figures(task.tally(outputs, batch))["wrong_bits"] == 0.5


def test_it_is_judged_at_twice_what_it_learned_with_the_number_on_the_scale_it_learned() -> None:
    task = RepeatCopy(length=3, repeats=5, bits=2)
    longer, oftener = (RepeatCopy(bits=2, **{"length": 3, "repeats": 5, **t.task}) for t in task.trials)
    assert [trial.name for trial in task.trials] == ["twice-the-length", "twice-the-repeats"]
    assert longer.batch("test", 0, 2, 1).inputs.shape[1] == 6 + 2 + 6 * 5
    batch = oftener.batch("test", 0, 2, 1)
    assert batch.inputs.shape[1] == 3 + 2 + 3 * 10
    assert batch.inputs[0, 3, -1] == np.float32(told(10, most=5))
    assert [trial.name for trial in RepeatCopy(length=6000, repeats=1).trials] == ["twice-the-repeats"]
