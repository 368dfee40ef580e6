"""Comparisons of models over seeds: learning curves, time until solved, success against difficulty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter
from numpy.typing import NDArray

from seqlab.comparison.design import Design
from seqlab.comparison.entries import Entry
from seqlab.comparison.outcome import Comparison
from seqlab.comparison.record import create_folder, write
from seqlab.comparison.statistics import Survival, wilson
from seqlab.comparison.study import learning_curves as curves_of
from seqlab.figures.guess import draw_guess
from seqlab.figures.many import MOST_LINES, rows_figure
from seqlab.figures.style import Lines, lines_by, look, plain, save
from seqlab.figures.trials import trials_figure
from seqlab.runs.trials import OptionCurve, option_curves
from seqlab.tasks import Metric, build_task

Curve = tuple[Sequence[float], Sequence[float]]
"""Training sequences seen, and a metric there: one run's."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """A picture of a comparison.

    Attributes:
        name: of its files.
        caption: what it shows, in a sentence.
        figure: itself.
    """

    name: str
    caption: str
    figure: Figure


def keep(
    design: Design, finished: Sequence[Entry], result: Comparison, notes: Sequence[str] = ()
) -> tuple[Path, dict[str, Any]]:
    """Write a comparison's folder among the reports, the pictures included.

    Args:
        design: what was compared.
        finished: every model on every seed.
        result: what came of them.
        notes: what there is to say about who took part.

    Returns:
        The folder, and what its JSON holds.
    """
    folder = create_folder(design)
    metric = build_task(finished[0].experiment.task).metric
    figures = []
    drawn = pictures(
        result,
        curves_of(finished, metric.name),
        f"validation {metric.title}",
        styles=styles_of(finished),
        title=title_of(finished),
    )
    for picture in [*drawn, *trial_pictures(finished, metric)]:
        png, svg = save(picture.figure, folder / picture.name)  # the usual formats
        figures.append({"name": picture.name, "caption": picture.caption, "png": png.name, "svg": svg.name})
    return folder, write(folder, design, finished, result, figures, notes)


def styles_of(finished: Sequence[Entry]) -> Lines:
    """Return the lines of a comparison's models, by their titles and, for what has no level, their labels."""
    by_title = {item.title: item.experiment.model.name for item in finished}
    return {**lines_by({item.label: item.experiment.model.name for item in finished}), **lines_by(by_title)}


def title_of(finished: Sequence[Entry]) -> str:
    """Return what was learned, at which levels, and on how many seeds."""
    first = finished[0].experiment
    levels = [str(level) for level in dict.fromkeys(item.level for item in finished) if level is not None]
    own = first.task.options.get("difficulty")
    levels = levels or ([] if own is None else [str(own)])
    what = " ".join([first.task.name, *([f"({', '.join(levels)})"] if levels else [])])
    task = "" if first.task.name == first.experiment else f"{first.experiment}: "
    seeds = len({item.experiment.seed for item in finished})
    return f"{task}{what}, {seeds} seed{'s' if seeds > 1 else ''}"


def pictures(
    result: Comparison,
    curves: Mapping[str, Sequence[Curve]],
    metric: str,
    *,
    styles: Lines | None = None,
    title: str = "",
) -> list[Picture]:
    """Draw what there is to see of a comparison, the best summary first.

    Args:
        result: the comparison.
        curves: by model (of a ladder without criterion, level and model), one for each seed.
        metric: what the curves are, for the label.
        styles: by the keys of ``curves``, and by model; None where these are names of models.
        title: stands above each.
    """
    drawn = _drawn(result, curves, metric, styles)
    for picture in drawn:
        picture.figure.suptitle(plain(title), fontsize=11)
    return drawn


def _drawn(
    result: Comparison, curves: Mapping[str, Sequence[Curve]], metric: str, styles: Lines | None
) -> list[Picture]:
    levels = list(dict.fromkeys(model.level for model in result.models))
    if len(levels) > 1 and any(model.solved is not None for model in result.models):
        return [_ladder_of(result, levels, styles)]
    bars = {(model.guess_name, model.guess) for model in result.models if model.guess is not None}
    guess = next(iter(bars)) if len(bars) == 1 else None
    learning = Picture(
        "learning-curves",
        f"Learning curves: {metric} over the training sequences seen.",
        learning_curves(curves, metric, guess, styles),
    )
    survivals = {model.model: model.survival for model in result.models if model.survival is not None}
    if not survivals:
        return [learning]
    return [
        Picture(
            "comparison",
            "Learning curves and time until solved.",
            overview(curves, survivals, metric, guess, styles),
        ),
        learning,
        Picture(
            "not-yet-solved",
            "The share of runs that have not solved the task after so many training sequences.",
            survival_curves(survivals, styles),
        ),
    ]


def trial_pictures(finished: Sequence[Entry], metric: Metric) -> list[Picture]:
    """Draw the metric over each option of the task that differs among the trials.

    A line for each model; of more models than can be told apart, where it is a share, a row for each.
    """
    found: dict[tuple[str, str], dict[str, list[OptionCurve]]] = {}
    styles, title = styles_of(finished), title_of(finished)
    for item in finished:
        for curve in [] if item.run is None else option_curves(item.run, metric.name):
            found.setdefault((curve.option, curve.answers), {}).setdefault(item.title, []).append(curve)
    return [
        Picture(
            f"{metric.name}-by-{option}" + ("" if answers == "shown" else f"-{answers}"),
            f"Held-out {metric.title} over task.{option}: the median over seeds, bars from the least to the "
            "greatest, each seed thin.",
            _rows_of_trials(curves, metric, title)
            if len(curves) > MOST_LINES and metric.bounds == (0.0, 1.0)
            else trials_figure(curves, metric.title, metric.bounds == (0.0, 1.0), styles, title),
        )
        for (option, answers), curves in found.items()
    ]


def _rows_of_trials(curves: Mapping[str, Sequence[OptionCurve]], metric: Metric, title: str) -> Figure:
    first = next(iter(curves.values()))[0]
    told = {model: [dict(run.points) for run in runs] for model, runs in curves.items()}
    levels = sorted({level for runs in told.values() for run in runs for level in run})
    medians = {
        model: [
            float(np.median([run[level] for run in runs if level in run] or [np.nan])) for level in levels
        ]
        for model, runs in told.items()
    }
    label = f"task.{first.option}: {metric.title} in per cent, the median over seeds"
    return rows_figure(levels, medians, label, title, trained=first.trained)


def _ladder_of(result: Comparison, levels: Sequence[str | None], styles: Lines | None) -> Picture:
    solved: dict[str, list[tuple[int, int]]] = {}
    for model in result.models:  # level by level
        solved.setdefault(model.model, []).append((model.solved or 0, model.runs))
    caption = "The share of seeds that solve the task, by level."
    if len(solved) > MOST_LINES:
        shares = {model: [good / runs for good, runs in counts] for model, counts in solved.items()}
        label = "level of the task: seeds that solve it, in per cent"
        return Picture("success-by-level", caption, rows_figure([*map(str, levels)], shares, label, ""))
    figure = ladder(solved, [str(level) for level in levels], "level of the task", styles)
    return Picture("success-by-level", caption, figure)


def learning_curves(
    curves: Mapping[str, Sequence[Curve]],
    metric: str,
    guess: tuple[str, float] | None = None,
    styles: Lines | None = None,
) -> Figure:
    """Draw a metric over the sequences seen: the median over seeds, the quartiles as a band, each seed thin.

    A run that ends early, having solved the task, keeps its last value to the end of the picture.

    Args:
        curves: by model, one for each seed.
        metric: what the curves are, for the label.
        guess: how to guess, and what that comes to, for a dotted line.
    """
    return _panels([lambda axes: _learning(axes, curves, metric, guess, styles)])


def survival_curves(survivals: Mapping[str, Survival], styles: Lines | None = None) -> Figure:
    """Draw the share of runs not yet solved over the sequences seen (Kaplan-Meier).

    A vertical bar on a line marks a run that was stopped unsolved.

    Args:
        survivals: by model.
    """
    return _panels([lambda axes: _survival(axes, survivals, styles)])


def overview(
    curves: Mapping[str, Sequence[Curve]],
    survivals: Mapping[str, Survival],
    metric: str,
    guess: tuple[str, float] | None = None,
    styles: Lines | None = None,
) -> Figure:
    """Draw :func:`learning_curves` and :func:`survival_curves` side by side, under one legend."""
    return _panels(
        [
            lambda axes: _learning(axes, curves, metric, guess, styles),
            lambda axes: _survival(axes, survivals, styles),
        ]
    )


def ladder(
    solved: Mapping[str, Sequence[tuple[int, int]]],
    difficulties: Sequence[str | float],
    difficulty: str,
    styles: Lines | None = None,
) -> Figure:
    """Draw the share of seeds solved against difficulty, with Wilson's 95 % intervals.

    Args:
        solved: by model, for each difficulty how many seeds solved the task, out of how many.
        difficulties: the rungs, in order: numbers or names.
        difficulty: what the rungs are, with their unit: ``length (steps)``.
    """
    return _panels([lambda axes: _ladder(axes, solved, difficulties, difficulty, styles)])


def _panels(draw: Sequence[Callable[[Axes], None]]) -> Figure:
    """Draw panels side by side, with one legend below them all."""
    with look():
        figure = Figure(figsize=(5.6 if len(draw) == 1 else 10.5, 4.2))
        all_axes = figure.subplots(1, len(draw), squeeze=False)[0]
        for panel, axes in zip(draw, all_axes, strict=True):
            panel(axes)
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(len(labels), 5), handlelength=3.5
        )
    return figure


def _learning(
    axes: Axes,
    curves: Mapping[str, Sequence[Curve]],
    metric: str,
    guess: tuple[str, float] | None,
    styles: Lines | None,
) -> None:
    finite = {model: [curve for run in runs if (curve := _finite(run))] for model, runs in curves.items()}
    end = max((float(at[-1]) for runs in finite.values() for at, _ in runs), default=1.0)
    styles = styles or _by_name(finite)
    for index, (model, runs) in enumerate(finite.items()):
        style = styles[model]
        if not runs:
            axes.plot([], [], **style, label=f"{plain(model)} (no curve)")
            continue
        grid, values = _aligned(runs, end)
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        axes.plot(grid, values.T, color=style["color"], linestyle="-", alpha=0.35, linewidth=0.6)
        axes.fill_between(grid, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.plot(
            grid, middle, **style, markevery=_spread(index, len(curves)), markersize=5, label=plain(model)
        )
    if guess is not None:
        draw_guess(axes, *guess)
    axes.set(xlabel="training sequences seen", ylabel=metric, xlim=(0, end))
    axes.set_title(
        "thick: median over seeds, band: quartiles, thin: each seed\na run that ended keeps its last value",
        fontsize=9,
    )
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _finite(curve: Curve) -> tuple[Array, Array] | None:
    """Return what can be drawn of a run's curve, or None: a run that failed may end in NaN."""
    at, value = np.asarray(curve[0], float), np.asarray(curve[1], float)
    keep = np.isfinite(value)
    return (at[keep], value[keep]) if keep.any() else None


def _aligned(runs: Sequence[tuple[Array, Array]], end: float) -> tuple[Array, Array]:
    """Bring a model's curves, which differ in length, to one grid: (points,), (seeds, points).

    ``np.interp`` holds the last value beyond the end of a curve.
    """
    points = np.unique(np.concatenate([*(at for at, _ in runs), [end]]))
    grid = points[points >= max(at[0] for at, _ in runs)]
    return grid, np.stack([np.interp(grid, at, value) for at, value in runs])


def _spread(index: int, lines: int) -> tuple[float, float]:
    """Place about eight markers on a line, apart from those of the other lines."""
    return (0.12 * (index + 0.5) / lines, 0.12)


def _survival(axes: Axes, survivals: Mapping[str, Survival], styles: Lines | None) -> None:
    styles = styles or _by_name(survivals)
    end = max(max(curve.times + curve.censored) for curve in survivals.values())
    for model, curve in survivals.items():
        style = styles[model]
        last = max(curve.times + curve.censored)
        times, left = [*curve.times, last], [*curve.unsolved, curve.unsolved[-1]]
        solving = range(1, len(curve.times)) or [
            1
        ]  # a marker where a run solves, or at the end of a flat line
        axes.step(
            times, left, where="post", **style, markersize=5, markevery=list(solving), label=plain(model)
        )
        at = np.searchsorted(curve.times, curve.censored, side="right") - 1
        marks = np.asarray(curve.unsolved)[at]
        axes.plot(curve.censored, marks, "|", color=style["color"], markersize=11, markeredgewidth=1.6)
    axes.set(xlabel="training sequences seen", ylabel="share of runs not yet solved", ylim=(-0.03, 1.05))
    axes.set_xlim(0, end * 1.03)
    axes.set_title("Kaplan-Meier estimate\n| a run stopped unsolved", fontsize=9)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _ladder(
    axes: Axes,
    solved: Mapping[str, Sequence[tuple[int, int]]],
    difficulties: Sequence[str | float],
    difficulty: str,
    styles: Lines | None,
) -> None:
    styles = styles or _by_name(solved)
    for index, (model, counts) in enumerate(solved.items()):
        shares = np.array([good / runs for good, runs in counts])
        intervals = [wilson(good, runs) for good, runs in counts]
        reach = [shares - [i.low for i in intervals], [i.high for i in intervals] - shares]
        apart = 0.12 * (index - (len(solved) - 1) / 2)
        at = np.arange(len(difficulties)) + apart
        axes.errorbar(
            at, shares, np.maximum(reach, 0), **styles[model], markersize=6, capsize=3, label=plain(model)
        )
    axes.set_xticks(range(len(difficulties)), [str(rung) for rung in difficulties])
    axes.set(xlabel=difficulty, ylabel="share of seeds solved", ylim=(-0.03, 1.05))
    axes.set_title("bars: Wilson's 95 % interval", fontsize=9)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _by_name(models: Iterable[str]) -> Lines:
    """Return the lines of models that are called by their names."""
    return lines_by({model: model for model in models})
