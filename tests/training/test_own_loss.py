"""Models that learn from more than their answers: a loss of their own, and what they pay besides."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from seqlab.contracts import Batch, State, torch_stream
from seqlab.models import Judge, Recurrent
from seqlab.models.recurrent.rnn import RNN
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import evaluate, fit, new_learner
from seqlab.training.loop import loss_of

SGD = Training(
    steps=40, batch_size=8, optimizer="sgd", learning_rate=0.5, evaluate_every=40, evaluation_sequences=20
)


class Paying(Recurrent):
    """A network that pays for each row the square of a bias of its answers."""

    def paid(self, state: State) -> Tensor:
        return self.readout.bias[0].square().expand(len(state[0][0]))


class Contrary(Recurrent):
    """A network that learns to answer with class 1, whatever is right."""

    def learn(self, task: Judge, batch: Batch) -> Tensor:
        outputs, _ = self(batch.inputs)
        return task.loss(outputs, replace(batch, targets=torch.ones_like(batch.targets)))


def made(cls: type[Recurrent], name: str = "temporal-order") -> tuple[Recurrent, Task]:
    task = build_task(Component(name=name))
    model = cls(RNN, task.spec, hidden_size=4)
    model.initialise(torch_stream(1, "weights"))
    return model, task


@pytest.mark.parametrize("name", ["temporal-order", "echo", "copy-bits"])  # a class, values and bits
def test_what_is_paid_is_spread_over_what_counts(name: str) -> None:
    (paying, task), (plain, _) = made(Paying, name), made(Recurrent, name)
    with torch.no_grad():
        for model in (paying, plain):
            model.readout.bias[0] = 3
    batch = task.batch("test", 0, 5, 1)
    counted = batch.select(plain(batch.inputs)[0])[1].numel()
    more = loss_of(paying, task, batch)[0] - loss_of(plain, task, batch)[0]
    assert more.item() == pytest.approx(5 * 9 / counted, rel=1e-4)


def test_what_is_paid_is_judged_and_learned_from() -> None:
    (paying, task), (plain, _) = made(Paying), made(Recurrent)
    with torch.no_grad():
        for model in (paying, plain):
            model.readout.bias += 1
    judged = [evaluate(model, task, task.evaluation("test", 20, 1)) for model in (paying, plain)]
    bias = float(plain.readout.bias[0].detach())
    assert judged[0]["loss"] == pytest.approx(judged[1]["loss"] + bias**2, rel=1e-5)
    assert judged[0]["accuracy"] == judged[1]["accuracy"]
    for model in (paying, plain):
        list(fit(new_learner(model, SGD), task, SGD, seed=1))
    assert abs(paying.readout.bias[0]) < abs(plain.readout.bias[0]) / 2


def test_a_loss_of_its_own_takes_the_place_of_the_tasks() -> None:
    model, task = made(Contrary)
    list(fit(new_learner(model, SGD), task, SGD, seed=1))
    batch = task.batch("test", 0, 50, 1)
    selected, _ = batch.select(model(batch.inputs)[0])
    assert (selected.argmax(-1) == 1).all()
    assert loss_of(model, task, batch)[0] < 0.2
