"""The numbers that stand in a picture, for those who draw it themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

HEAD = ("picture", "panel", "line", "x", "y", "value")
"""Of the table; see :func:`rows`."""


def rows(pictures: Mapping[str, Figure]) -> Iterator[tuple[Any, ...]]:
    """Yield the head and, for each point of each line of each panel, a row: what it belongs to, x and y.

    Of an image each place is a row, with the column as x, the row as y, and its value behind them.
    """
    yield HEAD
    for name, figure in pictures.items():
        for number, ax in enumerate(figure.axes):
            panel = ax.get_ylabel() or ax.get_title() or f"panel {number + 1}"
            for line, x, y in _lines(ax):
                for one, other in zip(x, y, strict=True):
                    yield name, panel, line, _plain(one), _plain(other), ""
            for image in ax.get_images():
                array: np.ndarray[Any, Any] = np.ma.filled(np.ma.asarray(image.get_array()), np.nan)
                if array.ndim == 2:  # neither colours nor anything else
                    for (row, column), value in np.ndenumerate(array):
                        yield name, panel, "image", column, row, _plain(value)


def _lines(ax: Axes) -> Iterator[tuple[str, Any, Any]]:
    """Yield the label of each line with its points; bars are a line of their heights."""
    for number, line in enumerate(ax.get_lines()):
        label = str(line.get_label())
        yield f"line {number + 1}" if label.startswith("_") else label, line.get_xdata(), line.get_ydata()
    for number, container in enumerate(ax.containers):
        if isinstance(container, BarContainer):
            label = str(container.get_label())
            yield (
                f"bars {number + 1}" if label.startswith("_") or not label else label,
                [bar.get_x() + bar.get_width() / 2 for bar in container],
                [bar.get_height() for bar in container],
            )


def _plain(value: Any) -> Any:
    """Return a number as Python writes it."""
    return value.item() if isinstance(value, np.generic) else value
