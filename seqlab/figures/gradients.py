"""The gradient through time: norms against the lag L, of models at the start and of a run in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqlab.analysis.gradients import Curve, GradientReport, Logs, ModelGradient
from seqlab.analysis.trained_gradients import Moment
from seqlab.figures.style import Lines, lines_of, look, plain

_GREATEST = 250.0  # the power of ten that a logarithmic axis of matplotlib still shows
_GREY = "#555555"
_BOUND: Any = {"color": _GREY, "linestyle": "--", "linewidth": 1.2}
_PATH: Any = {"color": _GREY, "linestyle": ":", "linewidth": 1.4}
_FROBENIUS: Any = {"color": _GREY, "linestyle": "-", "linewidth": 0.6}
ZERO: Any = {"linestyle": "none", "marker": "X", "markersize": 8, "markeredgecolor": "white"}
LAG = "lag $L$ (steps back from the end $T$)"


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
        for index, (model, style) in enumerate(zip(report.models, _styles(report), strict=True)):
            draw_curve(ax, model.spectral, style, index)
            draw_extras(ax, model, style)
        scale(ax, [model.spectral for model in report.models])
        ax.set_xlabel(LAG)
        ax.set_ylabel(r"gradient norm  $\|\,\partial s(T)\,/\,\partial s(T-L)\,\|_2$")
        title = f"{report.experiment.experiment}: gradients at the start of training"
        figure.suptitle(plain(title), fontsize=11)
        _explain(figure, report)
    return figure


def run_figure(moments: Sequence[Moment], title: str, model: str) -> Figure:
    """Draw the gradient through time of a run at points of its training, a column for each layer.

    Args:
        moments: what was measured, in order.
        title: stands above.
        model: whose gradient it is; the lines are shades of its colour.

    Returns:
        Panels over the lag: the norm of d h(T) / d h(T-L); where the state has more parts than h, that of
        d s(T) / d s(T-L); and |d Loss / d h(T-L)|. For each moment a line, the geometric mean over the
        sequences, in a band from the least to the greatest; thin: the Frobenius norm; dashed: the bound
        (gamma sigma_max)^L; dotted: the product of the forget gates.
    """
    lines = dict(
        zip([plain(moment.label) for moment in moments], lines_of([model] * len(moments)), strict=True)
    )
    layers, parts = len(moments[0].layers), moments[0].layers[0].parts
    rows = 2 if len(parts) == 1 else 3
    with look():
        figure = Figure(figsize=(max(8.5, 6.2 * layers), 2.5 * rows + 1.2))
        axes = figure.subplots(rows, layers, sharex=True, sharey="row", squeeze=False)
        for column in range(layers):
            found = [moment.layers[column] for moment in moments]
            for row in range(rows):
                _run_panel(axes[row, column], found, lines, row, rows)
            axes[-1, column].set_xlabel(LAG)
            if layers > 1:
                axes[0, column].set_title(found[0].name)
        state = ", ".join(parts)
        labels = [r"$\|\,\partial h(T)\,/\,\partial h(T-L)\,\|$"]
        labels += [r"$\|\,\partial s(T)\,/\,\partial s(T-L)\,\|$" + f"\n$s = ({state})$"] * (rows == 3)
        labels += [r"$|\,\partial\,\mathrm{Loss}\,/\,\partial h(T-L)\,|$"]
        for row, label in enumerate(labels):
            axes[row, 0].set_ylabel(label)
        figure.suptitle(plain(title), fontsize=10)
        _run_legend(figure, moments)
    return figure


def _run_panel(ax: Axes, found: Sequence[ModelGradient], lines: Lines, row: int, rows: int) -> None:
    """Draw one layer: h in the first row, the whole state below where it is more, the loss in the last.

    The rates of a panel's own lines stand in it.
    """
    drawn: list[Curve] = []
    ax.axhline(1, color="#888888", linewidth=1, zorder=1)
    for index, (model, style) in enumerate(zip(found, lines.values(), strict=True)):
        if row == rows - 1:
            assert model.loss_hidden is not None
            thick, thin = model.loss_hidden, None
        elif row == 0:
            thick, thin = model.hidden, model.hidden_frobenius
        else:
            thick, thin = model.spectral, model.frobenius
        draw_curve(ax, thick, style, index)
        drawn.append(thick)
        extra = [(thin, _FROBENIUS)]
        if row == rows - 2:  # of the whole state
            extra += [(model.closed_bound, _BOUND), (model.path_mean, _PATH)]
        for curve, kind in extra:
            if curve is not None:
                _draw_thin(ax, curve, kind, style)
    scale(ax, drawn)
    rates = [
        Line2D([], [], color=style["color"], marker=style["marker"], label=f"{label}: {curve.rate:.3g}")
        for curve, style, label in zip(drawn, lines.values(), lines, strict=True)
    ]
    ax.legend(
        handles=rates,
        title="rate per step",
        title_fontsize=8,
        fontsize=8,
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )


def _run_legend(figure: Figure, moments: Sequence[Moment]) -> None:
    kinds = [
        Line2D([], [], color=_GREY, label="spectral norm, geometric mean and range over sequences"),
        Line2D([], [], **_FROBENIUS, label="Frobenius norm"),
    ]
    figure.legend(
        handles=kinds + _kinds_of([layer for moment in moments for layer in moment.layers]),
        loc="outside lower left",
        ncols=2,
        fontsize=8.5,
    )


def _kinds_of(models: Sequence[ModelGradient]) -> list[Line2D]:
    """Return legend entries for the further lines that these models have."""
    kinds = []
    if any(model.closed_bound is not None for model in models):
        label = r"bound $(\gamma\,\sigma_{\max})^L$ of the plain network"
        kinds.append(Line2D([], [], **_BOUND, label=label))
    kinds += zero_kind([model.spectral for model in models])
    if any(model.path_mean is not None for model in models):
        kinds.append(Line2D([], [], **_PATH, label="product of the forget gates, mean over units"))
    return kinds


def zero_kind(curves: Iterable[Curve]) -> list[Line2D]:
    """Return the legend's entry for the crosses of :func:`draw_curve`, where there are some."""
    if not any(curve.zeros.any() for curve in curves):
        return []
    return [Line2D([], [], color=_GREY, **ZERO, label="from here on 0 in a further seed, which is left out")]


def draw_curve(ax: Axes, curve: Curve, style: Mapping[str, Any], index: int = 0) -> None:
    """Draw the geometric mean over seeds in a band from the least to the most, those left out that are 0.

    A cross marks from where on a further seed's is exactly 0.

    Args:
        ax: where.
        curve: what was measured.
        style: colour and marker of the line.
        index: its number, so that markers do not hide each other.
    """
    logs = curve.logs  # (S, L)
    lag = np.arange(1, logs.shape[1] + 1)
    colour, marker = style["color"], style["marker"]
    apart = (index * len(lag) // 40, max(1, len(lag) // 10))  # in lags
    low = np.where(np.isneginf(logs), np.inf, logs).min(0)
    mean = np.where(np.isneginf(curve.mean_log), np.nan, curve.mean_log)
    ax.fill_between(
        lag, _shown(np.minimum(low, logs.max(0))), _shown(logs.max(0)), color=colour, alpha=0.15, linewidth=0
    )
    ax.plot(lag, _shown(mean), color=colour, linestyle="-", marker=marker, markevery=apart)
    fewer = np.flatnonzero(np.diff(curve.zeros, prepend=0) > 0)
    if len(fewer):
        before = np.maximum(fewer - 1, 0)  # where the last of all seeds was still there
        ax.plot(lag[before], _shown(mean[before]), color=colour, **ZERO)


def draw_extras(ax: Axes, model: ModelGradient, style: Mapping[str, Any]) -> None:
    """Draw a model's bound, dashed, and its additive path, dotted, where it has them."""
    for curve, kind in ((model.closed_bound, _BOUND), (model.path_mean, _PATH)):
        if curve is not None:
            _draw_thin(ax, curve, kind, style)


def _draw_thin(ax: Axes, curve: Curve, kind: Any, style: Mapping[str, Any]) -> None:
    lag = np.arange(1, curve.logs.shape[1] + 1)
    ax.plot(lag, _shown(curve.mean_log), **{**kind, "color": style["color"]})


def _shown(logs: Logs) -> Logs:
    """Return the numbers with these logarithms, as far as an axis can show them."""
    return np.asarray(10 ** np.clip(logs, -_GREATEST, _GREATEST))


def scale(ax: Axes, curves: Iterable[Curve]) -> None:
    """Scale an axis to what was measured; a bound may leave the picture."""
    every = list(curves)
    logs = np.concatenate([curve.logs.ravel() for curve in every])
    logs = logs[~np.isneginf(logs)].clip(-_GREATEST, _GREATEST)
    low, high = min([*logs, -1.0]), max([*logs, 0.0])
    margin = 0.06 * (high - low)
    ax.set_yscale("log")
    ax.set_ylim(10 ** (low - margin), 10 ** (high + 2 * margin))
    ax.set_xlim(0, max(curve.logs.shape[1] for curve in every))


def _explain(figure: Figure, report: GradientReport) -> None:
    """Name the models below the picture, with their rates, and the kinds of line."""
    names = []
    for model, style in zip(report.models, _styles(report), strict=True):
        label = plain(f"{model.name}: {model.spectral.rate:.3g} per step")
        names.append(Line2D([], [], color=style["color"], marker=style["marker"], label=label))
    seeds = report.experiment.seeds
    kinds = [Line2D([], [], color=_GREY, linestyle="-", label=f"geometric mean and range of {seeds} seeds")]
    figure.legend(handles=names + kinds + _kinds_of(report.models), loc="outside lower left")


def _styles(report: GradientReport) -> list[dict[str, Any]]:
    return lines_of([model.name for model in report.models])
