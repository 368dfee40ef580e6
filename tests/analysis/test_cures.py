"""Cures: each panel is what its models measure alone; clipping scales all lags alike."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqlab.analysis.cures import measure_cures
from seqlab.analysis.gradients import measure
from seqlab.configure import load_settings
from seqlab.figures.cures import cures_figure
from seqlab.kinds.cures import CuresExperiment
from seqlab.kinds.gradients import GradientExperiment

SMALL = {"experiment": "cures", "hidden_size": 10, "lags": 40, "seeds": 3}
EXPLODING, VANISHING = (f"rnn[start=orthogonal,spectral_radius={radius}]" for radius in (1.5, 0.5))


def test_panels_are_what_their_models_measure_alone() -> None:
    report = measure_cures(
        CuresExperiment(kind="cures", columns={"cells": ("gru", "irnn")}, input_std=(0.5,), **SMALL)
    )
    (row,) = report.rows
    alone = measure(GradientExperiment(kind="gradients", models=("gru", "irnn"), input_std=0.5, **SMALL))
    for found, wanted in zip(row.columns["cells"].models, alone.models, strict=True):
        np.testing.assert_array_equal(found.spectral.logs, wanted.spectral.logs)
    json.dumps(report.to_dict(), allow_nan=False)


def test_clipping_shortens_what_explodes_and_helps_nothing_that_vanished() -> None:
    settings = CuresExperiment(
        kind="cures", columns={"-": ("rnn",)}, clipped=(EXPLODING, VANISHING), clip_norm=0.5, **SMALL
    )
    weak, strong = measure_cures(settings).rows
    assert (weak.input_std, strong.input_std) == (0.1, 1.0)
    exploding, vanishing = weak.clipped
    for model in (exploding, vanishing):
        factor = np.minimum(1, 0.5 / np.array(model.norm))
        expected = model.loss.logs + np.log10(factor)[:, None]
        np.testing.assert_allclose(model.clipped.logs, expected, rtol=0, atol=1e-12)
        assert model.clipped.rate == pytest.approx(model.loss.rate)  # the fall over the lag stays
    assert max(exploding.norm) > 0.5
    assert vanishing.clipped.mean[-1] <= vanishing.loss.mean[-1] < 1e-8


def test_saturation_makes_a_radius_above_one_vanish() -> None:
    model = "rnn[start=orthogonal,spectral_radius=1.1]"
    settings = CuresExperiment(kind="cures", columns={"-": (model,)}, **{**SMALL, "hidden_size": 50})
    weak, strong = (row.columns["-"].models[0].spectral for row in measure_cures(settings).rows)
    assert weak.mean[-1] > 0.1
    assert strong.mean[-1] < 1e-3


@pytest.mark.parametrize("radius", [0.9, 1.5])
def test_a_gaussian_start_has_its_radius_and_twice_that_as_norm(radius: float) -> None:
    """Around h = 0 the network is linear: its powers grow as the radius, whatever the first steps add."""
    name = f"rnn[start=gaussian,spectral_radius={radius}]"
    settings = CuresExperiment(
        kind="cures", experiment="cures", columns={"-": (name,)}, input_std=(1e-30,), hidden_size=100, lags=100,
        burn_in=0, seeds=3,
    )  # fmt: skip
    (row,) = measure_cures(settings).rows
    (model,) = row.columns["-"].models
    assert model.spectral_radius == pytest.approx([radius] * 3, rel=1e-6)  # weights start in float32
    assert model.sigma_max == pytest.approx([2 * radius] * 3, rel=0.15)  # Geman 1980
    assert model.spectral.mean[0] == pytest.approx(2 * radius, rel=0.15)
    assert model.spectral.mean[-1] == pytest.approx(model.spectral.mean[49] * radius**50, rel=0.5)


def test_the_shipped_experiment_is_drawn_with_every_model_named() -> None:
    settings, _ = load_settings("cures", overrides=["hidden_size=6", "lags=8", "seeds=2", "burn_in=4"])
    assert isinstance(settings, CuresExperiment)
    figure = cures_figure(measure_cures(settings))
    assert len(figure.axes) == 2 * (len(settings.columns) + 1)
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend() is not None]
    named = [text.get_text() for legend in legends for text in legend.get_texts()]
    assert len(named) == sum(map(len, settings.columns.values())) + len(settings.clipped)
    solid = [line for line in figure.axes[3].get_lines() if len(line.get_xdata()) == 8]
    assert [line.get_linestyle() for line in solid] == ["-", "--"] * len(settings.clipped)
