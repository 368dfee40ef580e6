"""The one figure by which a run is told in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from seqlab.configure import leaves

_NO_METRIC = frozenset({"loss", "errors", "sequences", "sequence_accuracy"})


def headline(summary: Mapping[str, Any] | None, metric: str | None = None) -> tuple[str, float] | None:
    """Return the name and the value of a run's main figure on data that it was not trained on.

    It is ``metric`` where the summary has it; else the bits per symbol of a language model, the accuracy,
    another metric, the loss.

    >>> headline({"held_out": {"loss": 0.1, "accuracy": 0.98, "errors": 51, "sequences": 2560}})
    ('accuracy', 0.98)
    >>> headline({"held_out": {"loss": 1.5}, "validation": {"stream": {"bits": 2.16}}})
    ('bits', 2.16)
    """
    if summary is None:
        return None
    held_out = _mapping(summary.get("held_out"))
    stream = _mapping(_mapping(summary.get("validation")).get("stream"))
    candidates = [
        (metric or "", held_out.get(metric or "")),
        ("bits", stream.get("bits")),
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


def is_better(name: str, value: float, other: float) -> bool:
    """Say whether a figure is better than another: an accuracy when it is greater, else when it is smaller.

    >>> is_better("accuracy", 0.9, 0.8), is_better("wall_seconds", 3.0, 2.0)
    (True, False)
    """
    return value > other if name.endswith("accuracy") else value < other


def is_number(value: object) -> TypeGuard[int | float]:
    """Say whether a value of a file is a number that can be shown as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
