"""The four-letter picture: input, hidden state and output scores of every step, before and after training.

DLE-11, CS231n-10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqlab.analysis.unrolled import Array, Unrolled
from seqlab.figures.style import MARK, RIGHT, look, plain

_INPUT, _HIDDEN, _OUTPUT = "#f6d9d5", "#d5ecd9", "#d7e9f7"
_ROW, _WIDTH = 0.24, 0.9


def unrolled_figure(moments: Mapping[str, Unrolled], title: str) -> Figure:
    """Draw each moment, such as before and after training, as a panel.

    Args:
        moments: what was read, by name.
        title: stands above.
    """
    first = next(iter(moments.values()))
    steps, units = len(first.steps), len(first.steps[0].h)
    rows = len(first.inputs) + units + len(first.outputs)
    height = rows * _ROW + 3.0
    with look():
        figure = Figure(figsize=((steps * 1.45 + 1.2) * len(moments), height * 0.92))
        axes = figure.subplots(1, len(moments), squeeze=False)[0]
        figure.suptitle(plain(title), fontsize=11)
        for ax, (moment, seen) in zip(axes, moments.items(), strict=True):
            ax.set_title(f"{moment}: loss {seen.loss:.3f} nats a step")
            ax.set_xlim(-1.25, steps * 1.45)
            ax.set_ylim(-0.55, height - 0.55)
            ax.set_axis_off()
            _panel(ax, seen)
        figure.supxlabel(
            "scores: green the target's, orange a greater one; loss: green where none is greater",
            fontsize=8, color="#555555",
        )  # fmt: skip
    return figure


def _panel(ax: Axes, seen: Unrolled) -> None:
    sizes = (len(seen.inputs), len(seen.steps[0].h), len(seen.outputs))
    bottoms = (0.0, sizes[0] * _ROW + 0.7, (sizes[0] + sizes[1]) * _ROW + 1.4)
    top = bottoms[2] + sizes[2] * _ROW
    for bottom, size, name in zip(
        bottoms, sizes, ("input", "hidden\nstate h", "output\nscores"), strict=True
    ):
        ax.text(-0.2, bottom + size * _ROW / 2, name, ha="right", va="center", fontsize=9)
    ax.text(-0.2, top + 0.3, "target", ha="right", va="center", fontsize=9)
    ax.text(-0.2, top + 0.62, "loss", ha="right", va="center", fontsize=9)
    for t, step in enumerate(seen.steps):
        left = t * 1.45
        middle = left + _WIDTH / 2
        ax.text(middle, -0.3, step.symbol, ha="center", va="center", fontsize=12, fontweight="bold")
        target = seen.outputs.index(step.target)
        _column(ax, left, bottoms[0], [f"{value:.0f}" for value in step.one_hot], _INPUT)
        _column(ax, left, bottoms[1], _numbers(step.h), _HIDDEN)
        best = int(step.scores.argmax())
        colours = {best: MARK, target: RIGHT}  # right: the target's score, wrong: a greater one
        _column(ax, left, bottoms[2], _numbers(step.scores), _OUTPUT, colours)
        for row, name in enumerate(seen.outputs):
            place = bottoms[2] + (len(seen.outputs) - row - 0.5) * _ROW
            ax.text(left - 0.05, place, name, ha="right", va="center", fontsize=7.5, color="#777777")
        ax.text(middle, top + 0.3, step.target, ha="center", va="center", fontsize=12, fontweight="bold")
        colour = RIGHT if step.said == step.target else MARK
        ax.text(middle, top + 0.62, f"{step.loss:.3f}", ha="center", va="center", fontsize=9, color=colour)
        for low, high, name in ((bottoms[0], bottoms[1], "U"), (bottoms[1], bottoms[2], "V")):
            size = sizes[0] if name == "U" else sizes[1]
            _arrow(ax, (middle, low + size * _ROW), (middle, high))
            if t == 0:
                ax.text(middle + 0.08, (low + size * _ROW + high) / 2, name, va="center", fontsize=9)
        if t:
            level = bottoms[1] + sizes[1] * _ROW / 2
            _arrow(ax, (left - 1.45 + _WIDTH, level), (left, level))
            if t == 1:
                ax.text(left - 0.27, level + 0.08, "W", ha="center", va="bottom", fontsize=9)


def _numbers(values: Array) -> list[str]:
    return [f"{value + 0.0:.2f}" for value in values]


def _column(
    ax: Axes,
    left: float,
    bottom: float,
    numbers: Sequence[str],
    colour: str,
    inks: Mapping[int, str] | None = None,
) -> None:
    """Draw a vector as a box of numbers, the first on top."""
    ax.add_patch(
        Rectangle(
            (left, bottom), _WIDTH, len(numbers) * _ROW, facecolor=colour, edgecolor="#555555", linewidth=0.8
        )
    )
    for row, number in enumerate(numbers):
        ink = (inks or {}).get(row)
        ax.text(
            left + _WIDTH / 2, bottom + (len(numbers) - row - 0.5) * _ROW, number, ha="center", va="center",
            fontsize=8.5, color=ink or "black", fontweight="bold" if ink else "normal",
        )  # fmt: skip


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": "#333333", "shrinkA": 0, "shrinkB": 0}
    )
