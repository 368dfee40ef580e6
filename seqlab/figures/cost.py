"""How the time of a training step grows, beside the least that it could take."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqlab.analysis.growth import Growth, Measurement
from seqlab.figures.style import lines_of, look, plain

LABELS = {
    "time": "time steps of a sequence",
    "hidden": "units",
    "batch": "sequences in a batch",
    "seeds": "seeds trained together",
}
_GREY = "#555555"
_STYLES: dict[str, Any] = {
    "torch": {"linestyle": "-"},
    "fused": {"linestyle": "--", "markerfacecolor": "white"},
}
_FLOOR: Any = {"linestyle": ":", "linewidth": 1.0, "marker": ""}


def cost_figure(growth: Growth) -> Figure:
    """Draw how the cost of a training step grows.

    Args:
        growth: what was measured.

    Returns:
        A panel for each thing that grows, both axes logarithmic: milliseconds per training step and seed. A
        colour and a marker for each model; solid: torch, dashed with open markers: the fused engine, dotted:
        the floor of the model, where nothing but products and memory count, unless it lies far below.
    """
    columns = min(2, len(growth.sweeps))
    rows = -(-len(growth.sweeps) // columns)
    models = list(dict.fromkeys(point.model for point in growth.measured))
    with look():
        figure = Figure(figsize=(5.2 * columns, 3.6 * rows + 1.3))
        figure.suptitle("What a training step takes on this machine", fontsize=11)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for ax, sweep in zip(axes, growth.sweeps, strict=False):
            _panel(ax, growth, sweep, models)
        for ax in axes[len(growth.sweeps) :]:
            ax.set_visible(False)
        for ax in axes[::columns]:
            ax.set_ylabel("ms per training step and seed")
        times = [1e3 * one.seconds for one in growth.measured.values()]
        if times:  # the floors of the minimal units lie many decades below, where nothing is to be seen
            axes[0].set_ylim(min(times) / 20, 2 * max(times))
        _legends(figure, growth, models)
    return figure


def _panel(ax: Axes, growth: Growth, sweep: str, models: list[str]) -> None:
    sizes, styles = growth.sweeps[sweep], _styles(models)
    either: dict[str, dict[int, Measurement]] = {model: {} for model in models}
    for (model, engine), line in growth.lines(sweep).items():
        points = {size: one for size, one in zip(sizes, line, strict=True) if one is not None}
        ax.plot(*_milliseconds(points, "seconds"), **{**styles[models.index(model)], **_STYLES[engine]})
        either[model] = {**points, **either[model]}
    for style, points in zip(styles, either.values(), strict=True):
        ax.plot(*_milliseconds(dict(sorted(points.items())), "floor"), **{**style, **_FLOOR})
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    fixed = {name: size for name, size in growth.base.items() if name != sweep}
    ax.set_xlabel(LABELS[sweep])
    ax.set_title(", ".join(f"{name} {size:,}" for name, size in fixed.items()), fontsize=9)


def _milliseconds(points: dict[int, Measurement], what: str) -> tuple[list[int], list[float]]:
    return list(points), [1e3 * getattr(one, what) for one in points.values()]


def _styles(models: list[str]) -> list[dict[str, Any]]:
    """Return the colour and the marker of each model."""
    return [{"color": style["color"], "marker": style["marker"]} for style in lines_of(models)]


def _legends(figure: Figure, growth: Growth, models: list[str]) -> None:
    names = [
        Line2D([], [], **style, label=plain(model))
        for model, style in zip(models, _styles(models), strict=True)
    ]
    engines = dict.fromkeys(point.engine for point in growth.measured)
    kinds = [Line2D([], [], color=_GREY, marker="o", **_STYLES[engine], label=engine) for engine in engines]
    kinds.append(Line2D([], [], color=_GREY, **_FLOOR, label="floor: FLOPs / peak or bytes / bandwidth"))
    figure.legend(handles=names + kinds, loc="outside lower left", ncols=3)
