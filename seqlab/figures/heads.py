"""What a memory is written and read, over time, as Graves et al. drew it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.analysis.heads import HeadsOverTime
from seqlab.figures.style import look, plain

SHOWN = 0.01
"""A head came near to a slot if its weight there was greater at any step."""


def heads_figure(heads: HeadsOverTime, title: str) -> Figure:
    """Draw inputs, outputs, and of each head the vectors and where it stands; time runs to the right.

    Args:
        heads: what is drawn.
        title: stands above.

    Returns:
        Rows on one axis of time. Weights are black at 1, of the slots that any head came near.
    """
    panels: list[tuple[str, NDArray[np.float64], str, tuple[float, float] | None]] = [
        ("inputs", heads.inputs.T, "gray_r", None),
        ("wanted", heads.wanted.T, "gray_r", (0, 1)),
        ("outputs", heads.outputs.T, "gray_r", (0, 1)),
    ]
    slots = _used(heads)
    for name, weights in heads.weights.items():
        panels.append((f"{name}: what", heads.vectors[name].T, "RdBu_r", (-1, 1)))
        panels.append((f"{name}: where", weights.T[slots], "gray_r", (0, 1)))
    heights = [min(max(len(values), 4), 40) for _, values, _, _ in panels]
    with look():
        figure = Figure(figsize=(7.0, 0.055 * sum(heights) + 0.16 * len(panels) + 1.0))
        axes = figure.subplots(len(panels), 1, sharex=True, height_ratios=heights)
        for ax, (name, values, colours, limits) in zip(axes, panels, strict=True):
            low, high = limits or (None, None)
            ax.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
            ax.set_yticks([])
            ax.set_ylabel(plain(name), rotation=0, ha="right", va="center", fontsize=8)
            ax.grid(visible=False)
        for ax, (name, values, _, _) in zip(axes, panels, strict=True):
            if name.endswith("where"):
                ax.set_yticks([0, len(values) - 1], [str(slots[0]), str(slots[-1])], fontsize=7)
        axes[-1].set_xlabel("step")
        figure.suptitle(plain(title), fontsize=10)
    return figure


def _used(heads: HeadsOverTime) -> NDArray[np.int64]:
    """Return the slots between the two ends of the shortest arc with all that any head came near.

    Slots stand in a circle, and where a head walks from the first to the last, the picture should not tear.
    """
    near = np.max([weights.max(0) for weights in heads.weights.values()], 0) > SHOWN
    used, count = np.flatnonzero(near), len(near)
    if not len(used):
        return np.arange(count)
    gaps = np.diff(np.append(used, used[0] + count))
    widest = int(gaps.argmax())
    first = int(used[(widest + 1) % len(used)])
    return (first + np.arange(count - gaps[widest] + 1)) % count
