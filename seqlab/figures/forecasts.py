"""Forecasts of series: what was read, what came, what a model and what simple rules said would."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqlab.figures.style import COLOURS, line, look, plain
from seqlab.tasks import Forecast

MOST = 6
"""Columns and series that one picture shows."""

TRUTH = "#000000"
MODEL = COLOURS[0]


def forecasts_figure(told: Sequence[Forecast], title: str) -> Figure:
    """Draw forecasts, a panel each: the truth in black, the model with its interval, and baselines.

    Args:
        told: of which the first :data:`MOST` are drawn.
        title: stands above.
    """
    shown = told[:MOST]
    with look():
        figure = Figure(figsize=(8, 1 + 2.4 * len(shown)))
        for one, ax in zip(shown, figure.subplots(len(shown), squeeze=False)[:, 0], strict=True):
            _draw(ax, one)
        lines, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=3)
        figure.suptitle(plain(title))
        return figure


def _draw(ax: Axes, one: Forecast) -> None:
    first = len(one.before)
    steps = range(first, first + len(one.values))
    ax.plot(range(first + len(one.came)), [*one.before, *one.came], color=TRUTH, label="truth", linewidth=1)
    for number, (name, values) in enumerate(one.beside.items(), 1):
        style = line(number)
        ax.plot(
            steps, values, color=style["color"], linestyle=style["linestyle"], label=plain(name), linewidth=1
        )
    ax.plot(steps, one.values, color=MODEL, linestyle="-", label="model")
    if one.lower:
        ax.fill_between(
            steps[: len(one.lower)],
            one.lower,
            one.upper,
            color=MODEL,
            alpha=0.2,
            linewidth=0,
            label="interval",
        )
    ax.axvline(first - 0.5, color="#555555", linestyle=":", linewidth=1)
    ax.set_ylabel(plain(one.name))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel(plain(f"steps; forecast from {one.time} {one.times[0]} to {one.times[-1]}"))
