"""A comparison in words: a table's line for each model, and how figures are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from seqlab.comparison.outcome import Comparison, ModelOutcome
from seqlab.comparison.statistics import Interval, Survival

NOTHING = "–"
"""Stands in a table where there is no number."""


def table(result: Comparison) -> list[dict[str, str]]:
    """Return a line of text a model, by column heading; columns without any content are left out."""
    names = list(dict.fromkeys(name for model in result.models for name in model.further))
    rows = [_row(model, result.metric_name, names) for model in result.models]
    columns = dict.fromkeys(name for line in rows for name in line)
    filled = [name for name in columns if any(line.get(name, NOTHING) != NOTHING for line in rows)]
    return [{name: line.get(name, NOTHING) for name in filled} for line in rows]


def _row(model: ModelOutcome, metric_name: str, further: Sequence[str]) -> dict[str, str]:
    """Return a model's figures as text, by column heading; ``further`` are the names of its other figures."""
    share, mean, span = model.solved_interval, model.metric_mean, model.metric_range
    others = {name: model.further.get(name) for name in further}
    return {
        "model": model.model,
        "level": model.level or NOTHING,
        "parameters": f"{model.parameters:,}",
        "solved": f"{model.solved}/{model.runs} {_bracket(share, 2)}" if share else NOTHING,
        "sequences to solve": to_solve(model.survival) if model.survival else NOTHING,
        metric_name: NOTHING if mean is None else estimate(mean, model.metric_interval),
        "lowest to highest": NOTHING if span is None else spread(span),
        model.guess_name: NOTHING if model.guess is None else f"{model.guess:.3g}",
        **{name: NOTHING if found is None else estimate(*found) for name, found in others.items()},
        "seconds per run": NOTHING if model.seconds_per_run is None else f"{model.seconds_per_run:,.3g}",
        "updates/s": NOTHING if model.updates_per_second is None else f"{model.updates_per_second:,.0f}",
        "failed": str(model.failed) if model.failed else NOTHING,
        "unfinished": str(model.unfinished) if model.unfinished else NOTHING,
    }


def estimate(mean: float, interval: Interval | None, sign: str = "") -> str:
    """Return a mean and its interval to two figures of the interval's half width."""
    if interval is None:
        return f"{mean:{sign}.3g}"
    if interval.low == interval.high:
        return f"{mean:{sign}.3g} (all alike)"
    decimals = min(6, max(0, 1 - math.floor(math.log10((interval.high - interval.low) / 2))))
    return f"{mean:{sign}.{decimals}f} {_bracket(interval, decimals)}"


def spread(span: tuple[float, float]) -> str:
    """Return the lowest and the highest."""
    return NOTHING if span[0] == span[1] else f"{span[0]:.3g} to {span[1]:.3g}"


def _bracket(interval: Interval, decimals: int) -> str:
    return f"[{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"


def to_solve(survival: Survival) -> str:
    """Return the median of the sequences to solve, with quartiles."""
    low, middle, high = (
        quantile(survival, value, ">")
        for value in (survival.lower_quartile, survival.median, survival.upper_quartile)
    )
    return middle if survival.lower_quartile is None else f"{middle} ({low} to {high})"


def quantile(survival: Survival, value: float | None, beyond: str = "more than ") -> str:
    """Return a quantile; one that is not reached lies beyond all that was seen."""
    if value is None:
        return f"{beyond}{max(survival.times + survival.censored):,.0f}"
    return f"{value:,.0f}"


def p_value(test: str, p: float) -> str:
    """Return a test's p with its name."""
    return f"{test} p < 0.001" if p < 0.001 else f"{test} p = {p:.2g}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 run, 2 runs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def named(models: Sequence[ModelOutcome], texts: Sequence[str]) -> list[str]:
    """Return each model's name with a text of its own."""
    return [f"{model.model} {text}" for model, text in zip(models, texts, strict=True)]


def listed(items: Iterable[str]) -> str:
    """Join as people do: a, b and c."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last
