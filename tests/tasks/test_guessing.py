"""What guessing comes to: known answers, and an independent count."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab import registry
from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.models import build_model
from seqlab.settings import Component
from seqlab.tasks import Task, build_task
from seqlab.training.evaluation import evaluate

SMALL = {
    "char-lm": {"corpus": "miniature"},
    "labels": {"table": str(Path(__file__).parent / "own" / "small.csv")},
    "near-words": {"corpus": "miniature"},
    "translate": {"pairs": str(Path(__file__).parent / "pairs" / "small.tsv")},
}


class Unequal(Task):
    """Nine answers in ten are class 2 of 3, whatever is read; one target a sequence."""

    spec = Spec("tokens", 2, "classes", 3, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        stream = numpy_stream(seed, split, index)
        answers = np.where(stream.random(size) < 0.9, 2, 0)
        mask = torch.zeros(size, 4, dtype=torch.bool)
        mask[:, -1] = True
        inputs = torch.from_numpy(stream.integers(0, 2, (size, 4)))
        return Batch(inputs, torch.from_numpy(answers), mask)


class Spread(Task):
    """Two values at every step, with means 3 and -1 and standard deviations 2 and 0.5."""

    spec = Spec("features", 1, "values", 2, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        stream = numpy_stream(seed, split, index)
        values = stream.normal([3, -1], [2, 0.5], (size, 5, 2)).astype(np.float32)
        return Batch(torch.zeros(size, 5, 1), torch.from_numpy(values))


def test_the_commonest_class_is_the_answer() -> None:
    task = Unequal()
    figures = task.guess(1000, seed=3).figures
    targets = torch.cat([batch.targets for batch in task.evaluation("test", 1000, 3)])
    assert figures["accuracy"] == pytest.approx(int((targets == 2).sum()) / 1000)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert figures["loss"] == pytest.approx(entropy, abs=0.05)
    assert figures["loss"] < math.log(3) / 2, "the shares of the classes count, not only their number"


def test_of_values_the_mean_is_the_answer() -> None:
    figures = Spread().guess(1000, seed=3).figures
    assert figures["mse"] == pytest.approx((2**2 + 0.5**2) / 2, rel=0.05)


def test_of_bits_each_has_a_share_of_its_own() -> None:
    figures = build_task(Component(name="echo")).guess(500, seed=1).figures
    assert figures["accuracy"] == pytest.approx(0.5, abs=0.01)
    assert figures["loss"] == pytest.approx(math.log(2), abs=0.001)


def test_copying_without_memory() -> None:
    figures = build_task(Component(name="copy", lag=30, symbols=8, recall=10)).guess(10, seed=1).figures
    assert figures["loss"] == pytest.approx(10 * math.log(8) / 50), "Arjovsky, Shah & Bengio 2016"
    assert figures["accuracy"] == 1 / 8


@pytest.mark.parametrize("block", [None, 64])
def test_of_a_text_it_is_what_the_model_that_counts_comes_to(block: int | None) -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", block=block))
    model = build_model(Component(name="ngram", order=3), task.spec, seed=1)
    model.count(task.text("train"))  # type: ignore[operator]
    counted = evaluate(model, task, task.evaluation("test", 1, 1))
    guess = task.guess(1, seed=1)
    assert guess.name == "3-gram"
    assert guess.figures["loss"] == pytest.approx(counted["loss"], rel=1e-5)
    assert guess.figures["accuracy"] == pytest.approx(counted["accuracy"], abs=0.03)


@pytest.mark.parametrize("name", registry.names("task"))
def test_every_task_has_a_guess_in_its_main_metric(name: str) -> None:
    task = build_task(Component(name=name, **SMALL.get(name, {})))
    guess = task.guess(64, seed=1)
    assert task.metric.name in guess.figures
    assert guess.figures.keys() <= {metric.name for metric in task.metrics}
    assert all(map(math.isfinite, guess.figures.values()))
