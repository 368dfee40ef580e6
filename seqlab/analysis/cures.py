r"""What helps against vanishing and exploding gradients: starts, other cells, and clipping, at the start.

Clipping is the one cure that changes no Jacobian. Where the gradient g of all weights is longer than c, the
update takes c g / |g|: every d Loss / d h(T-L) counts c / |g| times as much, whatever its lag. It makes an
exploding step harmless and leaves a vanished gradient as it is; what comes from near, beside what exploded,
then counts for nothing (Pascanu, Mikolov & Bengio 2013).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seqlab.analysis.gradients import (
    Curve,
    GradientReport,
    check_cell,
    drive,
    measure,
    one_thread,
    start,
)
from seqlab.contracts import torch_stream
from seqlab.kinds.cures import CuresExperiment
from seqlab.kinds.gradients import GradientExperiment


@dataclass(frozen=True)
class Clipped:
    """A model's gradient of the loss with and without clipping.

    Attributes:
        name: the model as it was written in the settings.
        loss: |d Loss / d h(T-L)|, the loss being the squared error of one read-out of h(T).
        clipped: the same, as far as it counts in the clipped update.
        norm: of the gradient of all weights, for each seed.
    """

    name: str
    loss: Curve
    clipped: Curve
    norm: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "name": self.name,
            "loss": self.loss.to_dict(),
            "clipped": self.clipped.to_dict(),
            "norm": self.norm,
        }


@dataclass(frozen=True)
class Row:
    """All models under one strength of the input.

    Attributes:
        input_std: standard deviation of the input weights.
        columns: title: what was measured of the models in that column.
        clipped: models with and without clipping.
    """

    input_std: float
    columns: dict[str, GradientReport]
    clipped: tuple[Clipped, ...]


@dataclass(frozen=True)
class CuresReport:
    """What was measured, for weak and strong input.

    Attributes:
        experiment: the settings.
        rows: one for each strength of the input.
    """

    experiment: CuresExperiment
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "experiment": self.experiment.model_dump(mode="json", exclude={"presets"}),
            "lags": list(range(1, self.experiment.lags + 1)),
            "rows": [
                {
                    "input_std": row.input_std,
                    "columns": {
                        title: [model.to_dict() for model in report.models]
                        for title, report in row.columns.items()
                    },
                    "clipped": [model.to_dict() for model in row.clipped],
                }
                for row in self.rows
            ],
        }


def measure_cures(experiment: CuresExperiment, on_model: Callable[[str], None] | None = None) -> CuresReport:
    """Measure every model of every column, for every strength of the input.

    Args:
        experiment: the settings; the seeds are 1 to ``experiment.seeds``.
        on_model: called with the name of each model before it is measured.

    Raises:
        SettingsError: when a model or one of its settings cannot be used.
        RunFailedError: when a state or a Jacobian is no finite number.
    """
    rows = []
    for input_std in experiment.input_std:
        columns = {
            title: measure(_gradients(experiment, models, input_std), on_model)
            for title, models in experiment.columns.items()
        }
        settings = _gradients(experiment, experiment.clipped, input_std)
        with one_thread():
            clipped = tuple(_clip(name, settings, experiment.clip_norm) for name in experiment.clipped)
        rows.append(Row(input_std, columns, clipped))
    return CuresReport(experiment, tuple(rows))


def _gradients(experiment: CuresExperiment, models: tuple[str, ...], input_std: float) -> GradientExperiment:
    """Return the settings of one panel."""
    return GradientExperiment.model_construct(
        kind="gradients",
        experiment=experiment.experiment,
        models=models,
        hidden_size=experiment.hidden_size,
        lags=experiment.lags,
        burn_in=experiment.burn_in,
        input_std=input_std,
        seeds=experiment.seeds,
    )


def _clip(name: str, settings: GradientExperiment, clip_norm: float) -> Clipped:
    """Take the gradient of a loss at the end of each seed's sequence."""
    component = check_cell(name, settings)
    logs, norms = [], []
    for seed in range(1, settings.seeds + 1):
        cell = start(component, settings.input_std, seed)
        state, states, prepared = cell.start(1), [], cell.prepare()
        for x_t in drive(settings, seed).unsqueeze(1):
            state = cell.advance(x_t, state, prepared)
            states.append(state[0])
        size = states[-1].shape[1]
        bound = size**-0.5  # as every read-out starts
        readout = torch.empty(1, size, dtype=torch.float64)
        readout.uniform_(-bound, bound, generator=torch_stream(seed, "read-out")).requires_grad_()
        target = torch.randn(1, 1, generator=torch_stream(seed, "target"), dtype=torch.float64)
        loss = F.mse_loss(states[-1] @ readout.t(), target)
        weights = [readout, *cell.parameters()]
        felt = states[-2 : -settings.lags - 2 : -1]  # h(T-1), h(T-2), ...
        gradients = torch.autograd.grad(loss, [*weights, *felt])
        own, back = gradients[: len(weights)], gradients[len(weights) :]
        norms.append(float(torch.cat([part.flatten() for part in own]).norm()))
        logs.append(torch.cat([part.norm()[None] for part in back]).log10().numpy())
    loss_logs = np.stack(logs)  # (S, L)
    factor = np.minimum(1, clip_norm / np.array(norms))[:, None]
    return Clipped(name, Curve(loss_logs), Curve(loss_logs + np.log10(factor)), tuple(norms))
