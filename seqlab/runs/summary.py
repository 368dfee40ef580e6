"""The one figure by which a run is told in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

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


def is_number(value: object) -> TypeGuard[int | float]:
    """Say whether a value of a file is a number that can be shown as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
