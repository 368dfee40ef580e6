"""What came of a run, in sentences: its figures, each beside that of guessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqlab.cli.mistakes import of_classes

if TYPE_CHECKING:
    from seqlab.runs import Guessed, RunInfo
    from seqlab.tasks import Metric


def describe(summary: dict[str, Any], metrics: Sequence[Metric], info: RunInfo) -> list[str]:
    """Word a summary for people, each figure beside that of guessing.

    Args:
        summary: of a run.
        metrics: those of the task.
        info: the run's record, which holds what guessing comes to.
    """
    from seqlab.runs import guessed, remark

    seen = f"{summary['steps']:,} steps, {summary['sequences_seen']:,} sequences seen"
    lines = [seen]
    if summary["solved"] is not None:
        after = (
            f"solved after {summary['sequences_to_solve']:,} sequences" if summary["solved"] else "not solved"
        )
        lines = [f"{after} ({seen})"]
    trials = summary["trials"]
    if summary["held_out"] not in trials.values():
        lines.append(f"held out: {in_words(summary['held_out'], metrics, guessed(info))}")
    for what, told in (("held out", trials), ("mixed with counts", summary.get("mixture", {}))):
        lines += [f"{what}, {name}: {in_words(told[name], metrics, guessed(info, name))}" for name in told]
    lines += beside(guessed(info), metrics)
    if parts := in_parts(summary["held_out"], metrics):
        lines.append(f"held out, in parts: {parts}")
    lines += _around(summary.get("origin"), metrics)
    lines += of_classes(summary)
    lines += [note for note in (remark(info, summary["held_out"]), _past_its_best(summary)) if note]
    lines.append(f"{summary['parameters']:,} parameters, {summary['wall_seconds']:.1f} s")
    return lines


def in_words(figures: Mapping[str, float], metrics: Sequence[Metric], guess: Guessed) -> str:
    """Word the figures of a judgement, in the order of the metrics, each beside that of guessing."""
    counts = ("errors", "sequences")
    words: list[str] = []
    for metric in metrics:
        if metric.name in figures and metric.name not in counts and not metric.detail:
            bar, name = guess.figures.get(metric.name), "" if words else f"{guess.name} "
            beside = "" if bar is None else f" ({name}{bar:.3g})"
            words.append(f"{metric.title} {figures[metric.name]:.5g}{beside}")
    if all(name in figures for name in counts):
        words.append(f"{figures['errors']:,.0f} of {figures['sequences']:,.0f} sequences wrong")
    return ", ".join(words)


def beside(guess: Guessed, metrics: Sequence[Metric]) -> list[str]:
    """Word the figures of further ways to guess, a line each, in the order of the metrics."""
    from seqlab.runs import Guessed

    return [f"{other.name}: {in_words(other.figures, metrics, Guessed())}" for other in guess.others]


def in_parts(figures: Mapping[str, float], metrics: Sequence[Metric]) -> str:
    """Word the figures that are of a part of the sequences alone."""
    return ", ".join(
        f"{metric.title} {figures[metric.name]:.5g}"
        for metric in metrics
        if metric.detail and metric.name in figures
    )


def _around(origin: Mapping[str, Any] | None, metrics: Sequence[Metric]) -> list[str]:
    """Say what a network could do before its first step, where it started from another's weights."""
    from seqlab.runs import Guessed

    if origin is None:
        return []
    lines = [f"before the first step: {in_words(origin['before'], metrics, Guessed())}"]
    for moment, figures in (origin["there"] or {}).items():
        lines.append(f"on the data of {origin['run']}, {moment}: {in_words(figures, metrics, Guessed())}")
    return lines


def _past_its_best(summary: Mapping[str, Any]) -> str | None:
    """Say where validation rose again long before the end: what was learned then was learned by heart."""
    best, steps = summary["best_step"], summary["steps"]
    if summary["solved"] or not best or best > 0.8 * steps:
        return None
    return f"Validation was best at step {best:,} of {steps:,} and rose again after; those weights are kept."
