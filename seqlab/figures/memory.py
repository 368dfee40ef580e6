"""The memory that is driven by hand, as five pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from seqlab.analysis.memory import HELD, Drive
from seqlab.figures.style import line, look

_GATES = ("f", "i", "o")
_SHADE = "#d55e00"


def memory_figure(drives: Sequence[Drive]) -> Figure:
    """Draw each way of driving a memory.

    Args:
        drives: what the memory did.

    Returns:
        For each way its gates, filled where they are 1, above what would be written (g), what is in the cell
        (c) and what is shown (h). The steps at which the gates are set are shaded.
    """
    with look():
        figure = Figure(figsize=(2.6 * len(drives), 4))
        axes = figure.subplots(
            2, len(drives), sharex=True, sharey="row", squeeze=False, height_ratios=(1, 2.6)
        )
        for column, drive in enumerate(drives):
            gates, values = axes[0, column], axes[1, column]
            _draw_gates(gates, drive)
            for index, (name, drawn) in enumerate((("g", drive.gates["g"]), ("c", drive.c), ("h", drive.h))):
                values.plot(range(len(drawn)), drawn, label=name, **line(index))
            values.axvspan(HELD.start - 0.5, HELD.stop - 0.5, color=_SHADE, alpha=0.12, linewidth=0)
            values.axhline(0, color="#888888", linewidth=0.8, zorder=1)
            values.set_xlabel("step")
            gates.set_title(drive.name)
        axes[1, 0].set_ylabel("value")
        handles, labels = axes[1, 0].get_legend_handles_labels()
        names = {"g": "g: would be written", "c": "c: in the cell", "h": "h: shown"}
        handles.append(Patch(color=_SHADE, alpha=0.12, label=""))
        words = [*(names[label] for label in labels), "gates set"]
        figure.legend(handles, words, loc="outside lower center", ncols=4)
    return figure


def _draw_gates(ax: Axes, drive: Drive) -> None:
    values = np.array([drive.gates[name] for name in _GATES])
    ax.imshow(values, cmap="Greys", vmin=0, vmax=1.4, aspect="auto", interpolation="nearest")
    ax.set_yticks(range(len(_GATES)), _GATES)
    ax.set_yticks(np.arange(len(_GATES) + 1) - 0.5, minor=True)
    ax.grid(visible=False)
    ax.grid(which="minor", axis="y", color="#888888", linewidth=0.6)
    ax.tick_params(which="both", length=0)
