from __future__ import annotations

import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from seqlab.configure import load_settings
from seqlab.figures.style import lines_of
from seqlab.figures.trials import trials_figure
from seqlab.runs.trials import OptionCurve, option_curves
from seqlab.session import begin, train


def drawn(trained: tuple[float, float] | None):
    curves = {
        "lstm": [
            OptionCurve("length", "shown", ((20, 1.0), (100, value)), trained) for value in (0.5, 0.7, 0.9)
        ]
    }
    (style,) = lines_of(["lstm"])
    return trials_figure(curves, "accuracy", True, {"lstm": style}, "a title").axes[0]


def test_the_range_of_training_is_shaded() -> None:
    (span,) = [patch for patch in drawn((1.0, 40.0)).patches if isinstance(patch, Rectangle)]
    assert (span.get_x(), span.get_x() + span.get_width()) == (1.0, 40.0)


def test_one_value_of_training_is_a_line() -> None:
    axes = drawn((40.0, 40.0))
    assert not axes.patches
    assert [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == ":"] == [[40.0, 40.0]]
    assert not drawn(None).patches


def test_the_thick_line_is_the_median() -> None:
    axes = drawn(None)
    (median,) = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    assert list(median.get_ydata()) == [1.0, 0.7]


def test_bars_reach_from_the_least_to_the_greatest_seed() -> None:
    (bars,) = [part for part in drawn(None).collections if isinstance(part, LineCollection)]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [[1.0, 1.0], [0.5, 0.9]]


def test_a_run_on_drawn_lengths_says_which(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    words = [
        "training.steps=1",
        "training.test_sequences=20",
        "training.evaluation_sequences=20",
        "task.longest=30",
    ]
    experiment, _ = load_settings("parity-check", model="rnn[hidden_size=2]", overrides=words)
    run, session = begin(experiment, command="test")
    train(run, session)
    (curve,) = option_curves(run, "accuracy")
    assert (curve.option, curve.trained) == ("length", (1.0, 30.0))
    assert [length for length, _ in curve.points] == [20, 40, 60, 100, 200, 300, 400, 500]
