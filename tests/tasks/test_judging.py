"""How tasks count: bits, vectors of values, one answer a sequence, written answers."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, torch_stream
from seqlab.tasks import Metric, Task


class Bare(Task):
    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        raise NotImplementedError


def task_of(outputs: str, size: int) -> Task:
    task = Bare()
    task.spec = Spec("features", 2, outputs, size, causal=True)  # type: ignore[arg-type]
    return task


def outputs_of(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch_stream(1, "outputs"))


def test_bits_are_counted_each_and_a_sequence_is_right_if_all_are() -> None:
    task = task_of("bits", 3)
    targets = torch.tensor([[[1.0, 0, 1], [0, 0, 1]], [[1, 1, 1], [0, 0, 0]]])
    scores = 8 * targets - 4
    scores[1, 0, 2] = -4  # one bit of the second sequence is wrong
    figures = task.figures(task.tally(scores, Batch(torch.zeros(2, 2, 2), targets)))
    assert figures["accuracy"] == pytest.approx(11 / 12)
    assert (figures["errors"], figures["sequences"], figures["sequence_accuracy"]) == (1, 2, 0.5)
    nats = (11 * math.log1p(math.exp(-4)) + math.log1p(math.exp(4))) / 12
    assert figures["loss"] == pytest.approx(nats)
    assert task.metric.name == "accuracy"


@pytest.mark.parametrize("masked", [False, True])
def test_vectors_of_values_have_a_mean_squared_error_and_nothing_else(masked: bool) -> None:
    task = task_of("values", 3)
    targets, outputs = outputs_of(4, 5, 3), outputs_of(4, 5, 3).flip(0)
    mask = torch.rand(4, 5, generator=torch_stream(2, "mask")) < 0.5 if masked else None
    batch = Batch(torch.zeros(4, 5, 2), targets, mask)
    total = Counter(task.tally(outputs, batch))
    total.update(task.tally(outputs, batch))  # tallies of several batches add up
    figures = task.figures(total)
    there = torch.ones(4, 5, dtype=torch.bool) if mask is None else mask
    assert figures["mse"] == pytest.approx(float(F.mse_loss(outputs[there], targets[there])), rel=1e-6)
    assert set(figures) == {"mse", "loss", "sequences"} == {metric.name for metric in task.metrics}
    assert not task.metric.higher_is_better


def test_one_value_is_one_axis_less() -> None:
    task = task_of("values", 1)
    outputs, targets = outputs_of(4, 5, 1), outputs_of(4, 5)
    loss = task.loss(outputs, Batch(torch.zeros(4, 5, 2), targets))
    assert float(loss) == pytest.approx(float(((outputs[..., 0] - targets) ** 2).mean()))
    last = torch.zeros(4, 5, dtype=torch.bool)
    last[:, -1] = True
    loss = task.loss(outputs, Batch(torch.zeros(4, 5, 2), targets[:, 0], last))
    assert float(loss) == pytest.approx(float(((outputs[:, -1, 0] - targets[:, 0]) ** 2).mean()))


def test_written_answers_are_right_as_a_whole() -> None:
    task = task_of("classes", 9)
    targets = torch.tensor([[0, 4, 5, 8], [0, 0, 6, 8], [0, 3, 7, 8]])
    mask = torch.tensor([[False, True, True, True], [False, False, True, True], [False, True, True, True]])
    written = [np.array([4, 5, 8]), np.array([6]), np.array([3, 1, 8, 8])]
    figures = task.figures(task.tally_written(written, Batch(torch.zeros(3, 4, 2), targets, mask)))
    assert figures == {
        "sequences": 3, "errors": 2, "sequence_accuracy": pytest.approx(1 / 3), "accuracy": pytest.approx(6 / 8),
    }  # fmt: skip


def test_without_a_loss_the_first_metric_chooses_the_weights() -> None:
    class Own(Task):
        metrics = (Metric("points", higher_is_better=True),)
        spec = Spec("tokens", 2, "classes", 2, causal=True)

        def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
            raise NotImplementedError

    assert Own().score({"points": 3.0}) < Own().score({"points": 2.0})
    assert Own().score({"points": 3.0, "loss": 0.5}) == 0.5
