"""What a vanishing gradient does to learning: gradients through time above, accuracy below, over the lag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqlab.comparison.lags import Climb
from seqlab.figures.gradients import draw_curve, scale
from seqlab.figures.guess import draw_guess
from seqlab.figures.style import Lines, lines_by, look, plain


def lags_figure(climbs: Sequence[Climb]) -> Figure:
    """Draw a column for each task.

    Args:
        climbs: what came of each ladder, all of the same models.

    Returns:
        Above, |d Loss / d h(T-L)| at the start of training, on the task at its greatest lag: the geometric
        mean over the seeds in a band from the least to the greatest. Below, the metric after training, the
        mean over the seeds with each seed as a small mark.
    """
    of = lines_by(climbs[0].models)
    styles = {label: {**of[label], "linestyle": "-"} for label in climbs[0].gradients}
    with look():
        figure = Figure(figsize=(1.0 + 4.6 * len(climbs), 6.4))
        axes = figure.subplots(2, len(climbs), sharex="col", squeeze=False)
        for column, climb in enumerate(climbs):
            _gradients(axes[0, column], climb, styles)
            _scores(axes[1, column], climb, styles)
            axes[0, column].set_title(climb.on)
        axes[0, 0].set_ylabel(
            "at the start of training\n" r"$|\,\partial\,\mathrm{Loss}\,/\,\partial h(T-L)\,|$"
        )
        handles = [Line2D([], [], **style, label=plain(label)) for label, style in styles.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(styles), 6))
    return figure


def _gradients(ax: Axes, climb: Climb, styles: Lines) -> None:
    curves = {label: one.loss_hidden for label, one in climb.gradients.items() if one.loss_hidden is not None}
    for index, (label, curve) in enumerate(curves.items()):
        draw_curve(ax, curve, styles[label], index)
    scale(ax, list(curves.values()))


def _scores(ax: Axes, climb: Climb, styles: Lines) -> None:
    for label, style in styles.items():
        scores = [score for score in climb.scores if score.model == label]
        means = [np.nan if score.mean is None else score.mean for score in scores]
        ax.plot([score.lag for score in scores], means, **style, markersize=6, clip_on=False)
        for score in scores:
            ax.plot(
                [score.lag] * len(score.values), score.values, linestyle="none", marker=style["marker"],
                markersize=3, markerfacecolor="none", color=style["color"], alpha=0.6, clip_on=False,
            )  # fmt: skip
    bars = [(score.lag, score.guess) for score in climb.scores if score.guess is not None]
    if bars:
        draw_guess(ax, "guessing", bars)
    ax.set_xlabel("lag (steps from what matters to the answer)")
    ax.set_ylabel(f"after training\nheld-out {climb.metric.title}")
    if climb.metric.bounds == (0.0, 1.0):
        ax.set_ylim(-0.03, 1.03)
