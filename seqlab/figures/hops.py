"""Which sentences of a story a model read, as a picture."""

from __future__ import annotations

from matplotlib.figure import Figure

from seqlab.analysis.hops import Hops
from seqlab.figures.style import RIGHT, look, plain

ROW, COLUMN, LETTER = 0.22, 0.55, 0.075
"""Inches of a sentence's row, of a hop's column, and of a letter."""


def hops_figure(hops: Hops, title: str) -> Figure:
    """Draw the weights of each hop, the story from top to bottom; the supporting sentences are marked.

    Args:
        hops: what is drawn.
        title: stands above.

    Returns:
        A picture in which a weight of 1 is black.
    """
    names, sentences = list(hops.weights), hops.sentences
    width = LETTER * max((len(sentence) for sentence in sentences), default=1) + COLUMN * len(names) + 0.6
    right = "" if hops.wanted in (None, hops.answer) else f", wanted: {hops.wanted}"
    with look():
        figure = Figure(figsize=(max(width, 4.2), ROW * max(len(sentences), 1) + 1.3))
        ax = figure.subplots()
        ax.imshow(
            [[float(hops.weights[name][place]) for name in names] for place in range(len(sentences))],
            cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest",
        )  # fmt: skip
        ax.set_xticks(range(len(names)), [plain(name) for name in names], fontsize=8)
        ax.xaxis.tick_top()
        ax.set_yticks(range(len(sentences)), [plain(sentence) for sentence in sentences], fontsize=8)
        if hops.supporting is not None:
            for label, supports in zip(ax.get_yticklabels(), hops.supporting, strict=True):
                if supports:
                    label.set_color(RIGHT)
                    label.set_fontweight("bold")
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.set_xlabel(plain(f"{hops.question}  {hops.answer} ({hops.probability:.2f}){right}"), fontsize=9)
        figure.suptitle(plain(title), fontsize=10)
    return figure
