"""What guessing comes to, in every picture the same: a thin dotted line with its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from seqlab.figures.style import plain

_LINE: Any = {"color": "#555555", "linestyle": ":", "linewidth": 1}


def draw_guess(ax: Axes, name: str, figure: float | Sequence[tuple[float, float]]) -> None:
    """Draw what guessing comes to.

    Args:
        ax: where.
        name: of the guess, written at the line.
        figure: a figure for the whole axis; or points (x, figure), where it depends on x.
    """
    if isinstance(figure, float | int):
        ax.axhline(figure, **_LINE)
        at, where, side = (0.005, float(figure)), ("axes fraction", "data"), "left"
    else:
        points = sorted(set(figure))
        ax.plot(*zip(*points, strict=True), **_LINE)
        at, where, side = points[-1], ("data", "data"), "right"
    ax.annotate(plain(name), at, (0, 2), where, "offset points", ha=side, va="bottom", fontsize=7)
