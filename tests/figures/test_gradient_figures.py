"""The picture of the gradient through time shows what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.analysis.gradients import Curve, GradientReport, ModelGradient
from seqlab.analysis.trained_gradients import Moment
from seqlab.figures.gradients import gradient_figure, run_figure
from seqlab.kinds.gradients import GradientExperiment

LAG = np.arange(1, 21)


def curve(rate: float) -> Curve:
    """Two seeds, ten times above and ten times below rate^L."""
    log = LAG * np.log10(rate)
    return Curve(np.stack([log - 1, log + 1]))


def model(name: str, rate: float, **more: Curve) -> ModelGradient:
    both = curve(rate)
    return ModelGradient(name, ("h",), both, both, both, both, both, **more)


def drawn(*models: ModelGradient) -> Figure:
    settings = GradientExperiment.model_construct(
        kind="gradients", experiment="test", models=(), lags=len(LAG), seeds=2
    )
    return gradient_figure(GradientReport(settings, models))


@pytest.fixture
def figure() -> Figure:
    return drawn(
        model("rnn", 0.5, closed_bound=curve(0.8)),
        model("lstm", 0.9, path_mean=curve(0.7)),
        model("gru", 0.6),
    )


def lines(figure: Figure, dashes: str) -> list[np.ndarray]:
    (ax,) = figure.axes
    return [
        np.asarray(line.get_ydata())
        for line in ax.get_lines()
        if line.get_linestyle() == dashes and len(line.get_xdata()) == len(LAG)
    ]


def legend_texts(figure: Figure) -> str:
    legends = figure.legends  # above and below the picture, never over the lines
    assert all(ax.get_legend() is None for ax in figure.axes)
    return "\n".join(text.get_text() for legend in legends for text in legend.get_texts())


def test_each_line_is_the_geometric_mean_that_was_measured(figure: Figure) -> None:
    for shown, rate in zip(lines(figure, "-"), (0.5, 0.9, 0.6), strict=True):
        np.testing.assert_allclose(shown, rate**LAG)


def test_bounds_are_dashed_and_additive_paths_dotted(figure: Figure) -> None:
    (bound,) = lines(figure, "--")
    (path,) = lines(figure, ":")
    np.testing.assert_allclose(bound, 0.8**LAG)
    np.testing.assert_allclose(path, 0.7**LAG)
    assert "bound" in legend_texts(figure)
    assert "forget gates" in legend_texts(figure)


def test_the_legend_explains_only_lines_that_are_drawn() -> None:
    text = legend_texts(drawn(model("gru", 0.6)))
    assert "bound" not in text
    assert "forget gates" not in text


def test_bands_reach_from_the_least_to_the_greatest_seed(figure: Figure) -> None:
    (ax,) = figure.axes
    for band, rate in zip(ax.collections, (0.5, 0.9, 0.6), strict=True):
        (path,) = band.get_paths()
        assert path.vertices[:, 1].min() == pytest.approx(rate**20 / 10)
        assert path.vertices[:, 1].max() == pytest.approx(rate * 10)


def test_models_are_named_with_their_rates(figure: Figure) -> None:
    text = legend_texts(figure)
    for name, rate in (("rnn", "0.5"), ("lstm", "0.9"), ("gru", "0.6")):
        assert f"{name}: {rate} per step" in text


def test_one_is_marked_on_a_logarithmic_axis(figure: Figure) -> None:
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert [1, 1] in [list(line.get_ydata()) for line in ax.get_lines()]
    assert ax.get_ylim()[0] < 0.5**20 < 1 < ax.get_ylim()[1]


@pytest.mark.parametrize("rate", [1e-40, 1e40, 0.0])
def test_what_no_axis_can_show_is_drawn_all_the_same(rate: float) -> None:
    with np.errstate(divide="ignore"):
        figure = drawn(model("extreme", rate))
    (ax,) = figure.axes
    assert isinstance(ax, Axes)
    assert np.isfinite(ax.get_ylim()).all()
    figure.canvas.draw()


def test_where_a_seed_becomes_zero_a_cross_stands_and_the_line_goes_on() -> None:
    logs = np.stack([LAG * -0.1, np.where(LAG < 11, LAG * -0.3, -np.inf)])
    both = Curve(logs)
    figure = drawn(ModelGradient("irnn", ("h",), both, both, both, both, both))
    (ax,) = figure.axes
    (cross,) = [line for line in ax.get_lines() if line.get_marker() == "X"]
    assert list(cross.get_xdata()) == [10]
    (mean,) = lines(figure, "-")
    assert mean[-1] == pytest.approx(10**-2.0)
    assert ax.get_ylim()[0] > 1e-5
    assert "0 in a further seed" in legend_texts(figure)


def test_every_panel_has_the_rates_of_its_own_lines() -> None:
    def layer(name: str, rate: float) -> ModelGradient:
        loss = curve(rate / 2)
        return ModelGradient(
            name, ("h", "c"), *[curve(rate)] * 2, *[curve(rate * 0.9)] * 2, curve(1.0), loss_hidden=loss
        )

    moments = [Moment(label, (layer("layer 1", rate),)) for label, rate in (("start", 0.8), ("trained", 0.6))]
    figure = run_figure(moments, "a run", "gru")
    rates = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in figure.axes]
    assert rates == [
        ["start: 0.72", "trained: 0.54"],
        ["start: 0.8", "trained: 0.6"],
        ["start: 0.4", "trained: 0.3"],
    ]
