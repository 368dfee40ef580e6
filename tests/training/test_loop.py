"""The loop against a by-hand computation, and everything that may end it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from seqlab.errors import NonFiniteLossError, UnknownNameError
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import evaluate, fit, new_learner
from seqlab.training.loop import is_solved


def make(model: dict[str, object] | None = None, task: str = "temporal-order") -> tuple[SequenceModel, Task]:
    built = build_task(Component(name=task))
    return build_model(
        Component(**{"name": "rnn", "hidden_size": 4, **(model or {})}), built.spec, seed=1
    ), built


def run(settings: Training, model: dict[str, object] | None = None, task: str = "temporal-order") -> list:
    network, built = make(model, task)
    learner = new_learner(network, settings)
    return list(fit(learner, built, settings, seed=1))


def test_three_steps_of_sgd_equal_the_same_steps_by_hand() -> None:
    settings = Training(
        steps=3, batch_size=5, optimizer="sgd", learning_rate=0.5, clip_norm=0.25, evaluate_every=10
    )
    network, task = make()
    by_hand, _ = make()
    learner = new_learner(network, settings)
    records = list(fit(learner, task, settings, seed=7))
    for index, record in enumerate(records):
        batch = task.batch("train", index, 5, 7)
        outputs, _ = by_hand(batch.inputs)
        loss = F.cross_entropy(outputs[:, -1], batch.targets)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
        scale = min(1.0, 0.25 / (norm + 1e-6))
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                parameter -= 0.5 * scale * gradient
        assert record.loss == pytest.approx(float(loss.detach()), rel=1e-5)
        assert record.grad_norm == pytest.approx(norm, rel=1e-5)
        assert record.sequences == 5 * (index + 1)
    assert records[-1].grad_norm > 0.25  # so that the clipping was at work
    for ours, theirs in zip(network.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_truncated_bptt_carries_the_state_and_cuts_the_gradient() -> None:
    """In a stream, step n starts from the detached state of step n - 1; with a fresh stream, from zeros."""
    settings = Training(steps=4, batch_size=2, optimizer="sgd", learning_rate=1e-9, evaluate_every=100)
    network, task = make({"name": "lstm"}, task="echo")
    learner = new_learner(network, settings)
    state = None
    for index, record in enumerate(fit(learner, task, settings, seed=3)):
        batch = task.batch("train", index, 2, 3)
        assert batch.continues == (index > 0)
        with torch.no_grad():  # the weights hardly move at this rate
            outputs, state = network(batch.inputs, state if batch.continues else None)
        assert record.loss == pytest.approx(float(task.loss(outputs, batch)), rel=1e-4)
        assert learner.carried is not None
        for ours, theirs in zip(learner.carried[0], state[0], strict=True):
            assert not ours.requires_grad
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_a_solved_task_ends_the_run_at_that_validation() -> None:
    records = run(
        Training(steps=500, batch_size=1, learning_rate=1e-2, evaluate_every=10, stop_when={"accuracy": 1.0}),
        {"hidden_size": 8},
        task="hello",
    )
    assert records[-1].validation is not None
    assert records[-1].validation.solved
    assert records[-1].step < 500
    assert all(record.validation is None or not record.validation.solved for record in records[:-1])


def test_patience_ends_a_run_that_no_longer_improves() -> None:
    settings = Training(
        steps=500, batch_size=1, optimizer="sgd", learning_rate=1e-12, evaluate_every=5, patience=3
    )
    records = run(settings, task="hello")
    assert records[-1].step == 5 * (1 + 3)  # the first validation is the best, three follow


def test_a_last_step_is_always_judged() -> None:
    records = run(Training(steps=7, batch_size=4, evaluate_every=5))
    assert [record.step for record in records if record.validation] == [5, 7]


def test_a_loss_that_is_not_finite_stops_before_the_weights_are_touched() -> None:
    settings = Training(steps=50, optimizer="sgd", learning_rate=100.0, clip_norm=None, evaluate_every=100)
    network, task = make({"name": "rnn", "nonlinearity": "relu", "hidden_size": 16})
    learner = new_learner(network, settings)
    norms: list[float] = []
    with pytest.raises(NonFiniteLossError) as caught:
        norms.extend(record.grad_norm for record in fit(learner, task, settings, seed=1))
    assert f"{norms[-1]:.3g}" in caught.value.message
    assert f"step {len(norms) + 1}" in caught.value.message
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())


def test_averaged_weights_are_judged_and_the_trained_ones_come_back() -> None:
    settings = Training(steps=6, batch_size=4, learning_rate=0.1, averaging=0.99, evaluate_every=6)
    network, task = make()
    learner = new_learner(network, settings)
    average = [parameter.detach().clone() for parameter in network.parameters()]
    for record in fit(learner, task, settings, seed=1):
        decay = min(0.99, record.step / (9 + record.step))
        average = [
            decay * mean + (1 - decay) * parameter.detach()
            for mean, parameter in zip(average, network.parameters(), strict=True)
        ]
    assert record.validation is not None
    trained = [parameter.detach().clone() for parameter in network.parameters()]
    with torch.no_grad():
        for parameter, mean in zip(network.parameters(), average, strict=True):
            parameter.copy_(mean)
    metrics = evaluate(network, task, task.evaluation("validation", settings.evaluation_sequences, 1))
    assert record.validation.metrics["loss"] == pytest.approx(metrics["loss"], rel=1e-5)
    assert any(not torch.equal(a, b) for a, b in zip(trained, average, strict=True))


def test_training_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    run(Training(steps=5, batch_size=4, evaluate_every=5), {"dropout": 0.5, "layers": 2})
    assert torch.equal(before, torch.random.get_rng_state())


def test_dropout_differs_from_step_to_step_but_not_from_run_to_run() -> None:
    """The data of hello are the same at every step, and the weights at this rate: noise alone is left."""
    settings = Training(steps=4, batch_size=1, optimizer="sgd", learning_rate=1e-12, evaluate_every=9)

    def losses(dropout: float) -> list[float]:
        return [record.loss for record in run(settings, {"dropout": dropout, "hidden_size": 16}, "hello")]

    assert len(set(losses(0.0))) == 1
    assert len(set(losses(0.5))) == 4
    assert losses(0.5) == losses(0.5)


@pytest.mark.parametrize(
    ("metrics", "wanted", "solved"),
    [
        ({"accuracy": 0.99, "loss": 0.1}, {"accuracy": 0.99}, True),
        ({"accuracy": 0.98, "loss": 0.1}, {"accuracy": 0.99}, False),
        ({"accuracy": 0.98, "loss": 0.1}, {"loss": 0.1}, True),
        ({"accuracy": 0.98, "loss": 0.2}, {"loss": 0.1}, False),
        ({"accuracy": 1.0, "loss": 0.2}, {"accuracy": 1.0, "loss": 0.1}, False),
        ({"accuracy": 1.0, "errors": 0}, {"errors": 0}, True),
        ({"accuracy": 1.0}, {}, False),
    ],
)
def test_stop_when(metrics: dict[str, float], wanted: dict[str, float], solved: bool) -> None:
    assert is_solved(metrics, wanted, make()[1]) is solved


def test_stop_when_names_an_unknown_metric_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        is_solved({"accuracy": 1.0, "loss": 0.2}, {"acuracy": 1.0}, make()[1])
