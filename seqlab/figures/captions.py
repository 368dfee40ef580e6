"""Where in a picture each word of a caption looked, laid over it, as Xu et al. drew it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from seqlab.analysis.captions import Caption
from seqlab.figures.style import MARK, RIGHT, look, plain

ACROSS, LEAST, DEEP = 7.5, 5.5, 1.0
"""Inches of a row of panels, of a picture's width at least, and about those of a panel's height."""

LINE = 0.17
"""Inches of a line above a panel."""

STRONGEST = 0.8
"""How much of the picture a weight of 1 covers; others as their root, so that small ones are seen, too."""


def caption_figure(caption: Caption, title: str) -> Figure:
    """Draw the picture once for each word, with the weights over it; what the right word names is framed.

    Args:
        caption: what is drawn.
        title: stands above.

    Returns:
        Panels in the order of the words, those of one that looks below those of another; of a single word,
        beside them.
    """
    high, wide = caption.picture.shape[:2]
    width = float(np.clip(DEEP * wide / high, DEEP, ACROSS / 2))
    panels = [(name, step) for name in caption.weights for step in range(len(caption.written))]
    beside = len(caption.written) if len(caption.written) > 1 else len(panels)
    columns = min(beside, int(ACROSS / width))
    rows = -(-len(panels) // columns)
    alone = 2.0 if len(caption.written) == 1 else 1.0  # with much room beside it
    above = LINE * (len(caption.weights) > 1) + LINE + 0.15
    size = max(columns * width + 0.3, LEAST), rows * (alone * width * high / wide + above) + 0.6
    with look():
        figure = Figure(figsize=size)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        over = {name: caption.over_pixels(name) for name in caption.weights}
        for ax, (name, step) in zip(axes, panels, strict=False):
            _draw(ax, caption, over[name][step], step)
            before = f"{name}:\n" if len(over) > 1 else ""
            word = plain(f"{before}{caption.written[step]}  {caption.probability[step]:.2f}")
            ax.set_title(word, fontsize=9)
        for ax in axes[len(panels) :]:
            ax.remove()
        right = "" if caption.wanted is None else f"\nwanted: {caption.wanted}"
        figure.suptitle(plain(title + right), fontsize=10)
    return figure


def _draw(ax: Axes, caption: Caption, weights: NDArray[np.float64], step: int) -> None:
    """Draw a panel: the picture, the weights (R, C) over it, and a frame."""
    picture = caption.picture
    shown = picture if picture.shape[-1] == 3 else picture.mean(-1)
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    veil = np.empty((*weights.shape, 4))
    veil[..., :3], veil[..., 3] = to_rgb(MARK), STRONGEST * np.sqrt(weights.clip(0, 1))
    ax.imshow(veil, interpolation="nearest")
    if caption.boxes is not None and caption.boxes[step].any():
        top, left, bottom, right = caption.boxes[step].tolist()
        corner = (left - 0.5, top - 0.5)
        ax.add_patch(
            Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=RIGHT, linewidth=1.5)
        )
    ax.set_axis_off()
