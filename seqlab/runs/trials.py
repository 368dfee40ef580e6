"""The trials of a run as curves: its metric over an option of the task, a length say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqlab.runs.folder import Run
from seqlab.runs.summary import is_number


@dataclass(frozen=True)
class OptionCurve:
    """A metric over one option of the task.

    Attributes:
        option: its name.
        answers: how answers came: shown, greedy, beam.
        points: the metric at each value of the option, in rising order.
        trained: the least and the greatest value with which the model was trained, where that is a number.
    """

    option: str
    answers: str
    points: tuple[tuple[float, float], ...]
    trained: tuple[float, float] | None


def option_curves(run: Run, metric: str) -> list[OptionCurve]:
    """Return a curve for every option of the task that is a number and differs among a run's judgements.

    Trials that change one option only count, and what ``seqlab judge`` has found; with answers that are
    shown, the ordinary judgement is a point, too. A curve has at least two points.
    """
    summary = run.summary() or {}
    settings = run.settings()
    found: dict[tuple[str, str], dict[float, float]] = {}
    for trial, figures in _judgements(run, summary):
        changed = list(trial["task"].items())
        value = figures.get(metric)
        if len(changed) == 1 and is_number(changed[0][1]) and is_number(value):
            found.setdefault((changed[0][0], trial["answers"]), {})[float(changed[0][1])] = float(value)
    curves = []
    for (option, answers), points in found.items():
        own, ordinary = settings.get(f"task.{option}"), (summary.get("held_out") or {}).get(metric)
        trained = (float(own), float(own)) if is_number(own) else None
        if answers == "shown" and trained is not None and is_number(ordinary):
            points.setdefault(trained[0], float(ordinary))
        if len(points) > 1:
            trained = trained or _drawn(run, option)
            curves.append(OptionCurve(option, answers, tuple(sorted(points.items())), trained))
    return curves


def _drawn(run: Run, option: str) -> tuple[float, float] | None:
    """Return between which values training drew an option that was not set, where the task says so."""
    low, high = (run.info().extra.get("drawn") or {}).get(option, (None, None))
    return (float(low), float(high)) if is_number(low) and is_number(high) else None


def _judgements(run: Run, summary: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return every trial with its figures: those of the summary, and those that were made afterwards."""
    told = summary.get("trials") or {}
    trials = run.info().extra.get("trials") or {}
    made = [(trials[name], figures) for name, figures in told.items() if name in trials]
    afterwards = [
        (judged["trial"], judged["figures"])
        for judged in run.judgements().values()
        if judged["checkpoint"] == "best" and judged["sequences"] is None and not judged["mixed"]
    ]
    return [*made, *afterwards]
