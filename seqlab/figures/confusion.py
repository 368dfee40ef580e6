"""Which class was said where which was wanted, as a picture."""

from __future__ import annotations

from matplotlib.figure import Figure

from seqlab.figures.style import look, plain
from seqlab.runs.confusion import Confusion

CELL = 0.42
"""Inches of a class's row and column."""

MOST = 40
"""Classes whose cells hold their numbers and whose names are written; of more there are shades alone."""


def confusion_figure(confusion: Confusion, title: str) -> Figure:
    """Draw a square of shades: in each row the shares of what was said where that class was wanted.

    Args:
        confusion: what is drawn.
        title: stands above.
    """
    names, size = [plain(name[:30]) for name in confusion.classes], len(confusion.classes)
    shares = [[count / max(sum(row), 1) for count in row] for row in confusion.counts]
    side = CELL * min(size, MOST) + 2.2
    with look():
        figure = Figure(figsize=(side, side))
        ax = figure.subplots()
        image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        if size <= MOST:
            ax.set_xticks(range(size), names, rotation=90, fontsize=8)
            ax.set_yticks(range(size), names, fontsize=8)
            for wanted, row in enumerate(confusion.counts):
                for said, count in enumerate(row):
                    if count:
                        colour = "white" if shares[wanted][said] > 0.5 else "black"
                        ax.text(
                            said, wanted, f"{count:,}", ha="center", va="center", fontsize=7, color=colour
                        )
        ax.set_xlabel("said")
        ax.set_ylabel("wanted")
        ax.grid(visible=False)
        figure.colorbar(image, ax=ax, shrink=0.6, label="share of what was wanted")
        figure.suptitle(plain(title), fontsize=10)
    return figure
