"""Where in a picture each word looked, as it is drawn."""

from __future__ import annotations

import numpy as np

from seqlab.analysis.captions import Caption
from seqlab.figures.captions import STRONGEST, caption_figure


def test_each_word_has_a_panel_with_its_weights_over_the_picture_and_a_frame() -> None:
    weights = np.array([[1.0, 0.0], [0.25, 0.75]])
    boxes = np.array([[0, 4, 4, 8], [0, 0, 0, 0]])
    picture = np.zeros((4, 8, 1), np.float32)
    centres = np.array([[0, 0], [0, 4]])
    caption = Caption(
        picture, ("one", "<end>"), "one", np.array([0.5, 1]), {"attention": weights}, centres, boxes
    )
    figure = caption_figure(caption, "a run")
    assert [ax.get_title() for ax in figure.axes] == ["one  0.50", "<end>  1.00"]
    veils = [np.asarray(ax.images[1].get_array())[..., 3] for ax in figure.axes]
    assert np.array_equal(veils[0], STRONGEST * np.repeat([[1, 1, 1, 0, 0, 0, 0, 0]], 4, 0))
    assert np.allclose(veils[1], STRONGEST * np.repeat([[0.5] * 3 + [0.75**0.5] * 5], 4, 0))
    frame = figure.axes[0].patches[0]
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (3.5, -0.5, 4, 4)  # type: ignore[attr-defined]
    assert not figure.axes[1].patches
