from __future__ import annotations

from math import nan

import pytest

from seqlab.figures.many import MOST_LINES, rows_figure


def names(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_best_model_stands_first_and_each_share_is_written() -> None:
    shares = {"rnn": [0.75, 0.5], "lstm": [1.0, 0.994]}
    axes = rows_figure([20.0, 40.0], shares, "length", "parity").axes[0]
    assert names(axes) == ["lstm", "rnn"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["20", "40"]
    assert [text.get_text() for text in axes.texts] == ["100", "99", "75", "50"]


def test_a_model_that_was_not_judged_somewhere_leaves_its_place_empty() -> None:
    axes = rows_figure(["easy", "hard"], {"rnn": [0.0, nan], "lstm": [1.0, 0.4]}, "level", "").axes[0]
    assert names(axes) == ["lstm", "rnn"]
    assert [text.get_text() for text in axes.texts] == ["100", "40", "0"]


@pytest.mark.parametrize(("trained", "at"), [((1.0, 40.0), [1.5]), ((1.0, 400.0), []), (None, [])])
def test_a_line_stands_where_training_ends(trained: tuple[float, float] | None, at: list[float]) -> None:
    axes = rows_figure([20.0, 40.0, 80.0], {"rnn": [1.0, 1.0, 0.5]}, "length", "", trained=trained).axes[0]
    assert [float(line.get_xdata()[0]) for line in axes.lines] == at


def test_as_many_models_are_lines_as_there_are_colours() -> None:
    assert MOST_LINES == 8


@pytest.mark.parametrize("levels", [2, 5, 9])
@pytest.mark.parametrize("name", ["rnn", "gated-delta[hidden_size=12,negative_eigenvalues=true]"])
def test_nothing_that_is_written_is_cut_off(name: str, levels: int) -> None:
    label = "task.length: accuracy in per cent, the median over seeds"
    figure = rows_figure([*map(str, range(levels))], {name: [0.5] * levels}, label, "permutations, 3 seeds")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [*figure.texts, *axes.get_yticklabels(), *axes.get_xticklabels()]
    assert label in [text.get_text() for text in texts]
    for text in texts:
        (left, bottom), (right, top) = text.get_window_extent().get_points()
        assert left >= 0, text
        assert bottom >= 0, text
        assert right <= figure.bbox.width, text
        assert top <= figure.bbox.height, text
    assert axes.get_window_extent().width > 25 * levels
