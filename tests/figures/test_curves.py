"""Learning curves: what is drawn is what was recorded."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.figures import style
from seqlab.figures.curves import BLOCKS, curves, pick_metric, series, smoothed, sparkline


def recorded(scale: float = 1.0, steps: int = 200) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for step in range(20, steps + 1, 20):
        lines.append({"step": step, "sequences": 32 * step, "loss": scale / step, "grad_norm": scale * step})
        if step % 100 == 0:
            validation = {"validation_loss": 2 * scale / step, "validation_accuracy": step / steps}
            lines.append({"step": step, "sequences": 32 * step, "validation_errors": 3, **validation})
    return lines


def lines_of(ax: Axes) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()]  # type: ignore[arg-type]


def panel(figure: Figure, label: str) -> Axes:
    return next(ax for ax in figure.axes if label in ax.get_ylabel())


def test_every_panel_shows_its_figures_over_the_sequences() -> None:
    metrics = [{"name": "accuracy", "label": "", "bounds": [0.0, 1.0]}]
    figure = curves([("a run", recorded())], metrics=metrics)
    steps = np.arange(20, 201, 20)
    raw, smooth, validation = lines_of(panel(figure, "loss (nats)"))
    assert raw == (list(32.0 * steps), list(1 / steps))
    assert smooth == raw  # ten points are too few to be smoothed
    assert validation == ([3200.0, 6400.0], [0.02, 0.01])
    assert lines_of(panel(figure, "accuracy (share)")) == [([3200.0, 6400.0], [0.5, 1.0])]
    assert lines_of(panel(figure, "gradient norm"))[0] == (list(32.0 * steps), list(1.0 * steps))
    assert figure.axes[-1].get_xlabel() == "training sequences seen"
    assert [ax.get_xlim() for ax in figure.axes] == [figure.axes[0].get_xlim()] * 3


def test_long_runs_are_smoothed() -> None:
    noisy = [{"sequences": k, "loss": 2.0 + (-1) ** k} for k in range(1000)]
    raw, smooth, _ = lines_of(curves([("a", noisy)]).axes[0])
    assert np.ptp(raw[1]) == 2
    assert np.ptp(smooth[1][50:-50]) < 0.06


def test_a_huge_loss_does_not_spoil_the_small_ones_around_it() -> None:
    got = smoothed(np.array([1.0, 1e30, 1.0, 1.0, 1.0]), 3)
    assert got[3:].tolist() == [1, 1]


def test_several_runs_lie_in_one_picture_and_can_be_told_apart() -> None:
    labels = [f"run {number}" for number in range(9)]
    figure = curves([(label, recorded(scale=number + 1.0)) for number, label in enumerate(labels)])
    lines = panel(figure, "accuracy").get_lines()
    assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}) == 9
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == labels
    for shown, line in zip(legend.get_lines(), lines, strict=True):
        assert (shown.get_color(), shown.get_linestyle(), shown.get_marker()) == (
            line.get_color(),
            line.get_linestyle(),
            line.get_marker(),
        )


def test_panels_without_figures_are_left_out() -> None:
    figure = curves([("a", [{"sequences": 1, "loss": 0.5}])])
    assert len(figure.axes) == 1
    assert len(curves([("a", [])]).axes) == 1


def test_the_loss_is_logarithmic_when_it_spans_much() -> None:
    flat = [{"sequences": k, "loss": 2.0 + k / 100} for k in range(10)]
    steep = [{"sequences": k, "loss": 10.0**-k} for k in range(10)]
    touching_zero = [{"sequences": k, "loss": 9.0 - k} for k in range(10)]
    scales = [curves([("a", records)]).axes[0].get_yscale() for records in (flat, steep, touching_zero)]
    assert scales == ["linear", "log", "linear"]


def test_the_metric_and_the_unit_can_be_chosen() -> None:
    records = [{"sequences": 1, "validation_accuracy": 0.5, "validation_digits": 0.7}]
    figure = curves([("a", records)], metric="digits", loss_unit="squared error")
    assert lines_of(panel(figure, "digits")) == [([1.0], [0.7])]
    assert figure.axes[0].get_ylabel() == "loss (squared error)"


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (["validation_loss", "validation_errors", "loss"], None),
        (["validation_loss", "validation_perplexity"], "perplexity"),
        (["validation_sequence_accuracy", "validation_accuracy"], "sequence_accuracy"),
    ],
)
def test_the_metric_that_is_picked(keys: list[str], wanted: str | None) -> None:
    assert pick_metric([("a", [{"step": 1}, dict.fromkeys(keys, 1.0)])]) == wanted


def test_what_is_no_number_is_a_gap() -> None:
    x, y = series([{"sequences": 1, "loss": 2.0}, {"sequences": 2, "loss": None}, {"sequences": 3}], "loss")
    assert x.tolist() == [1, 2]
    assert y[0] == 2
    assert np.isnan(y[1])
    curves([("a", [{"sequences": 1, "loss": None}])])


@given(arrays(float, st.integers(0, 40), elements=st.floats(-10, 10) | st.just(np.nan)), st.integers(0, 6))
def test_smoothing_is_the_mean_of_the_neighbours(values: np.ndarray[Any, Any], reach: int) -> None:
    got = smoothed(values, 2 * reach + 1)
    for index in range(len(values)):
        near = [value for value in values[max(0, index - reach) : index + reach + 1] if np.isfinite(value)]
        assert got[index] == pytest.approx(np.mean(near) if near else np.nan, nan_ok=True, abs=1e-9)


@example([0.0, 2.2250738585072014e-308], 80)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(1, 80))
def test_a_sparkline_rises_and_falls_with_the_values(values: list[float], width: int) -> None:
    line = sparkline(sorted(values), width)
    assert len(line) == min(width, len(values))
    assert list(line) == sorted(line, key=BLOCKS.index)
    assert line[0] == BLOCKS[0]


def test_known_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([float("nan"), float("inf")]) == ""
    assert sparkline([3, 3, 3]) == "▁▁▁"
    assert sparkline([0, 7, float("nan"), 0], blocks="01234567") == "070"
    assert sparkline([0, 0, 7, 7], width=2) == "▁█"
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"


def test_pictures_are_reproducible_and_whole(tmp_path: Path) -> None:
    """The same data gives the same bytes, whatever the user's settings and the environment are."""
    files = []
    for name, user in (("a", {}), ("b", {"font.size": 30, "svg.hashsalt": None, "axes.grid": False})):
        with matplotlib.rc_context(user):
            png, svg = style.save(curves([("r", recorded())]), tmp_path / "new folder" / name / "v1.5")
        assert (png.name, svg.name) == ("v1.5.png", "v1.5.svg")
        assert sorted(path.name for path in png.parent.iterdir()) == ["v1.5.png", "v1.5.svg"]
        files.append((png.read_bytes(), svg.read_bytes()))
    assert files[0] == files[1]
    assert files[0][0].startswith(b"\x89PNG")
    assert ElementTree.fromstring(files[0][1]).tag.endswith("svg")
    assert b"<dc:date>" not in files[0][1]


def test_the_look_leaves_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    with style.look():
        assert matplotlib.rcParams["svg.hashsalt"] == "seqlab"
    curves([("r", recorded())])
    assert dict(matplotlib.rcParams) == before


def test_a_label_is_not_read_as_mathematics(tmp_path: Path) -> None:
    figure = curves([("$\\frac$", recorded()), ("_x", recorded())])
    _, svg = style.save(figure, tmp_path / "two")
    text = svg.read_text(encoding="utf-8")
    assert "<!-- $\\frac$ -->" in text
    assert "<!-- _x -->" in text  # matplotlib leaves what begins so out of a legend


def test_a_spike_stays_a_spike_where_nothing_is_smoothed() -> None:
    records = [{"sequences": k, "loss": 1e4 if k == 500 else 1.0} for k in range(1000)]
    figure = curves([("a", records), ("b", records)], models=["irnn", "irnn"], smooth=0, title="both")
    drawn = [line.get_ydata() for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 1000]
    assert [int((np.asarray(values) > 10).sum()) for values in drawn] == [1, 1]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["training", "validation"]
    assert figure.get_suptitle() == "both"
