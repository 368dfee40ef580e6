"""A cell as a diagram: what flows where in one step.

A square is a matrix product with learned weights, sums and bias included, and the function after it; a circle
works on each unit by itself. A dot is where a line divides; lines that only cross do not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from seqlab.figures.style import MARK, look
from seqlab.models import Cell
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.lstm import LSTM, Form
from seqlab.models.recurrent.rnn import RNN
from seqlab.models.scans.mingru import MinGRU
from seqlab.models.scans.minlstm import MinLSTM

Point = tuple[float, float]

_LINE: Any = {"color": "#333333", "linewidth": 1.6, "solid_capstyle": "round"}
_LEARNED, _PLAIN = "#fdebc8", "#d7e9f7"


def cell_diagram(cell: type[Cell], options: Mapping[str, Any], title: str) -> Figure | None:
    """Draw a cell.

    Args:
        cell: its class.
        options: its settings, such as the nonlinearity of an RNN.
        title: stands above.

    Returns:
        The diagram; None for a cell of whose inside nothing is known.
    """
    kinds: dict[type[Cell], tuple[Callable[[Axes, Mapping[str, Any]], None], float, float]] = {
        LSTM: (_lstm, 11.4, 6.2),
        GRU: (_gru, 11.4, 6.6),
        RNN: (_rnn, 9.0, 3.9),
        MinGRU: (_mingru, 7.7, 4.6),
        MinLSTM: (_minlstm, 8.3, 5.6),
    }
    known = next((drawn for kind, drawn in kinds.items() if issubclass(cell, kind)), None)
    if known is None or cell.step not in (kind.step for kind in kinds):  # a cell that steps otherwise
        return None
    if issubclass(cell, LSTM) and Form.of(options) != Form():  # drawn is the usual one
        return None
    draw, width, height = known
    with look():
        figure = Figure(figsize=(width * 0.68, height * 0.68))
        ax = figure.add_subplot()
        ax.set_xlim(0, width)
        ax.set_ylim(-0.75, height)
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_title(title)
        draw(ax, options)
        ax.text(
            width / 2, -0.55, "square: learned weights, then the function; circle: unit by unit",
            ha="center", va="center", fontsize=8, color="#555555",
        )  # fmt: skip
    return figure


def _rnn(ax: Axes, options: Mapping[str, Any]) -> None:
    function = str(options.get("nonlinearity", "relu"))  # the IRNN has no such setting: it is relu
    _frame(ax, 1.5, 0.6, 7.3, 3.2)
    _flow(ax, (0.5, 2.4), (2.35, 2.4))
    _flow(ax, (3.05, 2.4), (4.05, 2.4))
    _flow(ax, (4.3, 0.2), (4.3, 0.85))
    _flow(ax, (4.3, 1.55), (4.3, 2.15))
    _flow(ax, (4.55, 2.4), (5.55, 2.4))
    _flow(ax, (6.45, 2.4), (8.3, 2.4))
    _square(ax, (2.7, 2.4), "W")
    _square(ax, (4.3, 1.2), "U, b")
    _circle(ax, (4.3, 2.4), "+")
    _circle(ax, (6.0, 2.4), function, wide=True)
    _name(ax, (0.42, 2.4), "h(t-1)", "right")
    _name(ax, (8.35, 2.4), "h(t)", "left")
    _name(ax, (4.3, 0.0), "x(t)")
    ax.text(5.05, 2.6, "a(t)", ha="center", fontsize=9)


def _lstm(ax: Axes, options: Mapping[str, Any]) -> None:
    _frame(ax, 1.3, 0.7, 10.0, 5.9)
    _flow(ax, (0.6, 5.2), (2.55, 5.2))
    _flow(ax, (3.05, 5.2), (5.95, 5.2))
    _flow(ax, (6.45, 5.2), (10.5, 5.2))
    _flow(ax, (0.6, 1.3), (7.6, 1.3), (7.6, 1.85))
    _flow(ax, (2.0, 0.2), (2.0, 1.3), head=False)
    for x in (2.8, 4.4, 6.2):
        _flow(ax, (x, 1.3), (x, 1.85))
        _dot(ax, (x, 1.3))
    _dot(ax, (2.0, 1.3))
    _flow(ax, (2.8, 2.55), (2.8, 4.95))
    _flow(ax, (4.4, 2.55), (4.4, 3.8), (5.95, 3.8))
    _flow(ax, (6.2, 2.55), (6.2, 3.55))
    _flow(ax, (6.2, 4.05), (6.2, 4.95))
    _dot(ax, (8.9, 5.2))
    _flow(ax, (8.9, 5.2), (8.9, 4.55))
    _flow(ax, (8.9, 3.95), (8.9, 3.45))
    _flow(ax, (7.6, 2.55), (7.6, 3.2), (8.65, 3.2))
    _flow(ax, (8.9, 2.95), (8.9, 1.3), (10.5, 1.3))
    for x, name, function in ((2.8, "f", "σ"), (4.4, "i", "σ"), (6.2, "g", "tanh"), (7.6, "o", "σ")):
        _square(ax, (x, 2.2), function)
        ax.text(x + 0.12, 2.7, name, fontsize=10, fontstyle="italic", color=MARK)
    for place, sign in (((2.8, 5.2), "×"), ((6.2, 5.2), "+"), ((6.2, 3.8), "×"), ((8.9, 3.2), "×")):
        _circle(ax, place, sign)
    _circle(ax, (8.9, 4.25), "tanh", wide=True)
    for place, text, side in (
        ((0.5, 5.2), "c(t-1)", "right"), ((10.55, 5.2), "c(t)", "left"),
        ((0.5, 1.3), "h(t-1)", "right"), ((10.55, 1.3), "h(t)", "left"), ((2.0, 0.0), "x(t)", "center"),
    ):  # fmt: skip
        _name(ax, place, text, side)
    for x, y, text in ((2.95, 4.4, "what is kept"), (4.5, 3.93, "what is written"), (7.7, 3.33, "shown")):
        ax.text(x, y, text, fontsize=7.5, color="#555555")


def _gru(ax: Axes, options: Mapping[str, Any]) -> None:
    _frame(ax, 0.95, 0.55, 10.4, 6.3)
    _flow(ax, (0.6, 5.6), (7.95, 5.6))
    _flow(ax, (8.45, 5.6), (9.45, 5.6))
    _flow(ax, (9.95, 5.6), (10.8, 5.6))
    _dot(ax, (1.3, 5.6))
    _flow(ax, (1.3, 5.6), (1.3, 1.6), (8.2, 1.6), (8.2, 2.25))
    _flow(ax, (2.0, 0.1), (2.0, 1.6), head=False)
    _dot(ax, (2.0, 1.6))
    _dot(ax, (2.8, 1.6))
    _flow(ax, (2.8, 1.6), (2.8, 2.25))
    _dot(ax, (2.0, 1.0))
    _flow(ax, (2.0, 1.0), (6.2, 1.0), (6.2, 2.25))
    _flow(ax, (2.8, 2.95), (2.8, 3.7), (4.35, 3.7))
    _dot(ax, (4.6, 5.6))
    after = options.get("reset", "after") == "after"
    if after:
        _flow(ax, (4.6, 5.6), (4.6, 5.05))
        _flow(ax, (4.6, 4.35), (4.6, 3.95))
        _square(ax, (4.6, 4.7), "W, c")
    else:
        _flow(ax, (4.6, 5.6), (4.6, 3.95))
    _flow(ax, (4.6, 3.45), (4.6, 2.6), (5.85, 2.6))
    _flow(ax, (6.2, 2.95), (6.2, 4.3), (9.45, 4.3))
    _flow(ax, (8.2, 2.95), (8.2, 5.35))
    _dot(ax, (8.2, 3.5))
    _flow(ax, (8.2, 3.5), (8.7, 3.5))
    _flow(ax, (9.2, 3.5), (9.7, 3.5), (9.7, 4.05))
    _flow(ax, (9.7, 4.55), (9.7, 5.35))
    for x, name, function in ((2.8, "r", "σ"), (6.2, "n", "tanh"), (8.2, "z", "σ")):
        _square(ax, (x, 2.6), function)
        ax.text(x + 0.12, 3.1, name, fontsize=10, fontstyle="italic", color=MARK)
    for place, sign in (
        ((4.6, 3.7), "×"), ((8.2, 5.6), "×"), ((9.7, 5.6), "+"), ((9.7, 4.3), "×"), ((8.95, 3.5), "1−"),
    ):  # fmt: skip
        _circle(ax, place, sign)
    _name(ax, (0.55, 5.6), "h(t-1)", "right")
    _name(ax, (10.85, 5.6), "h(t)", "left")
    _name(ax, (2.0, -0.1), "x(t)")
    ax.text(6.3, 5.72, "what is kept", fontsize=7.5, color="#555555")
    ax.text(6.35, 4.42, "what is new", fontsize=7.5, color="#555555")


def _mingru(ax: Axes, options: Mapping[str, Any]) -> None:
    _frame(ax, 1.1, 0.6, 6.7, 4.4)
    _flow(ax, (0.7, 3.7), (2.55, 3.7))
    _flow(ax, (3.05, 3.7), (5.05, 3.7))
    _flow(ax, (5.55, 3.7), (7.0, 3.7))
    _flow(ax, (1.9, 0.2), (1.9, 1.0), (5.3, 1.0), (5.3, 1.45))
    _flow(ax, (2.8, 1.0), (2.8, 1.45))
    _dot(ax, (2.8, 1.0))
    _flow(ax, (2.8, 2.15), (2.8, 3.45))
    _dot(ax, (2.8, 2.75))
    _flow(ax, (2.8, 2.75), (3.8, 2.75))
    _flow(ax, (4.3, 2.75), (5.05, 2.75))
    _flow(ax, (5.3, 2.15), (5.3, 2.5))
    _flow(ax, (5.3, 3.0), (5.3, 3.45))
    for x, name, function in ((2.8, "z", "σ"), (5.3, "n", "g")):
        _square(ax, (x, 1.8), function)
        ax.text(x + 0.12, 2.27, name, fontsize=10, fontstyle="italic", color=MARK)
    for place, sign in (((2.8, 3.7), "×"), ((5.3, 3.7), "+"), ((5.3, 2.75), "×"), ((4.05, 2.75), "1−")):
        _circle(ax, place, sign)
    _name(ax, (0.6, 3.7), "h(t-1)", "right")
    _name(ax, (7.05, 3.7), "h(t)", "left")
    _name(ax, (1.9, 0.0), "x(t)")
    ax.text(3.2, 3.82, "what is kept", fontsize=7.5, color="#555555")
    ax.text(5.42, 3.15, "what is new", fontsize=7.5, color="#555555")


def _minlstm(ax: Axes, options: Mapping[str, Any]) -> None:
    _frame(ax, 1.1, 0.6, 7.3, 5.3)
    _flow(ax, (0.7, 4.6), (3.05, 4.6))
    _flow(ax, (3.55, 4.6), (5.95, 4.6))
    _flow(ax, (6.45, 4.6), (7.6, 4.6))
    _flow(ax, (1.9, 0.2), (1.9, 1.0), (6.2, 1.0), (6.2, 1.45))
    for x in (2.8, 4.3):
        _flow(ax, (x, 1.0), (x, 1.45))
        _dot(ax, (x, 1.0))
    _flow(ax, (2.8, 2.15), (2.8, 2.9), (3.1, 2.9))
    _flow(ax, (4.3, 2.15), (4.3, 2.9), (4.0, 2.9))
    _flow(ax, (3.3, 3.2), (3.3, 4.35))
    _flow(ax, (3.8, 3.2), (3.8, 3.75), (5.95, 3.75))
    _flow(ax, (6.2, 2.15), (6.2, 3.5))
    _flow(ax, (6.2, 4.0), (6.2, 4.35))
    for x, function in ((2.8, "σ"), (4.3, "σ"), (6.2, "g")):
        _square(ax, (x, 1.8), function)
    for x, y, name in (
        (2.92, 2.27, "p"),
        (4.42, 2.27, "q"),
        (3.05, 3.4, "f"),
        (3.95, 3.4, "i"),
        (6.32, 2.27, "n"),
    ):
        ax.text(x, y, name, fontsize=10, fontstyle="italic", color=MARK)
    for place, sign in (((3.3, 4.6), "×"), ((6.2, 4.6), "+"), ((6.2, 3.75), "×")):
        _circle(ax, place, sign)
    _circle(ax, (3.55, 2.9), "/(p+q)", wide=True)
    _name(ax, (0.6, 4.6), "h(t-1)", "right")
    _name(ax, (7.65, 4.6), "h(t)", "left")
    _name(ax, (1.9, 0.0), "x(t)")
    ax.text(3.7, 4.72, "what is kept", fontsize=7.5, color="#555555")
    ax.text(4.4, 3.87, "what is written", fontsize=7.5, color="#555555")


def _flow(ax: Axes, *points: Point, head: bool = True) -> None:
    """Draw a line through points, above what it crosses."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color="white", linewidth=5, solid_capstyle="butt", linestyle="-", zorder=2)
    ax.plot(xs, ys, **_LINE, linestyle="-", zorder=2)
    if head:
        ax.annotate(
            "", points[-1], points[-2], zorder=3,
            arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **_ARROW},
        )  # fmt: skip


_ARROW: Any = {"color": "#333333", "linewidth": 0, "mutation_scale": 13}


def _dot(ax: Axes, at: Point) -> None:
    ax.add_patch(Circle(at, 0.07, color="#333333", zorder=4))


def _frame(ax: Axes, left: float, bottom: float, right: float, top: float) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (left, bottom),
            right - left,
            top - bottom,
            boxstyle="round,pad=0,rounding_size=0.3",
            facecolor="#f6f6f6",
            edgecolor="#bbbbbb",
            zorder=0,
        )
    )


def _square(ax: Axes, at: Point, text: str) -> None:
    x, y = at
    ax.add_patch(Rectangle((x - 0.35, y - 0.35), 0.7, 0.7, facecolor=_LEARNED, edgecolor="#333333", zorder=4))
    ax.text(x, y, text, ha="center", va="center", fontsize=10 if len(text) < 3 else 8.5, zorder=5)


def _circle(ax: Axes, at: Point, text: str, *, wide: bool = False) -> None:
    x, y = at
    shape = (
        FancyBboxPatch(
            (x - 0.45, y - 0.3), 0.9, 0.6, boxstyle="round,pad=0,rounding_size=0.3", facecolor=_PLAIN,
            edgecolor="#333333", zorder=4,
        )
        if wide
        else Circle(at, 0.25, facecolor=_PLAIN, edgecolor="#333333", zorder=4)
    )  # fmt: skip
    ax.add_patch(shape)
    ax.text(x, y, text, ha="center", va="center", fontsize=9 if wide or len(text) > 1 else 12, zorder=5)


def _name(ax: Axes, at: Point, text: str, side: str = "center") -> None:
    ax.text(*at, text, ha=side, va="center", fontsize=11)
