"""How well a model does where the task is another: a metric over an option of it, a length say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from seqlab.figures.style import Lines, look, plain
from seqlab.runs.trials import OptionCurve


def trials_figure(
    curves: Mapping[str, Sequence[OptionCurve]], metric: str, share: bool, styles: Lines, title: str
) -> Figure:
    """Draw a metric over an option of the task.

    Args:
        curves: by label, of one option, a curve for each seed.
        metric: what it is, for the label.
        share: whether it lies between 0 and 1.
        styles: by label.
        title: stands above.

    Returns:
        The median over the seeds, with bars from the least to the greatest, and each seed thin; a vertical
        line where the models were trained, or shading.
    """
    with look():
        figure = Figure(figsize=(6.0, 4.2))
        ax = figure.subplots()
        for label, runs in curves.items():
            style = styles[label]
            at = sorted({value for run in runs for value, _ in run.points})
            values = np.array([[dict(run.points).get(value, np.nan) for value in at] for run in runs])
            if len(runs) > 1:
                ax.plot(at, values.T, color=style["color"], linestyle="-", linewidth=0.6, alpha=0.35)
                ax.vlines(at, np.nanmin(values, 0), np.nanmax(values, 0), color=style["color"], linewidth=1.2)
            ax.plot(at, np.nanmedian(values, 0), **style, markersize=5, label=plain(label))
        first = next(iter(curves.values()))[0]
        if first.trained is not None:
            low, high = first.trained
            if low < high:
                ax.axvspan(low, high, color="#666666", alpha=0.12, linewidth=0)
            else:
                ax.axvline(high, color="#666666", linestyle=":", linewidth=1)
            ax.annotate(
                "trained here", (high, 1), (-3, -4), ("data", "axes fraction"), "offset points",
                rotation=90, ha="right", va="top", fontsize=8, color="#666666",
            )  # fmt: skip
        figure.suptitle(plain(title), fontsize=10)
        if share:
            ax.set_ylim(-0.03, 1.03)
        written = "" if first.answers == "shown" else f", answers written ({first.answers})"
        ax.set(xlabel=f"task.{first.option}", ylabel=f"held-out {metric.replace('_', ' ')}{written}")
        figure.legend(loc="outside lower center", ncols=min(len(curves), 4), handlelength=3.5)
    return figure
