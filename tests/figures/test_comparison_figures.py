"""What is drawn is what was measured, and nothing lies over it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from seqlab.comparison.entries import Entry
from seqlab.comparison.statistics import kaplan_meier, wilson
from seqlab.configure import load_training
from seqlab.figures.comparison import ladder, learning_curves, overview, styles_of, survival_curves, title_of
from seqlab.figures.style import lines_of

CURVES = {
    "lstm": [([100, 200, 300], [0.2, 0.6, 1.0]), ([100, 200], [0.4, 1.0]), ([100, 200, 300, 400], [0.3] * 4)],
    "rnn": [([100, 200, 300, 400], [0.1, 0.2, float("nan"), 0.3])],
}
SURVIVALS = {
    "lstm": kaplan_meier([300, 200, 400], [True, True, False]),
    "rnn": kaplan_meier([400, 250], [False, False]),
}


def labelled(axes: Axes, model: str) -> tuple[list[float], list[float]]:
    line = next(line for line in axes.get_lines() if line.get_label() == model)
    return np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()


def test_the_thick_line_is_the_median_and_a_run_that_ended_keeps_its_last_value() -> None:
    axes = learning_curves(CURVES, "accuracy").axes[0]
    at, median = labelled(axes, "lstm")
    assert at == [100, 200, 300, 400]
    assert median == pytest.approx([0.3, 0.6, 1.0, 1.0])
    assert "keeps its last value" in axes.get_title()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training sequences seen", "accuracy")


def test_the_band_is_the_quartiles() -> None:
    band = learning_curves(CURVES, "accuracy").axes[0].collections[0].get_paths()[0].vertices
    at_100 = band[band[:, 0] == 100][:, 1]
    assert (at_100.min(), at_100.max()) == pytest.approx((0.25, 0.35))


def test_every_seed_has_a_thin_line() -> None:
    axes = learning_curves(CURVES, "accuracy").axes[0]
    assert sum(line.get_linewidth() < 1 for line in axes.get_lines()) == 4


def test_values_that_are_no_numbers_are_bridged() -> None:
    axes = learning_curves(CURVES, "accuracy").axes[0]
    assert labelled(axes, "rnn") == ([100, 200, 400], pytest.approx([0.1, 0.2, 0.3]))


def test_a_model_without_any_value_is_named() -> None:
    figure = learning_curves({**CURVES, "gru": [([100], [float("nan")])]}, "accuracy")
    assert "gru (no curve)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_survival_steps_down_where_runs_solve_and_bars_mark_the_unsolved() -> None:
    axes = survival_curves(SURVIVALS).axes[0]
    assert labelled(axes, "lstm") == ([0, 200, 300, 400], pytest.approx([1, 2 / 3, 1 / 3, 1 / 3]))
    marks = [line for line in axes.get_lines() if line.get_marker() == "|"]
    assert [np.asarray(line.get_xdata()).tolist() for line in marks] == [[400], [250, 400]]
    assert [np.asarray(line.get_ydata()).tolist() for line in marks] == [[pytest.approx(1 / 3)], [1, 1]]
    assert all(line.get_drawstyle() == "steps-post" for line in axes.get_lines() if line not in marks)


def test_the_ladder_has_wilson_bars() -> None:
    figure = ladder({"lstm": [(5, 5), (2, 5)], "rnn": [(3, 5), (0, 5)]}, ["easy", "hard"], "difficulty")
    axes = figure.axes[0]
    bars = [container for container in axes.containers if isinstance(container, ErrorbarContainer)]
    drawn = [segment[:, 1].tolist() for segment in bars[0].lines[2][0].get_segments()]
    expected = [wilson(5, 5), wilson(2, 5)]
    assert drawn == [pytest.approx([interval.low, interval.high]) for interval in expected]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["easy", "hard"]
    first, second = (np.asarray(bar.lines[0].get_xdata()) for bar in bars)
    assert (first != second).all()


FIGURES = {
    "learning": lambda: learning_curves(CURVES, "accuracy"),
    "survival": lambda: survival_curves(SURVIVALS),
    "overview": lambda: overview(CURVES, SURVIVALS, "accuracy"),
    "ladder": lambda: ladder({"lstm": [(5, 5)], "rnn": [(0, 5)]}, [10], "length (steps)"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_legend_lies_over_no_data(name: str) -> None:
    figure: Figure = FIGURES[name]()
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["lstm", "rnn"]
    assert not any(axes.get_legend() for axes in figure.axes)
    assert not any(legend.get_window_extent().overlaps(axes.get_tightbbox()) for axes in figure.axes)


@pytest.mark.parametrize("name", FIGURES)
def test_models_differ_without_colour(name: str) -> None:
    handles, _ = FIGURES[name]().axes[0].get_legend_handles_labels()
    looks = {
        (line.get_linestyle(), line.get_marker())
        for line in (h[0] if isinstance(h, ErrorbarContainer) else h for h in handles)
    }
    assert len(looks) == 2


def test_a_comparison_says_task_level_and_seeds() -> None:
    experiment = load_training("temporal-order", difficulty="hard")
    other = experiment.model_copy(update={"seed": 2})
    assert title_of([Entry("lstm", experiment), Entry("lstm", other)]) == "temporal-order (hard), 2 seeds"
    ladder_of = [Entry("lstm", experiment, level) for level in ("easy", "hard")]
    assert title_of(ladder_of) == "temporal-order (easy, hard), 1 seed"
    renamed = styles_of([Entry("long memory", experiment), Entry("lstm", experiment)])
    assert renamed["long memory"] == lines_of(["lstm"])[0]  # the colour is the model's, not the label's
