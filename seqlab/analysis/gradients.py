r"""Gradients through time: how far back the end of a sequence is felt. Here at the start of training, for a
random input; :mod:`seqlab.analysis.trained_gradients` measures a run's own network on its own task.

One step of a cell takes the state s(t-1) to s(t); s is h alone, or (h, c) for the LSTM. Its Jacobian is
J(t) = d s(t) / d s(t-1), and what the end knows of the state L steps earlier is the product

    d s(T) / d s(T-L) = J(T) J(T-1) ... J(T-L+1).

T stays fixed at the end and the lag L grows, as back-propagation through time goes. Two bounds hold:

    ||d s(T) / d s(T-L)||_2  <=  ||J(T)||_2 ... ||J(T-L+1)||_2        for every cell
                             <=  (gamma sigma_max(W))^L               for h(t) = phi(W h(t-1) + U x(t) + b)

with sigma_max(W) the greatest singular value of W and gamma the greatest slope of phi, 1 for tanh and relu
(Pascanu, Mikolov & Bengio 2013). So gamma sigma_max < 1 is enough for the gradient to vanish, and
gamma sigma_max > 1 is needed, but not enough, for it to explode.

Shapes: S seeds, L lags, H hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqlab.analysis.jacobians import measure_cell
from seqlab.analysis.states import check_parts
from seqlab.contracts import Spec, torch_stream
from seqlab.errors import RunFailedError, SettingsError
from seqlab.kinds.gradients import GradientExperiment
from seqlab.models import Cell, Input, Recurrent, build_model
from seqlab.models.recurrent.rnn import RNN
from seqlab.registry import check_options, load, parse_reference
from seqlab.settings import Component, Document

Logs = npt.NDArray[np.float64]
Row = dict[str, str | float]

_SPEC = Spec(inputs="features", input_size=1, outputs="values", output_size=1, causal=True)


@dataclass(frozen=True)
class Curve:
    """A quantity that is never negative against the lag, for several seeds.

    Attributes:
        logs: its logarithm to the base 10, (S, L), at the lags 1 to L; minus infinity where it is exactly 0,
            as behind units of a relu that all rest.
    """

    logs: Logs

    @property
    def zeros(self) -> npt.NDArray[np.int64]:
        """In how many seeds it is exactly 0, (L,)."""
        return np.asarray(np.isneginf(self.logs).sum(0))

    @property
    def mean_log(self) -> Logs:
        """The logarithm of the geometric mean over the seeds in which it is not 0, (L,)."""
        known = ~np.isneginf(self.logs)
        total = np.where(known, self.logs, 0.0).sum(0)
        return np.where(known.any(0), total / np.maximum(known.sum(0), 1), -np.inf)

    @property
    def mean(self) -> Logs:
        """The geometric mean over the seeds in which it is not 0, (L,); 0 where there are none."""
        return _power(self.mean_log)

    @property
    def low(self) -> Logs:
        """The least over the seeds, (L,)."""
        return _power(self.logs.min(0))

    @property
    def high(self) -> Logs:
        """The greatest over the seeds, (L,)."""
        return _power(self.logs.max(0))

    @property
    def rate(self) -> float:
        """The factor per step: the slope of the straight line that fits log(mean) against the lag best.

        It is fitted up to where a seed's becomes 0: from there on the mean is of fewer.

        >>> round(Curve(np.log10([[0.5, 0.25, 0.125]])).rate, 12)
        0.5
        """
        log = self.logs.mean(0)
        lag = np.arange(1, len(log) + 1)
        measured = np.isfinite(log)
        if not measured.any():
            return 0.0
        if measured.sum() == 1:
            return float(10 ** (log[measured] / lag[measured])[0])
        return float(10 ** np.polyfit(lag[measured], log[measured], 1)[0])

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for JSON; a number too large for float64 is None."""
        curves = {"mean": self.mean, "low": self.low, "high": self.high}
        data: dict[str, Any] = {key: [_plain(value) for value in curve] for key, curve in curves.items()}
        return data | {"rate": self.rate, "zeros": self.zeros.tolist()}


@dataclass(frozen=True)
class ModelGradient:
    """What was measured of one model.

    Attributes:
        name: the model as it was written in the settings.
        parts: the names of the parts of its state, h first.
        spectral: ||d s(T) / d s(T-L)||_2, the gain of the direction that fares best.
        frobenius: ||d s(T) / d s(T-L)||_F.
        hidden: ||d h(T) / d h(T-L)||_2, the block of h alone.
        hidden_frobenius: ||d h(T) / d h(T-L)||_F.
        step_bound: the product of ||J(t)||_2, which ``spectral`` never exceeds.
        closed_bound: (gamma sigma_max(W))^L, for the plain network; None for others.
        sigma_max: the greatest singular value of W for each seed, likewise.
        spectral_radius: the greatest absolute eigenvalue of W for each seed, likewise.
        path: for a cell with a part c, the additive path: d c(T) / d c(T-L) through c alone, the product of
            the forget gates f(t) elementwise, of the unit where it is greatest. None for others.
        path_mean: likewise, the mean over the units.
        loss_hidden: |d Loss / d h(T-L)|, where there is a task; the loss is that of the answer at T.
        loss_state: |d Loss / d s(T-L)|, likewise.
    """

    name: str
    parts: tuple[str, ...]
    spectral: Curve
    frobenius: Curve
    hidden: Curve
    hidden_frobenius: Curve
    step_bound: Curve
    closed_bound: Curve | None = None
    sigma_max: tuple[float, ...] | None = None
    spectral_radius: tuple[float, ...] | None = None
    path: Curve | None = None
    path_mean: Curve | None = None
    loss_hidden: Curve | None = None
    loss_state: Curve | None = None

    @property
    def within_bounds(self) -> bool:
        """Whether no product exceeds a bound on it, up to rounding in float64 (one part in 10^9)."""
        bounds = [self.step_bound] + ([self.closed_bound] if self.closed_bound else [])
        return all(bool((self.spectral.logs <= bound.logs + 1e-9).all()) for bound in bounds)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        data = vars(self) | {"within_bounds": self.within_bounds}
        return {key: value.to_dict() if isinstance(value, Curve) else value for key, value in data.items()}

    def curves(self) -> dict[str, Curve]:
        """Return everything that was measured against the lag, by name."""
        return {key: value for key, value in vars(self).items() if isinstance(value, Curve)}


@dataclass(frozen=True)
class GradientReport:
    """The gradient through time of several models.

    Attributes:
        experiment: the settings.
        models: what was measured, in the order of the settings.
    """

    experiment: GradientExperiment
    models: tuple[ModelGradient, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "experiment": self.experiment.model_dump(mode="json", exclude={"presets"}),
            "lags": list(range(1, self.experiment.lags + 1)),
            "models": [model.to_dict() for model in self.models],
        }


def measure(experiment: GradientExperiment, on_model: Callable[[str], None] | None = None) -> GradientReport:
    """Measure the gradient through time of every model of an experiment.

    Args:
        experiment: the settings; the seeds are 1 to ``experiment.seeds``.
        on_model: called with the name of each model before it is measured.

    Returns:
        Norms, bounds and rates against the lag.

    Raises:
        SettingsError: when a model or one of its settings cannot be used.
        RunFailedError: when a state or a Jacobian is no finite number.

    >>> settings = {"kind": "gradients", "experiment": "mine", "models": ["rnn"], "hidden_size": 4, "lags": 3}
    >>> report = measure(GradientExperiment(**settings))
    >>> report.models[0].spectral.logs.shape, report.models[0].within_bounds
    ((5, 3), True)
    """
    components = [check_cell(name, experiment) for name in experiment.models]  # refuse before the long work
    models = []
    for name, component in zip(experiment.models, components, strict=True):
        if on_model is not None:
            on_model(name)
        with one_thread():
            models.append(_measure_model(name, component, experiment))
    return GradientReport(experiment, tuple(models))


def combine(name: str, cells: Sequence[Cell], measured: Sequence[Mapping[str, Tensor]]) -> ModelGradient:
    """Put what was measured in several seeds, or on several sequences, together, and assert the bounds.

    Args:
        name: of the model.
        cells: that of each seed; or the one that read all sequences.
        measured: for each seed or sequence logarithms by name, (L,): see
            :func:`seqlab.analysis.jacobians.measure_cell`.
    """
    curves: dict[str, Any] = {
        key: Curve(torch.stack([logs[key] for logs in measured]).numpy()) for key in measured[0]
    }
    found = ModelGradient(name, cells[0].parts, **curves)
    found = replace(found, **_closed_form(cells, found.spectral.logs.shape[1]))
    assert found.within_bounds, f"{name}: a product of Jacobians exceeds its bound"
    return found


def rows(report: GradientReport, lags: tuple[int, ...] = (1, 10, 50, 100)) -> list[Row]:
    """Return a table: each model's spectral norm (geometric mean over seeds) at some lags, and the rate.

    Lags that were not measured are left out; the greatest that was is always there.
    """
    greatest = report.experiment.lags
    shown = [lag for lag in lags if lag < greatest] + [greatest]
    return [
        {"model": model.name}
        | {f"lag {lag}": float(model.spectral.mean[lag - 1]) for lag in shown}
        | {"rate per step": model.spectral.rate}
        for model in report.models
    ]


def zeros_in_words(name: str, curve: Curve, of: str = "seeds") -> str:
    """Say from which lag on a gradient is exactly 0 in some seeds; an empty text where it never is.

    Args:
        name: of what was measured.
        curve: what was.
        of: what the curves of it are.

    >>> zeros_in_words("irnn", Curve(np.log10([[0.5, 0.2], [0.5, 0.1]])))
    ''
    """
    if not curve.zeros.any():
        return ""
    first, last = int((curve.zeros > 0).argmax()) + 1, int(curve.zeros[-1])
    return (
        f"{name}: from lag {first} on exactly 0 in some of {len(curve.logs)} {of} ({last} at lag "
        f"{len(curve.zeros)}); the mean is of the others."
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: many small matrices take longer shared out, on a busy machine by far."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _measure_model(name: str, component: Component, experiment: GradientExperiment) -> ModelGradient:
    cells, measured = [], []
    for seed in range(1, experiment.seeds + 1):
        cells.append(start(component, experiment.input_std, seed))
        try:
            measured.append(measure_cell(cells[-1], drive(experiment, seed), experiment.lags))
        except RunFailedError as error:
            raise RunFailedError(f"models, {name}, seed {seed}: {error.message}") from None
    return combine(name, cells, measured)


def drive(experiment: GradientExperiment, seed: int) -> Tensor:
    """Return what drives the networks of a seed: one N(0, 1) feature, (burn_in + lags, 1)."""
    steps, generator = experiment.burn_in + experiment.lags, torch_stream(seed, "drive")
    return torch.randn(steps, _SPEC.input_size, generator=generator, dtype=torch.float64)


def check_cell(name: str, experiment: GradientExperiment) -> Component:
    """Check one model of the settings; a cell has the experiment's size unless it says another."""
    written = parse_reference(name)
    if not issubclass(load("model", written.name), Cell):
        raise SettingsError(f"models, {name}: it is no recurrent cell, so it has no step to differentiate.")
    sized = Component(**{"hidden_size": experiment.hidden_size, **written.options, "name": written.name})
    component = check_options("model", sized, Document({}, f"models, {name}"))
    if component.options.get("layers", 1) != 1 or component.options.get("bidirectional", False):
        raise SettingsError(
            f"models, {name}: the gradient is measured through one layer that reads forwards.",
            hint="Leave out layers and bidirectional.",
        )
    return component


def start(component: Component, input_std: float, seed: int) -> Cell:
    """Build a cell as training would start it, but for its input.

    The input weights are N(0, input_std^2). The plain network has b = 0, so that only W and the strength of
    the input decide how far its units saturate; a gated cell keeps its biases, which set its memory.
    """
    model = build_model(component, _SPEC, seed)
    assert isinstance(model, Recurrent)
    cell = model.cells[0]
    assert isinstance(cell, Cell)
    check_parts(cell, component.name)
    generator = torch_stream(seed, "input weights")
    with torch.no_grad():
        for module in cell.modules():
            if isinstance(module, Input):
                module.weight.normal_(0, input_std, generator=generator)
        if isinstance(cell, RNN):
            cell.input.bias.zero_()
    return cell.double()


def _closed_form(cells: Sequence[Cell], lags: int) -> dict[str, Any]:
    """Return closed_bound, sigma_max and spectral_radius of plain networks; nothing for other cells."""
    plain = [cell for cell in cells if isinstance(cell, RNN) and type(cell).step is RNN.step]
    if not plain:
        return {}
    weights = torch.stack([cell.W.detach() for cell in plain])  # (S, H, H)
    sigma = torch.linalg.matrix_norm(weights, ord=2)
    lag = torch.arange(1, lags + 1, dtype=torch.float64)
    return {
        "closed_bound": Curve((lag * sigma[:, None].log10()).numpy()),  # gamma = 1 for tanh and relu
        "sigma_max": tuple(sigma.tolist()),
        "spectral_radius": tuple(torch.linalg.eigvals(weights).abs().amax(1).tolist()),
    }


def _power(logs: Logs) -> Logs:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(10.0**logs)


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
