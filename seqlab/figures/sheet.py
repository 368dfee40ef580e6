"""Pictures that a model has drawn, beside one another."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.figures.style import look, plain

PANEL = 0.6
"""Inches of a picture, either way."""


def sheet_figure(pictures: NDArray[np.float64], title: str) -> Figure:
    """Draw pictures in rows, as many as columns or one more.

    Args:
        pictures: (N, R, C, features), from 0 to 1.
        title: stands above.
    """
    columns = int(np.ceil(len(pictures) ** 0.5))
    rows = -(-len(pictures) // columns)
    with look():
        figure = Figure(figsize=(max(columns * PANEL, 3.2), rows * PANEL + 0.4))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, picture in zip(axes, pictures, strict=False):
            shown = picture if picture.shape[-1] == 3 else picture.mean(-1)
            ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        for ax in axes:
            ax.set_axis_off()
        figure.suptitle(plain(title), fontsize=9)
    return figure
