"""What guessing comes to, as a run has it on record, and how a figure stands to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seqlab.runs.info import RunInfo
from seqlab.runs.summary import is_number

MARGIN = 0.02
"""A figure is better than guessing if it is so by this share of what there is to gain, or of the guess."""


@dataclass(frozen=True)
class Guessed:
    """The figures of guessing that belong to one judgement of a run.

    Attributes:
        name: of the way to guess, such as ``guessing`` or ``3-gram``.
        figures: by the names of the task's metrics.
        others: further ways to guess, which do no better.
    """

    name: str = "guessing"
    figures: Mapping[str, float] = field(default_factory=dict)
    others: tuple[Guessed, ...] = ()


def guessed(info: RunInfo, trial: str | None = None) -> Guessed:
    """Return what guessing comes to in a trial of a run, or as it is judged ordinarily.

    Runs of earlier versions have it not on record, nor have trials in which answers are written: no figures.
    """
    record = info.extra.get("guess") or {}
    told = record.get("held_out") if trial is None else (record.get("trials") or {}).get(trial)
    if not isinstance(told, Mapping):
        return Guessed()
    return _guessed(told)


def _guessed(told: Mapping[str, Any]) -> Guessed:
    numbers = {name: float(value) for name, value in told["figures"].items() if is_number(value)}
    return Guessed(str(told["name"]), numbers, tuple(map(_guessed, told.get("others") or ())))


def below(value: float, guess: float, higher_is_better: bool, bounds: Iterable[float | None]) -> str:
    """Say where a figure stands that is not better than guessing: ``worse than`` it, or ``no better than``.

    Args:
        value: of a model.
        guess: of guessing.
        higher_is_better: the direction of the metric.
        bounds: what it can be at most and at least, as its metric has them.

    Returns:
        An empty text for a figure that is better than guessing.

    >>> below(0.98, 0.9, True, (0, 1)), below(0.9001, 0.9, True, (0, 1)), below(0.2, 0.5, True, (0, 1))
    ('', 'no better than', 'worse than')
    >>> below(7.7, 5.1, False, (0, None))
    'worse than'
    """
    finite = [bound for bound in bounds if bound is not None and math.isfinite(bound)]
    room = min(abs(guess - bound) for bound in finite) if len(finite) == 2 else abs(guess)
    gain = value - guess if higher_is_better else guess - value
    if gain > MARGIN * room:
        return ""
    return "worse than" if gain < -MARGIN * room else "no better than"


def remark(info: RunInfo, figures: Mapping[str, Any], trial: str | None = None) -> str | None:
    """Return a sentence where a run's main figure is not better than guessing, else None."""
    metric = next(iter(info.extra.get("metrics") or ()), None)
    guess = guessed(info, trial)
    if metric is None or metric["name"] not in guess.figures or not is_number(figures.get(metric["name"])):
        return None
    value, bar = figures[metric["name"]], guess.figures[metric["name"]]
    standing = below(value, bar, bool(metric["higher_is_better"]), metric.get("bounds") or ())
    if not standing:
        return None
    title = metric.get("label") or metric["name"]
    return f"This is {standing} {in_words(guess.name)}: {title} {value:.4g}, where that has {bar:.4g}."


def in_words(name: str) -> str:
    """Return how a way to guess is called in a sentence.

    >>> in_words("guessing"), in_words("3-gram"), in_words("autoregression of 4 lags")
    ('guessing', 'a 3-gram', 'an autoregression of 4 lags')
    """
    return name if name == "guessing" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
