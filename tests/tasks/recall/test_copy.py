from __future__ import annotations

import math

import pytest
import torch

from seqlab.tasks.recall.copy import Copy, repeat


@pytest.mark.parametrize(("lag", "symbols", "recall"), [(1, 2, 1), (5, 8, 3), (30, 8, 10)])
def test_agrees_with_the_oracle(lag: int, symbols: int, recall: int) -> None:
    batch = Copy(lag=lag, symbols=symbols, recall=recall).batch("train", 0, 100, seed=1)
    assert batch.inputs.shape == (100, lag + 2 * recall)
    for row, wanted in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert row[:recall] == wanted[-recall:]
        assert row.index(symbols + 1) == recall + lag - 1
        assert row.count(symbols) == lag - 1 + recall
        assert repeat(row, symbols) == wanted


def test_symbols_are_uniform() -> None:
    inputs = Copy(symbols=8, recall=10).batch("train", 0, 2000, seed=1).inputs[:, :10]
    assert torch.allclose(inputs.flatten().bincount() / 20_000, torch.full((8,), 1 / 8), atol=0.01)


def test_the_memoryless_answer_has_the_memoryless_loss() -> None:
    task = Copy(lag=100)
    batch = task.batch("test", 0, 50, seed=1)
    probability = torch.zeros(50, 120, 9)
    probability[:, :110, 8] = 1
    probability[:, 110:, :8] = 1 / 8
    outputs = probability.clamp(min=1e-30).log()
    figures = task.figures(task.tally(outputs, batch))
    assert figures["loss"] == pytest.approx(10 * math.log(8) / 120, rel=1e-5)


def test_accuracies_count_the_repeated_symbols_alone() -> None:
    task = Copy(lag=30, recall=10)
    batch = task.batch("test", 0, 4, seed=1)
    blanks = torch.zeros(4, 50, 9)
    blanks[..., 8] = 1
    assert task.figures(task.tally(blanks, batch))["accuracy"] == 0

    right = torch.nn.functional.one_hot(batch.targets, 9).float()
    right[0, -1] = right[0, -1].roll(1)  # one symbol of one row is wrong
    right[1, 0] = right[1, 0].roll(1)  # not a repeated symbol
    figures = task.figures(task.tally(right, batch))
    assert figures["accuracy"] == pytest.approx(39 / 40)
    assert figures["sequence_accuracy"] == pytest.approx(3 / 4)
    assert figures["errors"] == 1
