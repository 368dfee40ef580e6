"""Learning curves: loss, metric and gradient norm over the sequences seen, of one run or several overlaid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from seqlab.figures.guess import draw_guess
from seqlab.figures.style import line, lines_of, look, plain
from seqlab.runs.guessing import Guessed

Records = Sequence[Mapping[str, Any]]
Array = NDArray[np.float64]
_Lines = Sequence[tuple[Records, dict[str, Any]]]

BLOCKS = "▁▂▃▄▅▆▇█"
_PREFIX = "validation_"
_NO_METRIC = frozenset({"loss", "errors", "sequences"})
SMOOTHED = 50
"""A smoothed line is the mean over so many parts of a run, or so; 0: every record by itself."""


def curves(
    runs: Sequence[tuple[str, Records]],
    *,
    models: Sequence[str] = (),
    metric: str | None = None,
    metrics: Sequence[Mapping[str, Any]] = (),
    loss_unit: str = "nats",
    guess: Guessed | None = None,
    smooth: int = SMOOTHED,
    title: str | None = None,
) -> Figure:
    """Draw the learning curves of runs.

    Args:
        runs: for each its label and the records of its ``metrics.jsonl``.
        models: for each its model, which decides the colour; none for lines in order.
        metric: which validation figure to draw below the loss; None picks one that the runs have.
        metrics: what the figures are, as ``run.json`` has it: name, label, bounds.
        loss_unit: for the label of the loss.
        guess: what guessing comes to, for a dotted line in the first two panels.
        smooth: in so many parts; 0 for no smoothed line.
        title: stands above; None for the label of a single run.

    Returns:
        Panels one below the other, over the number of sequences: the loss in training (thin; thick: smoothed
        over 1/25 of the run) and in validation (markers), the metric in validation, the norm of the gradient.
    """
    metric, guess = metric or pick_metric(runs), guess or Guessed()
    styles = _styles(runs, models)
    lines = [
        (records, {**style, "label": label})  # which no legend shows: for whoever wants the numbers
        for (label, records), style in zip(runs, styles, strict=True)
    ]
    panels = ["loss"]
    panels += ["metric"] * (metric is not None and _any(runs, _PREFIX + metric))
    panels += ["gradient"] * _any(runs, "grad_norm")
    with look():
        height = 0.9 + 0.8 * len(panels) + 1.5 * len(panels) + 0.18 * (len(runs) if len(runs) > 1 else 0)
        figure = Figure(figsize=(7.5, height))
        axes = figure.subplots(
            len(panels), 1, sharex=True, squeeze=False, height_ratios=[1.6, 1, 1][: len(panels)]
        )[:, 0]
        for panel, ax in zip(panels, axes, strict=True):
            if panel == "loss":
                _draw_loss(ax, lines, loss_unit, smooth)
                _draw_guess(ax, guess, "loss")
            elif panel == "metric":
                assert metric is not None
                _draw_metric(ax, lines, metric, metrics)
                _draw_guess(ax, guess, metric)
            else:
                _draw_gradient(ax, lines, smooth)
        axes[-1].set_xlabel("training sequences seen")
        axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        _explain(figure, [label for label, _ in runs], styles, smooth, title)
    return figure


def _styles(runs: Sequence[tuple[str, Records]], models: Sequence[str]) -> list[dict[str, Any]]:
    return lines_of(models) if models else [line(index) for index in range(len(runs))]


def pick_metric(runs: Sequence[tuple[str, Records]]) -> str | None:
    """Return the validation figure to draw: the first that is neither the loss nor a number of sequences."""
    found = [key.removeprefix(_PREFIX) for _, records in runs for record in records for key in record
             if key.startswith(_PREFIX)]  # fmt: skip
    return next((name for name in found if name not in _NO_METRIC), None)


def series(records: Records, key: str) -> tuple[Array, Array]:
    """Return the sequences seen and the values of ``key``, where it was recorded; NaN for what is no number.

    >>> series([{"sequences": 32, "loss": 0.5}, {"sequences": 64, "validation_loss": 0.4}], "loss")
    (array([32.]), array([0.5]))
    """
    pairs = [(_number(record.get("sequences")), _number(record[key])) for record in records if key in record]
    table = np.array(pairs, dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def smoothed(values: Array, width: int) -> Array:
    """Return the mean of the ``width`` (odd) values around each; fewer at the ends, and NaN left out.

    >>> smoothed(np.array([0.0, 3.0, 6.0, np.nan]), 3)
    array([1.5, 3. , 4.5, 6. ])
    """
    if not len(values):
        return values
    reach, finite, window = width // 2, np.isfinite(values), np.ones(width)
    # Sums of the neighbours themselves: in running totals a small loss is lost after a huge one.
    totals = np.convolve(np.where(finite, values, 0.0), window)[reach : reach + len(values)]
    counts = np.convolve(finite, window)[reach : reach + len(values)]
    with np.errstate(invalid="ignore"):
        return np.asarray(totals / counts)


def sparkline(
    values: Sequence[float],
    width: int = 60,
    blocks: str = BLOCKS,
    limits: tuple[float, float] | None = None,
) -> str:
    """Draw values as one line of text, lowest to highest block; each sign is the mean of its share of them.

    Args:
        values: what is finite of them is drawn.
        width: signs, at most.
        blocks: the signs, lowest to highest.
        limits: what the lowest and the highest stand for; None for those of the line itself.

    >>> sparkline([4, 3, 2, 1])
    '█▆▃▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    parts = (
        [part.mean() for part in np.array_split(np.array(finite), min(width, len(finite)))] if finite else []
    )
    if not parts:
        return ""
    low, high = limits or (min(parts), max(parts))
    span = high / 2 - low / 2  # halves: the whole may be too large for a float
    shares = ((min(max(part, low), high) / 2 - low / 2) / span if span > 0 else 0.0 for part in parts)
    return "".join(blocks[round(share * (len(blocks) - 1))] for share in shares)


def _draw_loss(ax: Axes, lines: _Lines, unit: str, smooth: int) -> None:
    drawn: list[Array] = []
    for records, style in lines:
        shown = _draw_training(ax, *series(records, "loss"), style, smooth)
        valid_x, valid_y = series(records, _PREFIX + "loss")
        look_of = {**style, "linestyle": "none", "label": f"{style['label']}, validation"}
        ax.plot(valid_x, valid_y, **look_of, markerfacecolor="white")
        drawn += [shown, valid_y]
    ax.set_ylabel(f"loss ({unit})")
    _spread(ax, np.concatenate(drawn))


def _draw_metric(ax: Axes, lines: _Lines, metric: str, metrics: Sequence[Mapping[str, Any]]) -> None:
    about = next((one for one in metrics if one["name"] == metric), {})
    for records, style in lines:
        x, y = series(records, _PREFIX + metric)
        ax.plot(x, y, **style, markerfacecolor="white", linewidth=1)
    if share := about.get("bounds") == [0.0, 1.0]:
        ax.set_ylim(-0.03, 1.03)
    label = plain(about.get("label") or metric.replace("_", " "))
    ax.set_ylabel(f"validation\n{label}{' (share)' if share else ''}")


def _draw_guess(ax: Axes, guess: Guessed, metric: str) -> None:
    """Draw what guessing comes to, within the axis as it is or a little beyond it."""
    if metric not in guess.figures:
        return
    bar = guess.figures[metric]
    low, high = ax.get_ylim()
    if bar > high + (high - low) or (bar < low - (high - low) and ax.get_yscale() == "linear"):
        return  # so far away that the curves would become flat
    draw_guess(ax, guess.name, bar)


def _draw_gradient(ax: Axes, lines: _Lines, smooth: int) -> None:
    drawn = []
    for records, style in lines:
        x, y = series(records, "grad_norm")
        _draw_training(ax, x, y, style, smooth)
        drawn.append(y)
    ax.set_ylabel("gradient norm\n(before clipping)")
    _spread(ax, np.concatenate(drawn))


def _draw_training(ax: Axes, x: Array, y: Array, style: Mapping[str, Any], smooth: int) -> Array:
    """Draw what was recorded, thin, and what it comes to, smoothed, which is returned."""
    shown = smoothed(y, 2 * (len(y) // smooth) + 1) if smooth else y
    name = f"{style['label']}, training"
    look_of = {**style, "marker": "." if len(y) == 1 else ""}  # a line of one point would not be seen
    look_of["label"] = f"{name}, smoothed" if smooth else name
    if not smooth:
        look_of["linestyle"] = "-"  # what is jagged looks broken already
    else:
        ax.plot(x, y, color=style["color"], linestyle="-", linewidth=0.6, alpha=0.35, label=name)
    ax.plot(x, shown, **look_of, linewidth=1.6 if smooth else 0.9)
    return shown


def _spread(ax: Axes, values: Array) -> None:
    """Take a logarithmic axis where the values span more than a factor of 30."""
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > 30 * finite.min():
        ax.set_yscale("log")
        few = finite.max() < 300 * finite.min()
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())


def _explain(
    figure: Figure, labels: Sequence[str], styles: Sequence[dict[str, Any]], smooth: int, title: str | None
) -> None:
    """Say which line is which: what the line is in the first panel, and whose above it."""
    hollow: dict[str, Any] = {"marker": styles[0]["marker"], "markerfacecolor": "white"}
    raw: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.6} if smooth else {"linewidth": 0.9}
    kinds = [
        Line2D([], [], color="#555555", **raw, label="training"),
        *([Line2D([], [], color="#555555", label="training, smoothed")] if smooth else []),
        Line2D([], [], color="#555555", linestyle="none", label="validation", **hollow),
    ]
    figure.axes[0].legend(handles=kinds, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    if len(labels) == 1 or title is not None:
        figure.suptitle(plain(labels[0] if title is None else title), fontsize=10)
    if len(labels) > 1:
        whose = [
            Line2D([], [], markerfacecolor="white", label=plain(label), **style)
            for label, style in zip(labels, styles, strict=True)
        ]
        figure.legend(handles=whose, loc="outside lower left", handlelength=3.5)


def _any(runs: Sequence[tuple[str, Records]], key: str) -> bool:
    return any(key in record for _, records in runs for record in records)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
