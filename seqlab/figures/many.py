"""Many models in one picture: a row for each, a shaded number at each level or length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from seqlab.figures.style import COLOURS, look, plain

MOST_LINES = len(COLOURS)
"""Models whose lines can be told apart; more of them are drawn as rows."""

_SHADES = LinearSegmentedColormap.from_list("shares", ["#ffffff", COLOURS[0]])


def rows_figure(
    levels: Sequence[float] | Sequence[str],
    shares: Mapping[str, Sequence[float]],
    label: str,
    title: str,
    *,
    trained: tuple[float, float] | None = None,
) -> Figure:
    """Draw a share between 0 and 1 of each model at each level, the models that do best first.

    Args:
        levels: from left to right.
        shares: of each model at every level; nan leaves a place empty.
        label: what the levels are.
        title: stands above.
        trained: the least and the greatest level of training, where these are numbers; a line stands beyond.

    Returns:
        A row for each model, in the order of their means; shares in per cent.
    """
    table = np.array(list(shares.values()))
    order = np.argsort(-np.nan_to_num(table).mean(1), kind="stable")
    names = [plain(name) for name in shares]
    with look():
        wide = 0.4 + 0.065 * max(map(len, names)) + 0.5 * len(levels)  # inches, of names and of the table
        figure = Figure(figsize=(max(wide, 0.2 + 0.07 * len(label)), 1.1 + 0.26 * len(names)))
        ax = figure.subplots()
        ax.imshow(table[order], cmap=_SHADES, vmin=0.0, vmax=1.0, aspect="auto")
        _write(ax, table[order])
        ax.set_yticks(range(len(names)), [names[place] for place in order], fontsize=8)
        ax.set_xticks(range(len(levels)), [_level(level) for level in levels], fontsize=8)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.grid(False)
        figure.supxlabel(label, fontsize=9)  # below all: the table alone may be narrower than the label
        beyond = _beyond(levels, trained)
        if beyond is not None:
            ax.axvline(beyond - 0.5, color="#666666", linestyle=":", linewidth=1)
        figure.suptitle(plain(title), fontsize=10)
    return figure


def _write(ax: Axes, table: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(table):
        if np.isfinite(share):
            ax.text(
                column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
                color="white" if share > 0.6 else "black",
            )  # fmt: skip


def _level(level: float | str) -> str:
    return level if isinstance(level, str) else f"{level:g}"


def _beyond(levels: Sequence[object], trained: tuple[float, float] | None) -> int | None:
    """Return the first level beyond those of training, where some stand on either side.

    >>> _beyond([20.0, 40.0, 80.0], (1.0, 40.0)), _beyond(["easy", "hard"], None)
    (2, None)
    """
    if trained is None:
        return None
    beyond = [
        place for place, level in enumerate(levels) if isinstance(level, float | int) and level > trained[1]
    ]
    return beyond[0] if beyond and beyond[0] > 0 else None
