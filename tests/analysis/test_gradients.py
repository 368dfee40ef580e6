"""The gradient through time against autograd, against exact answers, and against reported numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab import plugins, registry
from seqlab.analysis import jacobians
from seqlab.analysis.gradients import Curve, ModelGradient, measure, rows, zeros_in_words
from seqlab.analysis.jacobians import measure_cell, step_jacobians
from seqlab.contracts import Spec
from seqlab.errors import RunFailedError, SettingsError
from seqlab.kinds.gradients import GradientExperiment
from seqlab.models import Cell, Recurrent, build_model
from seqlab.models.recurrent.lstm import LSTM
from seqlab.settings import check, read_experiment

SPEC = Spec(inputs="features", input_size=2, outputs="values", output_size=1, causal=True)

LINEAR = """
import torch
from seqlab.models import Cell


class Linear(Cell):
    \"\"\"A turn of the plane, times a gain; h is its first number and m, of another width, the second.\"\"\"

    parts = ("h", "m")

    def __init__(self, input_size: int, hidden_size: int, *, gain: float = 0.9) -> None:
        super().__init__(input_size, hidden_size)
        cos, sin = torch.tensor(0.5).cos(), torch.tensor(0.5).sin()
        self.A = torch.nn.Parameter(torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])]))
        self.gain = gain

    def start(self, batch):
        return self.A.new_zeros(batch, 1), self.A.new_zeros(batch, 1)

    def step(self, x, state):
        new = self.gain * torch.cat(state, -1) @ self.A.T + x
        return new[:, :1], new[:, 1:]

    def initialise(self, generator):
        pass
"""


def experiment(*models: str, **settings: object) -> GradientExperiment:
    return GradientExperiment(kind="gradients", experiment="test", models=models, **settings)


def measured(*models: str, **settings: object) -> ModelGradient:
    return measure(experiment(*models, **settings)).models[0]


def cell_of(name: str, hidden_size: int = 5, seed: int = 1) -> Cell:
    component = registry.parse_reference(name)
    model = build_model(component.model_copy(update={"hidden_size": hidden_size}), SPEC, seed)
    assert isinstance(model, Recurrent)
    cell = model.cells[0]
    assert isinstance(cell, Cell)
    return cell.double()


def drive(steps: int) -> Tensor:
    return torch.randn(steps, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.fixture
def linear(tmp_path: Path) -> str:
    path = tmp_path / "linear.py"
    path.write_text(LINEAR)
    plugins.admit(str(path))
    return str(path)


@pytest.mark.parametrize("name", ["rnn", "rnn[nonlinearity=relu]", "lstm", "gru"])
def test_every_lag_agrees_with_autograd_through_the_unrolled_network(name: str) -> None:
    cell, x, lags = cell_of(name), drive(11), 7
    state = cell.start(1)
    states = []
    for x_t in x.split(1):
        states.append(torch.cat(state, -1)[0])
        state = cell.step(x_t, state)

    def unrolled(old: Tensor, start: int) -> Tensor:
        parts = old[None].split(5, -1)
        for x_t in x[start:].split(1):
            parts = cell.step(x_t, parts)
        return torch.cat(parts, -1)[0]

    logs = measure_cell(cell, x, lags)
    for lag in range(1, lags + 1):
        start = len(x) - lag
        true = torch.autograd.functional.jacobian(
            lambda old, start=start: unrolled(old, start), states[start]
        )
        expected = {
            "spectral": torch.linalg.matrix_norm(true, ord=2),
            "frobenius": torch.linalg.matrix_norm(true),
            "hidden": torch.linalg.matrix_norm(true[:5, :5], ord=2),
        }
        for key, value in expected.items():
            torch.testing.assert_close(
                10 ** logs[key][lag - 1], value, rtol=1e-10, atol=0, msg=f"{key} at {lag}"
            )


def test_the_step_jacobians_are_those_of_autograd() -> None:
    cell = cell_of("lstm")
    states, x = torch.randn(4, 10, dtype=torch.float64), drive(4)
    found = step_jacobians(cell, x, states)
    for x_t, state, jacobian in zip(x.split(1), states, found, strict=True):
        true = torch.autograd.functional.jacobian(
            lambda s, x_t=x_t: torch.cat(cell.step(x_t, s[None].split(5, -1)), -1)[0], state
        )
        torch.testing.assert_close(jacobian, true, rtol=1e-12, atol=1e-15)


def test_how_many_steps_are_computed_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, x = cell_of("lstm"), drive(20)
    whole = measure_cell(cell, x, 13)
    monkeypatch.setattr(jacobians, "_CHUNK", 3 * 10**2)  # 3 steps of 10 numbers, which do not divide 13
    for key, pieces in measure_cell(cell, x, 13).items():
        torch.testing.assert_close(pieces, whole[key], rtol=0, atol=1e-12)


@pytest.mark.parametrize("gain", [0.9, 0.5, 3.0])
def test_a_users_linear_cell_has_exact_powers_beyond_the_range_of_float64(linear: str, gain: float) -> None:
    model = measured(f"{linear}[gain={gain}]", lags=1500 if gain < 1 else 300, burn_in=0, seeds=1)
    lag = np.arange(1, model.spectral.logs.shape[1] + 1)
    np.testing.assert_allclose(model.spectral.logs[0], lag * np.log10(gain), rtol=1e-6)
    np.testing.assert_allclose(model.frobenius.logs[0], lag * np.log10(gain) + np.log10(2) / 2, rtol=1e-6)
    np.testing.assert_allclose(model.step_bound.logs[0], lag * np.log10(gain), rtol=1e-6)
    hidden = lag * np.log10(gain) + np.log10(np.abs(np.cos(0.5 * lag)))
    np.testing.assert_allclose(model.hidden.logs[0, :200], hidden[:200], rtol=1e-4)
    assert model.spectral.rate == pytest.approx(gain, rel=1e-6)
    assert model.closed_bound is None
    assert model.path is None


@pytest.mark.parametrize(
    ("radius", "input_std", "expected"),
    [
        (0.9, 0.1, (0.9, 3.1e-1, 1.6e-3, 1.8e-6)),
        (1.0, 0.1, (1.0, 7.6e-1, 9.6e-2, 5.6e-3)),
        (1.5, 0.1, (1.5, 6.7, 1.5e2, 3.8e3)),
        (1.1, 1.0, (1.1, 2.1e-1, 7.4e-7, 7.2e-14)),
    ],
)
def test_the_orthogonal_network_vanishes_and_explodes_as_reported(
    radius: float, input_std: float, expected: tuple[float, ...]
) -> None:
    model = measured(f"rnn[start=orthogonal,spectral_radius={radius}]", input_std=input_std)
    for lag, value in zip((1, 10, 50, 100), expected, strict=True):
        # weak input: within a factor of three; strong input scatters over seeds, a power of ten at most
        factor = 3 if input_std < 1 else 10
        assert value / factor < model.spectral.mean[lag - 1] < value * factor
    assert model.sigma_max == pytest.approx([radius] * 5, rel=1e-5)
    assert model.spectral_radius == pytest.approx([radius] * 5, rel=1e-5)
    assert model.within_bounds
    assert model.closed_bound is not None
    np.testing.assert_allclose(model.closed_bound.mean[[0, 99]], [radius, radius**100], rtol=1e-3)


@pytest.mark.parametrize(("bias", "expected"), [(0, 7.9e-31), (1, 2.5e-14), (3, 7.8e-3), (5, 0.51)])
def test_a_constant_forget_gate_keeps_what_its_bias_says(bias: float, expected: float) -> None:
    cell = cell_of(f"lstm[forget_bias={bias}]")
    with torch.no_grad():
        for parameter in cell.parameters():
            if parameter.dim() > 1:
                parameter.zero_()
    logs = measure_cell(cell, drive(120), 100)
    exact = (1 + np.exp(-float(bias))) ** -100
    assert exact == pytest.approx(expected, rel=0.02)
    assert 10 ** float(logs["path"][-1]) == pytest.approx(exact, rel=1e-9)
    assert 10 ** float(logs["path_mean"][-1]) == pytest.approx(exact, rel=1e-9)
    assert 10 ** float(logs["spectral"][-1]) >= exact * (1 - 1e-9)


@pytest.mark.parametrize(
    "model", ["rnn", "rnn[nonlinearity=relu]", "rnn[start=gaussian,spectral_radius=2.0]", "lstm", "gru"]
)
@pytest.mark.parametrize("input_std", [0.0, 2.0])
def test_no_product_exceeds_its_bounds(model: str, input_std: float) -> None:
    assert measured(model, hidden_size=12, lags=60, input_std=input_std).within_bounds


def test_a_broken_bound_is_seen() -> None:
    model = measured("rnn", hidden_size=6, lags=8)
    broken = Curve(model.spectral.logs - np.eye(5, 8) * 1e-6)
    assert not replace(model, step_bound=broken).within_bounds
    assert not replace(model, closed_bound=broken).within_bounds


def test_the_lstm_forgets_more_slowly_than_the_plain_network() -> None:
    report = measure(
        experiment("rnn[start=orthogonal,spectral_radius=0.9]", "lstm[forget_bias=3]", hidden_size=32)
    )
    plain, lstm = rows(report)
    assert float(lstm["lag 100"]) > 100 * float(plain["lag 100"])
    assert float(lstm["rate per step"]) > float(plain["rate per step"])


def test_curves_say_mean_range_and_rate_over_seeds() -> None:
    curve = Curve(np.array([[-1.0, -2.0, -3.0], [-3.0, -4.0, -5.0]]))
    np.testing.assert_allclose(curve.mean, [1e-2, 1e-3, 1e-4])
    np.testing.assert_allclose(curve.low, [1e-3, 1e-4, 1e-5])
    np.testing.assert_allclose(curve.high, [1e-1, 1e-2, 1e-3])
    assert curve.rate == pytest.approx(0.1)
    assert Curve(np.array([[-1.0, -np.inf]])).rate == pytest.approx(0.1)
    assert Curve(np.array([[-np.inf]])).rate == 0


def test_a_network_that_no_longer_answers_has_gradient_zero() -> None:
    cell = cell_of("rnn[nonlinearity=relu]")
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.fill_(0 if parameter.dim() > 1 else -1)
    logs = measure_cell(cell, drive(4), 4)
    assert (10 ** logs["spectral"] == 0).all()
    assert (10 ** logs["step_bound"] == 0).all()


def test_a_report_is_plain_json_and_the_same_every_time() -> None:
    settings = experiment("rnn", "lstm", hidden_size=6, lags=12, seeds=2)
    seen: list[str] = []
    first = json.dumps(measure(settings, seen.append).to_dict(), allow_nan=False)
    assert seen == ["rnn", "lstm"]
    assert first == json.dumps(measure(settings).to_dict(), allow_nan=False)
    data = json.loads(first)
    assert [len(model["spectral"]["mean"]) for model in data["models"]] == [12, 12]
    assert "path" in data["models"][1]


def test_a_table_shows_the_lags_that_were_measured() -> None:
    report = measure(experiment("rnn", hidden_size=6, lags=12, seeds=2))
    (row,) = rows(report)
    assert list(row) == ["model", "lag 1", "lag 10", "lag 12", "rate per step"]
    assert row["lag 10"] == report.models[0].spectral.mean[9]


def test_a_cell_may_say_its_own_size() -> None:
    assert measured("rnn[hidden_size=3]", hidden_size=9, lags=2).frobenius.logs.shape == (5, 2)
    small, large = measured("rnn[hidden_size=3]", lags=2, input_std=0), measured("rnn", lags=2, input_std=0)
    assert small.sigma_max != large.sigma_max


def test_what_cannot_be_measured_is_refused(tmp_path: Path, linear: str) -> None:
    with pytest.raises(SettingsError, match=r"models, lstm\[layers=2\]"):
        measured("lstm[layers=2]")
    with pytest.raises(SettingsError, match=r"there is no setting 'model\.forget'"):
        measured("lstm[forget=2]")
    with pytest.raises(RunFailedError, match="seed 1: The state or its Jacobian is not finite"):
        measured(f"{linear}[gain=1e30]", lags=10, burn_in=20)
    path = tmp_path / "static.py"
    path.write_text(
        "from seqlab.models import SequenceModel\nclass Static(SequenceModel):\n"
        "    def forward(self, inputs, state=None): ...\n    def initialise(self, generator): ...\n"
    )
    plugins.admit(str(path))
    with pytest.raises(SettingsError, match="no recurrent cell"):
        measured(str(path))


def test_the_shipped_experiment_can_be_read() -> None:
    settings = check(read_experiment("vanishing-gradient"))
    assert isinstance(settings, GradientExperiment)
    report = measure(settings.model_copy(update={"hidden_size": 8, "lags": 10, "seeds": 2}))
    assert [row["model"] for row in rows(report)] == list(settings.models)


def test_the_additive_path_is_the_product_of_the_forget_gates() -> None:
    cell, x = cell_of("lstm"), drive(9)
    assert isinstance(cell, LSTM)
    state, forget = cell.start(1), []
    for x_t in x.split(1):
        forget.append(cell.gates(x_t, state)[1][0])
        state = cell.step(x_t, state)
    product = torch.stack(forget[::-1]).cumprod(0)[:6]  # (6, H)
    logs = measure_cell(cell, x, 6)
    torch.testing.assert_close(10 ** logs["path"], product.amax(1))
    torch.testing.assert_close(10 ** logs["path_mean"], product.mean(1))


def test_measuring_leaves_the_number_of_threads_as_it_was() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        measured("rnn", hidden_size=3, lags=2)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_gradient_that_is_exactly_zero_is_left_out_of_the_mean_and_named() -> None:
    logs = np.array([[-1.0, -2.0, -np.inf], [-3.0, -4.0, -5.0]])
    curve = Curve(logs)
    assert curve.zeros.tolist() == [0, 0, 1]
    np.testing.assert_allclose(curve.mean, [1e-2, 1e-3, 1e-5])
    assert Curve(np.full((2, 2), -np.inf)).mean.tolist() == [0, 0]
    told = zeros_in_words("irnn", curve)
    assert told == "irnn: from lag 3 on exactly 0 in some of 2 seeds (1 at lag 3); the mean is of the others."
    assert curve.to_dict()["zeros"] == [0, 0, 1]
