"""The gradient through time: the norm of d s(T) / d s(T-L) against the lag L."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqlab.analysis.gradients import GradientReport, Logs, ModelGradient
from seqlab.figures.style import line, look

_GREATEST = 250.0  # the power of ten that a logarithmic axis of matplotlib still shows
_GREY = "#555555"
_BOUND: Any = {"color": _GREY, "linestyle": "--", "linewidth": 1.2}
_PATH: Any = {"color": _GREY, "linestyle": ":", "linewidth": 1.2}


def gradient_figure(report: GradientReport) -> Figure:
    """Draw how the gradient fades or grows on its way back through time.

    Args:
        report: what was measured.

    Returns:
        A logarithmic axis of norms over the lag. For each model a line, the geometric mean over seeds, in a
        band from the least seed to the greatest; dashed, where it is known, the bound (gamma sigma_max)^L;
        dotted, for a cell with an additive path, the product of its forget gates. On the grey line, at 1, the
        gradient neither vanishes nor explodes.
    """
    with look():
        figure = Figure(figsize=(7.5, 4.6 + 0.2 * len(report.models)))
        ax = figure.subplots()
        ax.axhline(1, color="#888888", linewidth=1, linestyle="-", zorder=1)
        for index, model in enumerate(report.models):
            _draw(ax, model, index)
        _frame(ax, report)
        _explain(figure, ax, report)
    return figure


def _draw(ax: Axes, model: ModelGradient, index: int) -> None:
    logs = model.spectral.logs  # (S, L)
    lag = np.arange(1, logs.shape[1] + 1)
    colour, marker = line(index)["color"], line(index)["marker"]
    apart = (index * len(lag) // 40, max(1, len(lag) // 10))  # markers of models do not hide each other
    ax.fill_between(lag, _shown(logs.min(0)), _shown(logs.max(0)), color=colour, alpha=0.15, linewidth=0)
    ax.plot(lag, _shown(logs.mean(0)), color=colour, linestyle="-", marker=marker, markevery=apart)
    for curve, style in ((model.closed_bound, _BOUND), (model.path_mean, _PATH)):
        if curve is not None:
            ax.plot(lag, _shown(curve.logs.mean(0)), **{**style, "color": colour})


def _shown(logs: Logs) -> Logs:
    """Return the numbers with these logarithms, as far as an axis can show them."""
    return np.asarray(10 ** np.clip(logs, -_GREATEST, _GREATEST))


def _frame(ax: Axes, report: GradientReport) -> None:
    """Scale the axes to what was measured; a bound may leave the picture."""
    logs = np.concatenate([model.spectral.logs.ravel() for model in report.models]).clip(
        -_GREATEST, _GREATEST
    )
    low, high = min(logs.min(), -1.0), max(logs.max(), 0.0)
    margin = 0.06 * (high - low)
    ax.set_yscale("log")
    ax.set_ylim(10 ** (low - margin), 10 ** (high + 2 * margin))
    ax.set_xlim(0, report.experiment.lags)
    ax.set_xlabel("lag $L$ (steps back from the end $T$)")
    ax.set_ylabel(r"gradient norm  $\|\,\partial s(T)\,/\,\partial s(T-L)\,\|_2$")


def _explain(figure: Figure, ax: Axes, report: GradientReport) -> None:
    """Name the models above the picture, with their rates, and the kinds of line inside it."""
    names = []
    for index, model in enumerate(report.models):
        label = f"{model.name}: {model.spectral.rate:.3g} per step".replace("$", r"\$")
        names.append(Line2D([], [], color=line(index)["color"], marker=line(index)["marker"], label=label))
    figure.legend(handles=names, loc="outside upper left")
    seeds = report.experiment.seeds
    kinds = [Line2D([], [], color=_GREY, linestyle="-", label=f"geometric mean and range of {seeds} seeds")]
    if any(model.closed_bound is not None for model in report.models):
        kinds.append(
            Line2D([], [], **_BOUND, label=r"bound $(\gamma\,\sigma_{\max})^L$ of the plain network")
        )
    if any(model.path_mean is not None for model in report.models):
        kinds.append(Line2D([], [], **_PATH, label="product of the forget gates, mean over units"))
    ax.legend(handles=kinds, loc="lower left")
