from __future__ import annotations

import pytest
import torch

from seqlab.tasks.lags.two_sequence import TwoSequence


@pytest.mark.parametrize("difficulty", ["3a", "3b", "3c"])
def test_the_first_numbers_tell_and_the_others_say_nothing(difficulty: str) -> None:
    task = TwoSequence(difficulty=difficulty, length=40, telling=3)
    batch = task.batch("test", 0, 4000, seed=1)
    high = batch.targets > 0.5
    signs = torch.where(high, 1.0, -1.0)
    telling, others = batch.inputs[:, :3, 0], batch.inputs[:, 3:, 0]
    spread = 0.0 if difficulty == "3a" else 0.2
    assert float((telling - signs[:, None]).var()) == pytest.approx(spread, abs=0.01)
    assert float(others.mean()) == pytest.approx(0, abs=0.01)
    assert float(others.var()) == pytest.approx(0.2, abs=0.01)
    assert abs(float((others.mean(1) * signs).mean())) < 0.01
    assert float(high.float().mean()) == pytest.approx(0.5, abs=0.03)


def test_targets_are_noisy_in_training_only_and_at_the_last_level_only() -> None:
    for difficulty, clean in (("3a", {0.0, 1.0}), ("3b", {0.0, 1.0})):
        assert set(TwoSequence(difficulty=difficulty).batch("train", 0, 50, 1).targets.tolist()) == clean
    hard = TwoSequence(difficulty="3c")
    judged = hard.batch("validation", 0, 50, 1).targets
    assert {round(value, 4) for value in judged.tolist()} == {0.2, 0.8}
    told = hard.batch("train", 0, 4000, 1)
    first = told.inputs[:, :3, 0].mean(1) > 0
    for group, mean in ((told.targets[first], 0.8), (told.targets[~first], 0.2)):
        assert float(group.mean()) == pytest.approx(mean, abs=0.03)
        assert float(group.var()) == pytest.approx(0.1, abs=0.01)


def test_lengths_are_uniform_from_t_to_a_tenth_more() -> None:
    task = TwoSequence(length=20)
    lengths = [task.batch("train", index, 1, 1).inputs.shape[1] for index in range(300)]
    assert {length: lengths.count(length) > 60 for length in set(lengths)} == dict.fromkeys(
        (20, 21, 22), True
    )


@pytest.mark.parametrize(("difficulty", "off", "wrong"), [("3a", 0.19, 0), ("3a", 0.21, 1), ("3c", 0.11, 1)])
def test_an_answer_is_right_within_its_tolerance(difficulty: str, off: float, wrong: int) -> None:
    task = TwoSequence(difficulty=difficulty, length=10)
    batch = task.batch("test", 0, 20, 1)
    answers = batch.targets[:, None, None].expand(20, batch.inputs.shape[1], 1).clone()
    answers[5] += off
    figures = task.figures(task.tally(answers, batch))
    assert figures["errors"] == wrong
    assert figures["mean_error"] == pytest.approx(off / 20, rel=1e-4)
    assert figures["mse"] == pytest.approx(off**2 / 20, rel=1e-4)
