"""The gradient through time of a run's own network, against autograd through the unrolled network."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.analysis.trained_gradients import Moment, measure_network, to_csv, train_again
from seqlab.configure import load_settings
from seqlab.errors import UsageError
from seqlab.models import Recurrent
from seqlab.session import begin, open_session, reopen, train


def opened(name: str, *words: str):
    return open_session(load_settings(name, overrides=[*words, "training.test_sequences=4"])[0])


def true_jacobian(network: Recurrent, x: torch.Tensor, layer: int, lag: int) -> torch.Tensor:
    """d s(T) / d s(T-lag) of one layer, by running the whole network from there on."""
    cells, states = list(network.cells), []
    state = [cell.start(1) for cell in cells]

    def step(x_t, state):
        new = []
        for cell, old in zip(cells, state, strict=True):
            new.append(cell.step(x_t, old))
            x_t = new[-1][0]
        return new

    for x_t in x.unsqueeze(1):
        state = step(x_t, state)
        states.append(state)
    before = states[-1 - lag]
    widths = [part.shape[1] for part in before[layer]]

    def end(own):
        now = [*before[:layer], torch.split(own[None], widths, -1), *before[layer + 1 :]]
        for x_t in x[len(x) - lag :].unsqueeze(1):
            now = step(x_t, now)
        return torch.cat(now[layer], -1)[0]

    return torch.autograd.functional.jacobian(end, torch.cat(before[layer], -1)[0].detach())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temporal-order", ["model.hidden_size=4"]),
        ("adding", ["task.length=20", "model.hidden_size=3", "model.layers=2"]),
    ],
)
def test_every_layer_agrees_with_autograd_on_a_sequence_of_the_task(name: str, words: list[str]) -> None:
    session = opened(name, *words)
    found = measure_network(session.model, session.task, lags=5, sequences=1, seed=3)
    batch = session.task.batch("test", 0, 1, 3)
    x = batch.inputs[0]
    x = x.double() if x.is_floating_point() else x[x >= 0]
    network = session.model.double()
    for layer, model in enumerate(found):
        for lag in range(1, model.spectral.logs.shape[1] + 1):
            true, size = true_jacobian(network, x, layer, lag), network.hidden_size
            values = {
                "spectral": torch.linalg.matrix_norm(true, ord=2),
                "frobenius": torch.linalg.matrix_norm(true),
                "hidden": torch.linalg.matrix_norm(true[:size, :size], ord=2),
                "hidden_frobenius": torch.linalg.matrix_norm(true[:size, :size]),
            }
            for key, value in values.items():
                assert model.curves()[key].mean[lag - 1] == pytest.approx(float(value), rel=1e-8), (key, lag)


@pytest.mark.parametrize("name", ["temporal-order", "adding", "copy"])
def test_the_loss_is_that_of_the_last_answer(name: str) -> None:
    session = opened(name, "model.hidden_size=4")
    (model,) = measure_network(session.model, session.task, lags=3, sequences=1, seed=2)
    network, batch = session.model.double(), session.task.batch("test", 0, 1, 2)
    x = batch.inputs[0]
    x = x.double() if x.is_floating_point() else x[x >= 0]
    (cell,) = network.cells
    state = cell.start(1)
    for x_t in x[:-2].unsqueeze(1):
        state = cell.step(x_t, state)
    h = state[0].detach().requires_grad_()  # two steps before the end
    state = (h, *(part.detach() for part in state[1:]))
    for x_t in x[-2:].unsqueeze(1):
        state = cell.step(x_t, state)
    answer, target = network.readout(state[0]), batch.targets.flatten()[-1:]
    if session.task.spec.outputs == "classes":
        loss = torch.nn.functional.cross_entropy(answer, target)
    else:
        loss = (answer[0, 0] - target[0].double()) ** 2
    (gradient,) = torch.autograd.grad(loss, h)
    assert model.loss_hidden is not None
    assert model.loss_hidden.mean[1] == pytest.approx(float(gradient.norm()), rel=1e-8)


def test_measuring_leaves_the_network_as_it_was() -> None:
    session = opened("temporal-order")
    before = {name: part.clone() for name, part in session.model.state_dict().items()}
    measure_network(session.model, session.task, sequences=1)
    for name, part in session.model.state_dict().items():
        assert part.dtype == torch.float32
        assert torch.equal(part, before[name])


def test_training_again_gives_the_weights_of_each_step() -> None:
    def weights(steps: list[int]) -> list[torch.Tensor]:
        session = opened("temporal-order", "training.steps=4", "training.evaluate_every=4")
        return [
            torch.cat([part.flatten() for part in model.state_dict().values()]).clone()
            for _, model in train_again(session, steps)
        ]

    zero, two, four = weights([4, 0, 2])
    assert not torch.equal(zero, two)
    assert torch.equal(weights([2])[0], two)
    assert torch.equal(weights([4])[0], four)
    with pytest.raises(UsageError, match=r"ends at step 4; there is no step 5"):
        weights([5])


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_training_again_gives_the_weights_of_the_run(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    words = ["training.steps=6", "training.evaluate_every=3", f"training.engine={engine}"]
    run, session = begin(load_settings("temporal-order", overrides=words)[0], command="test")
    train(run, session)
    had = torch.load(run.last_checkpoint, weights_only=True)["model"]
    [(_, network)] = train_again(reopen(run), [6])
    for name, weights in network.state_dict().items():
        torch.testing.assert_close(weights, had[name], rtol=0, atol=0)


def test_a_table_holds_every_lag_of_every_layer() -> None:
    session = opened("adding", "task.length=20", "model.hidden_size=3", "model.layers=2")
    layers = measure_network(session.model, session.task, sequences=2)
    lines = list(csv.DictReader(io.StringIO(to_csv([Moment("start", layers), Moment("end", layers)]))))
    lags = layers[0].spectral.logs.shape[1]
    assert len(lines) == 2 * 2 * lags
    assert float(lines[lags]["spectral"]) == pytest.approx(layers[1].spectral.mean[0], rel=1e-5)
    np.testing.assert_allclose(float(lines[1]["loss_hidden"]), layers[0].loss_hidden.mean[1], rtol=1e-5)
