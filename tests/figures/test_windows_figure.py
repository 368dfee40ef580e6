"""What is seen of a picture, as it is drawn."""

from __future__ import annotations

import numpy as np

from seqlab.analysis.windows import Path
from seqlab.figures.windows import windows_figure


def test_each_step_of_each_picture_has_a_panel_with_its_frames_and_the_way_there() -> None:
    edges = np.array(
        [[[0.0, 1.0, 2.0, 3.0], [-1.0, 0.0, 3.0, 4.0]], [[3.0, 3.0, 5.0, 5.0], [2.0, 2.0, 6.0, 6.0]]]
    )
    picture, paid, sure = np.zeros((6, 8, 1), np.float32), np.zeros(2), np.array([0.5, 1])
    path = Path(picture, {"glimpse": edges}, paid, ("one", "two"), sure, "two")
    figure = windows_figure([path, path], "a run")
    assert [ax.get_title() for ax in figure.axes] == ["one 0.50", "two 1.00"] * 2
    frames = [
        (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height())  # type: ignore[attr-defined]
        for frame in figure.axes[1].patches
    ]
    assert frames == [(2.5, 2.5, 2, 2), (1.5, 1.5, 4, 4)]
    way = figure.axes[1].lines[0]
    assert np.asarray(way.get_xydata()).tolist() == [[1.5, 0.5], [3.5, 3.5]]
    assert len(figure.axes[0].lines[0].get_xydata()) == 1
    assert figure.axes[1].get_xlim() == (-0.5, 7.5)  # frames beyond the picture leave it as it is


def test_what_is_drawn_stands_below_the_picture_with_the_frames_of_what_draws() -> None:
    edges = np.tile(np.array([1.0, 1.0, 3.0, 3.0]), (3, 1, 1))
    drawn = np.linspace(0, 1, 3 * 4 * 5).reshape(3, 4, 5, 1)
    windows = {"read": edges, "write": edges + 1}
    path = Path(np.ones((4, 5, 1), np.float32), windows, np.zeros(3), drawn=drawn)
    figure = windows_figure([path], "a run")
    assert len(figure.axes) == 6
    for step in range(3):
        above, below = figure.axes[step], figure.axes[3 + step]
        assert np.asarray(above.images[0].get_array()).min() == 1
        assert np.array_equal(np.asarray(below.images[0].get_array()), drawn[step, ..., 0])
        assert [ax.patches[0].get_x() for ax in (above, below)] == [0.5, 1.5]  # type: ignore[attr-defined]


def test_pictures_of_a_single_step_stand_beside_one_another() -> None:
    paths = [
        Path(np.full((4, 4, 1), shade, np.float32), {}, np.zeros(1), drawn=np.full((1, 4, 4, 1), shade / 2))
        for shade in (0.2, 0.4, 0.6)
    ]
    figure = windows_figure(paths, "a run")
    shades = [np.asarray(ax.images[0].get_array()).max() for ax in figure.axes]
    assert np.allclose(shades, [0.2, 0.4, 0.6, 0.1, 0.2, 0.3])
    assert len({round(ax.get_position().y0, 3) for ax in figure.axes}) == 2
