"""The one figure by which a run is told in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from seqlab.configure import leaves
from seqlab.runs.info import RunInfo

_NO_METRIC = frozenset({"loss", "errors", "sequences", "sequence_accuracy"})


def headline(summary: Mapping[str, Any] | None, metric: str | None = None) -> tuple[str, float] | None:
    """Return the name and the value of a run's main figure on data that it was not trained on.

    It is ``metric``, which a run knows of its task, where the summary has it; else the accuracy, another
    figure, the loss.

    >>> headline({"held_out": {"loss": 0.1, "accuracy": 0.98, "errors": 51, "sequences": 2560}})
    ('accuracy', 0.98)
    >>> headline({"held_out": {"loss": 0.1, "accuracy": 0.98, "mae": 0.2}}, "mae")
    ('mae', 0.2)
    """
    if summary is None:
        return None
    held_out = _mapping(summary.get("held_out"))
    candidates = [
        (metric or "", held_out.get(metric or "")),
        ("accuracy", held_out.get("accuracy")),
        *((name, value) for name, value in held_out.items() if name not in _NO_METRIC),
        ("loss", held_out.get("loss")),
    ]
    return next(((name, float(value)) for name, value in candidates if is_number(value)), None)


def figures(summary: Mapping[str, Any] | None) -> dict[str, float]:
    """Return every number of a summary by name; those of the held-out set by their own, others dotted.

    >>> figures({"steps": 300, "solved": True, "held_out": {"accuracy": 1.0}})
    {'steps': 300.0, 'accuracy': 1.0}
    """
    found = leaves(summary or {})
    return {name.removeprefix("held_out."): float(value) for name, value in found.items() if is_number(value)}


def higher_is_better(info: RunInfo, name: str) -> bool:
    """Say whether a figure of a run, named as in :func:`figures`, is the better the higher it is.

    The run knows it of its task's metrics; what is none of them (seconds, steps) is a cost.
    """
    declared = {metric["name"]: metric["higher_is_better"] for metric in info.extra.get("metrics") or ()}
    return bool(declared.get(name.rpartition(".")[2]))


def is_number(value: object) -> TypeGuard[int | float]:
    """Say whether a value of a file is a number that can be shown as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
