"""What a model saw of a picture, or changed, step by step: frames on the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from seqlab.analysis.windows import Path
from seqlab.figures.style import COLOURS, MARK, RIGHT, look, plain

PANEL = 1.15
"""Inches of a panel, either way."""


def windows_figure(paths: Sequence[Path], title: str) -> Figure:
    """Draw a row for each picture, and a panel for each step: what it saw there is framed, as are changes.

    Where answers are pictures, what is drawn by then stands below, with the frames of what draws. Pictures of
    a single step stand beside one another.

    Args:
        paths: what is drawn.
        title: stands above.
    """
    high, wide = paths[0].picture.shape[:2]
    above, draws = (0.2 if paths[0].said else 0.0), paths[0].drawn is not None
    steps, is_single = paths[0].steps, paths[0].steps == 1
    across, down = (len(paths), 1) if is_single else (steps, len(paths))
    rows = down * (1 + draws)
    size = across * PANEL + 0.2, rows * (PANEL * high / wide + above) + 0.6
    with look():
        figure = Figure(figsize=(max(size[0], 4.0), size[1]))
        axes = figure.subplots(rows, across, squeeze=False)
        for number, path in enumerate(paths):
            for step in range(steps):
                row, column = (0, number) if is_single else (number, step)
                _draw(list(axes[row * (1 + draws) :, column]), path, step)
        figure.suptitle(plain(title), fontsize=10)
    return figure


def _draw(axes: Sequence[Axes], path: Path, step: int) -> None:
    """Draw the first panel, of a step, and where a picture is drawn the second, below it."""
    _show(axes[0], path.picture)
    draws = path.drawn is not None
    _frame(axes[0], path, [name for name in path.windows if not (draws and name == "write")], step)
    if path.said:
        axes[0].set_title(
            plain(f"{path.said[step]} {path.probability[step]:.2f}"),
            fontsize=8,
            color=RIGHT if path.said[step] == path.wanted else "black",
        )
    if path.drawn is not None:
        _show(axes[1], path.drawn[step])
        _frame(axes[1], path, [name for name in path.windows if name == "write"], step)


def _show(ax: Axes, picture: NDArray[np.floating]) -> None:
    shown = picture if picture.shape[-1] == 3 else picture.mean(-1)
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_autoscale_on(False)
    ax.set_axis_off()


def _frame(ax: Axes, path: Path, names: Sequence[str], step: int) -> None:
    """Draw the windows of a step, with the way from the step before; what lies outside is cut off."""
    for place, name in enumerate(names):
        colour = MARK if place == 0 else COLOURS[place]
        for number, (top, left, bottom, right) in enumerate(path.windows[name][step].tolist()):
            corner = left - 0.5, top - 0.5
            ax.add_patch(
                Rectangle(
                    corner,
                    right - left,
                    bottom - top,
                    fill=False,
                    edgecolor=colour,
                    linewidth=1.4 if number == 0 else 0.7,
                )
            )
        way = path.middles(name)[: step + 1] - 0.5
        ax.plot(way[:, 1], way[:, 0], color=colour, linewidth=0.8, marker="o", markersize=2, linestyle="-")
