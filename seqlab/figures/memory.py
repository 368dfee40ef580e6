"""The memory that is driven by hand, as five pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from seqlab.analysis.memory import HELD, Drive
from seqlab.figures.style import MARK, line, look

_GATES = ("f", "i", "o")
_GREYS = matplotlib.colormaps["Greys"]
_DARK = 1.4  # the value that would be black: an open gate is dark grey, and lines upon it can be seen


def memory_figure(drives: Sequence[Drive]) -> Figure:
    """Draw each way of driving a memory.

    Args:
        drives: what the memory did.

    Returns:
        For each way its gates, filled where they are 1, above what would be written (g), what is in the cell
        (c) and what is shown (h). The steps at which the gates are set are shaded.
    """
    with look():
        figure = Figure(figsize=(2.6 * len(drives), 4.3))
        figure.suptitle("One memory cell of an LSTM, its gates set by hand", fontsize=11)
        axes = figure.subplots(
            2, len(drives), sharex=True, sharey="row", squeeze=False, height_ratios=(1, 2.6)
        )
        for column, drive in enumerate(drives):
            gates, values = axes[0, column], axes[1, column]
            _draw_gates(gates, drive)
            for index, (name, drawn) in enumerate((("g", drive.gates["g"]), ("c", drive.c), ("h", drive.h))):
                values.plot(range(len(drawn)), drawn, label=name, **line(index))
            values.axvspan(HELD.start - 0.5, HELD.stop - 0.5, color=MARK, alpha=0.12, linewidth=0)
            values.axhline(0, color="#888888", linewidth=0.8, zorder=1)
            values.set_xlabel("step")
            gates.set_title(drive.name)
        axes[1, 0].set_ylabel("value")
        handles, labels = axes[1, 0].get_legend_handles_labels()
        names = {"g": "g: would be written", "c": "c: in the cell", "h": "h: shown"}
        handles.append(Patch(color=MARK, alpha=0.12, label=""))
        handles += [Patch(facecolor=_GREYS(value / _DARK), edgecolor="#888888") for value in (1.0, 0.0)]
        words = [*(names[label] for label in labels), "gates set", "gate open (1)", "gate shut (0)"]
        figure.legend(handles, words, loc="outside lower center", ncols=6)
    return figure


def _draw_gates(ax: Axes, drive: Drive) -> None:
    values = np.array([drive.gates[name] for name in _GATES])
    ax.imshow(values, cmap=_GREYS, vmin=0, vmax=_DARK, aspect="auto", interpolation="nearest")
    ax.set_yticks(range(len(_GATES)), _GATES)
    ax.set_yticks(np.arange(len(_GATES) + 1) - 0.5, minor=True)
    ax.grid(visible=False)
    ax.grid(which="minor", axis="y", color="#888888", linewidth=0.6)
    ax.tick_params(which="both", length=0)
