from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD
from seqlab.tasks.lags.noise_free_lag import NoiseFreeLag


def test_2a_has_two_sequences_and_asks_for_every_symbol() -> None:
    task = NoiseFreeLag(difficulty="2a", symbols=6)
    batch = task.batch("train", 0, 200, seed=1)
    whole = torch.cat([batch.inputs, batch.targets[:, -1:]], 1)
    assert sorted(set(map(tuple, whole.tolist()))) == [(5, 0, 1, 2, 3, 4, 5), (6, 0, 1, 2, 3, 4, 6)]
    assert torch.equal(batch.targets[:, :-1], batch.inputs[:, 1:])
    assert bool(batch.mask.all())


def test_2b_asks_for_the_first_symbol_behind_random_ones() -> None:
    task = NoiseFreeLag(difficulty="2b", symbols=20)
    batch = task.batch("train", 0, 3000, seed=1)
    assert torch.equal(batch.targets, batch.inputs[:, 0])
    assert set(batch.targets.tolist()) == {19, 20}
    others = batch.inputs[:, 1:]
    assert others.shape == (3000, 19)
    shares = torch.bincount(others.flatten(), minlength=19) / others.numel()
    assert float((shares - 1 / 19).abs().max()) < 0.003
    assert bool((batch.mask.sum(1) == 1).all())


def test_2c_agrees_with_the_oracle() -> None:
    p, q = 10, 15
    task = NoiseFreeLag(difficulty="2c", symbols=p, lag=q)
    batch = task.batch("train", 0, 4000, seed=1)
    lengths = []
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        read = [token for token in row if token != PAD]
        assert read[0] == p + 2
        assert read[1] == p + target
        assert read[-1] == p + 3
        distractors = read[2:-1]
        assert len(distractors) >= q
        assert all(0 <= token < p for token in distractors)
        lengths.append(len(distractors) - q)
    assert np.mean(lengths) == pytest.approx(9, abs=0.5)  # 0.9 / 0.1 more
    assert np.mean(np.array(lengths) == 0) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("difficulty", "least"), [("2b", 0.75), ("2c", 0.8)])
def test_a_step_is_right_where_no_probability_is_too_far_off(difficulty: str, least: float) -> None:
    task = NoiseFreeLag(difficulty=difficulty, symbols=2, lag=3)
    classes = task.spec.output_size
    for probability, right in ((least + 0.01, True), (least - 0.01, False)):
        rest = (1 - probability) / (classes - 1)
        outputs = torch.full((1, classes), math.log(rest))
        outputs[0, 1] = math.log(probability)
        assert task.is_correct(outputs, torch.tensor([1])).tolist() == [right]
