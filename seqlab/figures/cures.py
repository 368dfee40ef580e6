"""What helps against vanishing and exploding gradients, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqlab.analysis.cures import Clipped, CuresReport, Row
from seqlab.figures.gradients import LAG, draw_curve, draw_extras, scale, zero_kind
from seqlab.figures.style import Lines, lines_of, look, plain

_GREY = "#555555"
_LEAST = 1e-20  # below this a line leaves the picture


def cures_figure(report: CuresReport) -> Figure:
    """Draw the gradient norm over the lag, a panel for each group of models and each strength of the input.

    Args:
        report: what was measured.

    Returns:
        Columns as in the settings, with one more for clipping where it was measured; a row for each strength
        of the input. Lines and bands are as in :func:`seqlab.figures.gradients.gradient_figure`; in the last
        column |d Loss / d h(T-L)|, solid without and dashed with clipping.
    """
    titles = list(report.rows[0].columns)
    columns = len(titles) + bool(report.experiment.clipped)
    most = max(len(models) for models in report.experiment.columns.values())
    styles = _styles(report)
    with look():
        figure = Figure(figsize=(1.0 + 3.7 * columns, 1.2 + 2.9 * len(report.rows) + 0.19 * most))
        axes = figure.subplots(len(report.rows), columns, sharex=True, squeeze=False)
        for at, row in enumerate(report.rows):
            for column, title in enumerate(titles):
                _models(axes[at, column], row, title, styles)
            if row.clipped:
                _clipping(axes[at, -1], row.clipped, styles)
            axes[at, 0].set_ylabel(
                f"input weights of std {row.input_std:g}\n"
                r"$\|\,\partial s(T)\,/\,\partial s(T-L)\,\|_2$"
            )
        _share_scale(list(axes[:, : len(titles)].flat))
        for column, title in enumerate(titles):
            axes[0, column].set_title(title)
            _names_below(axes[-1, column], report.experiment.columns[title], styles)
        if report.experiment.clipped:
            axes[0, -1].set_title(f"clipping at norm {report.experiment.clip_norm:g}")
            _names_below(axes[-1, -1], report.experiment.clipped, styles)
        figure.suptitle("What helps against vanishing and exploding gradients, at the start of training")
        for ax in axes[-1]:
            ax.set_xlabel(LAG)
        _kinds(figure, report)
    return figure


def _styles(report: CuresReport) -> Lines:
    """Return a line for each model: those of a column differ, and each is the same wherever it stands."""
    found: dict[str, dict[str, Any]] = {}
    for models in (*report.experiment.columns.values(), report.experiment.clipped):
        for model, style in zip(models, lines_of(models), strict=True):
            found.setdefault(model, style)
    return found


def _models(ax: Axes, row: Row, title: str, styles: Lines) -> None:
    models = row.columns[title].models
    ax.axhline(1, color="#888888", linewidth=1, zorder=1)
    for index, model in enumerate(models):
        draw_curve(ax, model.spectral, styles[model.name], index)
        draw_extras(ax, model, styles[model.name])
    scale(ax, [model.spectral for model in models])


def _share_scale(panels: Sequence[Axes]) -> None:
    """Give all panels one scale, so that they can be compared; it ends where nothing is left to compare."""
    low = max(min(ax.get_ylim()[0] for ax in panels), _LEAST)
    high = max(ax.get_ylim()[1] for ax in panels)
    for ax in panels:
        ax.set_ylim(low, high)


def _clipping(ax: Axes, models: Sequence[Clipped], styles: Lines) -> None:
    ax.axhline(1, color="#888888", linewidth=1, zorder=1)
    for index, model in enumerate(models):
        draw_curve(ax, model.loss, styles[model.name], index)
        draw_curve(ax, model.clipped, styles[model.name], index)
        ax.get_lines()[-1].set(linestyle="--", markerfacecolor="white")
    ax.set_ylabel(r"$|\,\partial\,\mathrm{Loss}\,/\,\partial h(T-L)\,|$")
    scale(ax, [curve for model in models for curve in (model.loss, model.clipped)])


def _names_below(ax: Axes, models: Sequence[str], styles: Lines) -> None:
    handles = [
        Line2D([], [], color=styles[model]["color"], marker=styles[model]["marker"], label=_short(model))
        for model in models
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.02, -0.2), fontsize=8.5)


def _short(model: str) -> str:
    """Write a model as it is told from its neighbours.

    >>> _short("rnn[start=orthogonal,spectral_radius=0.9]"), _short("gru")
    ('rnn, spectral radius 0.9', 'gru')
    """
    name, _, options = model.rstrip("]").partition("[")
    said = [word.replace("_", " ").replace("=", " ") for word in options.split(",") if word]
    return plain(", ".join([name, *(word for word in said if not word.startswith("start "))]))


def _kinds(figure: Figure, report: CuresReport) -> None:
    kinds = [
        Line2D(
            [],
            [],
            color=_GREY,
            label=f"geometric mean and range of {report.experiment.seeds} seeds",
        ),
        Line2D(
            [], [], color=_GREY, linestyle="--", linewidth=1.2, label=r"bound $(\gamma\,\sigma_{\max})^L$"
        ),
        Line2D([], [], color=_GREY, linestyle=":", linewidth=1.4, label="product of the forget gates"),
    ]
    every = (model.spectral for row in report.rows for one in row.columns.values() for model in one.models)
    kinds += zero_kind(every)
    if report.experiment.clipped:
        open_mark: Any = {"marker": "o", "markerfacecolor": "white", "linestyle": "--"}
        kinds.append(Line2D([], [], color=_GREY, label="last column: clipped", **open_mark))
    figure.legend(handles=kinds, loc="outside lower center", ncols=min(len(kinds), 3))
