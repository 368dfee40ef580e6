from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.tasks.lags.adding import Adding, answer


@pytest.mark.parametrize("variant", ["hochreiter", "le"])
@pytest.mark.parametrize("length", [20, 101])
def test_agrees_with_the_oracle(variant: str, length: int) -> None:
    task = Adding(length=length, variant=variant)
    for index in range(3):
        batch = task.batch("train", index, 200, seed=1)
        for row, target in zip(batch.inputs, batch.targets, strict=True):
            assert answer(row[:, 0].tolist(), row[:, 1].tolist(), variant) == pytest.approx(
                float(target), abs=1e-6
            )


def test_hochreiter_marks_as_experiment_4_does() -> None:
    length, first_pair_drawn = 40, 0
    markers = Adding(length=length).batch("train", 0, 5000, seed=1).inputs[..., 1].numpy()
    assert (markers[:, 0] == -1).all()
    assert (markers[:, -1] == -1).all()
    places = []
    for row in markers:
        marked = np.flatnonzero(row == 1)
        assert np.isin(row[1:-1], (0, 1)).all()
        assert len(marked) in (1, 2)
        if len(marked) == 1:
            first_pair_drawn += 1
        else:
            assert marked[0] < 10 or marked[1] < 10
            places.append(marked[1])
    assert max(places) == length // 2 - 1
    # 1/10 by the first draw; by the second, 1/(T/2 - 1) of what is left
    assert first_pair_drawn / 5000 == pytest.approx(0.1 + 0.9 / (length // 2 - 1), abs=0.015)


def test_hochreiter_values_and_lengths_are_uniform() -> None:
    task = Adding(length=100)
    values = task.batch("train", 0, 500, seed=1).inputs[..., 0]
    assert float(values.mean()) == pytest.approx(0, abs=0.01)
    assert float(values.var()) == pytest.approx(1 / 3, abs=0.01)
    lengths = {task.batch("train", index, 1, seed=1).inputs.shape[1] for index in range(200)}
    assert lengths == set(range(100, 111))


def test_le_marks_one_pair_in_each_half() -> None:
    inputs = Adding(length=31, variant="le").batch("train", 0, 3000, seed=1).inputs.numpy()
    assert inputs.shape == (3000, 31, 2)
    assert set(np.unique(inputs[..., 1])) == {0.0, 1.0}
    assert (inputs[:, :15, 1].sum(1) == 1).all()
    assert (inputs[:, 15:, 1].sum(1) == 1).all()
    assert (inputs[..., 1].sum(0) > 0).all()
    assert 0 <= inputs[..., 0].min() < 0.01 < 0.99 < inputs[..., 0].max() < 1


@pytest.mark.parametrize(("variant", "constant", "wanted"), [("le", 1.0, 1 / 6), ("hochreiter", 0.5, 0.0394)])
def test_the_constant_answer_has_the_error_of_the_docstring(
    variant: str, constant: float, wanted: float
) -> None:
    task = Adding(length=200, variant=variant)
    batch = task.batch("test", 0, 5000, seed=1)
    outputs = torch.full((*batch.inputs.shape[:2], 1), constant)
    figures = task.figures(task.tally(outputs, batch))
    assert figures["mse"] == figures["loss"] == pytest.approx(wanted, rel=0.04)


def test_right_means_nearer_than_4_hundredths() -> None:
    task = Adding(length=20)
    batch = task.batch("test", 0, 4, seed=1)
    outputs = batch.targets[:, None, None].expand(*batch.inputs.shape[:2], 1).clone()
    outputs[0] += 0.039
    outputs[1] -= 0.039
    outputs[2] += 0.041
    outputs[3] -= 0.041
    figures = task.figures(task.tally(outputs, batch))
    assert list(figures) == ["loss", "mse", "accuracy", "errors", "sequences"]
    assert figures["accuracy"] == 0.5
    assert figures["errors"] == 2
    assert figures["sequences"] == 4


def test_the_held_out_set_holds_many_lengths() -> None:
    batches = list(Adding(length=100).evaluation("test", 2560, seed=1))
    assert sum(len(batch.inputs) for batch in batches) == 2560
    assert len({batch.inputs.shape[1] for batch in batches}) > 8
