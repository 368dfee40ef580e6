from __future__ import annotations

import numpy as np
import pytest

from seqlab.tasks.lags.multiplication import Multiplication, answer


@pytest.mark.parametrize("length", [20, 101])
def test_agrees_with_the_oracle(length: int) -> None:
    task = Multiplication(length=length)
    for index in range(3):
        batch = task.batch("train", index, 200, seed=1)
        for row, target in zip(batch.inputs, batch.targets, strict=True):
            wanted = answer(row[:, 0].tolist(), row[:, 1].tolist())
            assert wanted == pytest.approx(float(target), abs=1e-6)


def test_marks_as_experiment_5_does() -> None:
    batch = Multiplication(length=40).batch("train", 0, 5000, seed=1)
    values, markers = batch.inputs.numpy()[..., 0], batch.inputs.numpy()[..., 1]
    assert (markers[:, (0, -1)] == -1).all()
    count = (markers == 1).sum(1)
    assert set(count) == {1, 2}
    assert 0 <= values.min() < 0.01 < 0.99 < values.max() < 1
    alone = count == 1  # the first pair was drawn and counts as 1: the target is the other value
    marked = np.where(markers == 1, values, 0).sum(1)
    np.testing.assert_allclose(batch.targets.numpy()[alone], marked[alone], rtol=1e-6)
    assert alone.mean() == pytest.approx(0.1 + 0.9 / 19, abs=0.015)


def test_guessing_is_as_good_as_the_variance() -> None:
    """X1 X2 with both uniform has variance 1/9 - 1/16; now and then one of them is 1."""
    mse = Multiplication(length=100).guess(2560, seed=1).figures["mse"]
    assert mse == pytest.approx(0.055, abs=0.006)
