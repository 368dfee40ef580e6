"""Where an answer looked in its source, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axis import Axis
from matplotlib.figure import Figure

from seqlab.analysis.alignment import Alignment
from seqlab.figures.style import look, plain

COLUMNS = 4
"""Pictures side by side, at most."""

CELL = 0.2
"""Inches of a symbol."""


def alignment_figure(alignment: Alignment, title: str) -> Figure:
    """Draw the weights of all that looks, the answer from top to bottom, the source from left to right.

    Args:
        alignment: what is drawn.
        title: stands above.

    Returns:
        A picture for each; a weight of 1 is black.
    """
    several = len(alignment.weights)
    columns = min(several, COLUMNS)
    rows = -(-several // columns)
    source = [_shown(symbol) for symbol in alignment.source]
    longest = max(map(len, source), default=1)
    turned = longest > 2  # words stand upright
    width, height = CELL * len(alignment.source), CELL * len(alignment.written)
    labels = CELL * (0.5 * longest if turned else 1), CELL * 0.5 * max(map(len, alignment.written))
    with look():
        size = (columns * (width + 0.4) + labels[1] + 0.6, rows * (height + 0.5) + labels[0] + 1.0)
        figure = Figure(figsize=(max(size[0], 3.2), size[1]))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for ax, (name, weights) in zip(axes, alignment.weights.items(), strict=False):
            ax.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            _label(ax.xaxis, source, 90 if turned else 0)
            _label(ax.yaxis, [_shown(symbol) for symbol in alignment.written], 0)
            ax.grid(visible=False)
            ax.tick_params(length=0)
            if several > 1:
                ax.set_title(name, fontsize=9)
        for ax in axes[several:]:
            ax.remove()
        figure.supxlabel("source", fontsize=10)
        figure.supylabel("answer", fontsize=10)
        figure.suptitle(plain(title), fontsize=10)
    return figure


def _label(axis: Axis, symbols: Sequence[str], rotation: int) -> None:
    axis.set_ticks(range(len(symbols)), list(map(plain, symbols)), rotation=rotation, fontsize=8)


def _shown(symbol: str) -> str:
    return "␣" if symbol == repr(" ") else symbol
