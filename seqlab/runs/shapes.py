"""The shape of plain data that somebody else may have written, checked where it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any

OTHERWISE = "*"
"""Stands in the shape of a mapping for every key that is not named there."""

NUMBER = (int, float)
MAYBE = (str, NoneType)

GUESSED: dict[str, Any] = {"name": str, "figures": {OTHERWISE: (*NUMBER, NoneType)}}
GUESSED["others"] = ([dict(GUESSED)], NoneType)

METRIC = {
    "name": str,
    "higher_is_better": (bool, NoneType),
    "bounds": ([(*NUMBER, NoneType), (*NUMBER, NoneType)], NoneType),
    "label": MAYBE,
    "detail": (bool, NoneType),
}

EXTRA: Mapping[str, Any] = {
    **dict.fromkeys(
        ("device", "precision", "precision_reason", "metric", "loss_unit", "engine", "fingerprint", "note",
         "replay_of"), MAYBE,
    ),
    **dict.fromkeys(("threads", "parameters", "vocabulary"), (int, NoneType)),
    **dict.fromkeys(("in_text", "forecasts", "sees", "draws", "predicts"), (bool, NoneType)),
    "metrics": ([METRIC], NoneType),
    "trials": ({OTHERWISE: {"name": str, "task": dict, "answers": MAYBE}}, NoneType),
    "guess": ({"held_out": (GUESSED, NoneType), "trials": ({OTHERWISE: GUESSED}, NoneType)}, NoneType),
    "drawn": ({OTHERWISE: list}, NoneType),
    "spec": (dict, NoneType),
    "names": ({OTHERWISE: [str]}, NoneType),
    "scales": (dict, NoneType),
    "identity": ({"versions": (dict, NoneType), "data": MAYBE, "plugins": (dict, NoneType)}, NoneType),
    "sample": ({"prime": str, "length": int, "temperature": NUMBER, "stop": str}, NoneType),
    "corpus": ({"stands_in_for": MAYBE, "reason": MAYBE, "notes": ([str], NoneType)}, NoneType),
    "tags": ([str], NoneType),
    "earlier": ([dict], NoneType),
    "origin": (
        {"run": str, "lineage": ([str], NoneType), "before": (dict, NoneType), "there": (dict, NoneType)},
        NoneType,
    ),
}  # fmt: skip
"""What is written beside the fields of ``run.json``, as far as it is known here."""


def misfit(value: object, shape: Any, where: str) -> tuple[str, object] | None:
    """Return the place at which a value has not a shape, and what stands there; None where it has.

    Args:
        value: plain data: mappings, lists, texts, numbers, None.
        shape: a type; a tuple, for one of several shapes, types last; a list of one shape, for any number of
            such, or of several, for just these; or a mapping of keys to shapes, in which what is missing
            counts as None, and keys without a shape are passed over.
        where: the dotted key of the value.

    >>> misfit({"bounds": [0, "x"]}, {"bounds": [int, int]}, "metric")
    ('metric.bounds.1', 'x')
    >>> misfit(None, ([str], NoneType), "tags"), misfit({"a": "b"}, {OTHERWISE: int}, "figures")
    (None, ('figures.a', 'b'))
    """
    if _fits(value, shape):
        return None
    if isinstance(shape, tuple):
        found = [wrong for one in shape if (wrong := misfit(value, one, where)) is not None]
        return max(found, key=lambda wrong: wrong[0].count("."))  # of the shape that it is most like
    inside = ((key, part, one) for key, part, one in _parts(value, shape) if not _fits(part, one))
    key, part, one = next(inside, (None, None, None))
    return (where, value) if key is None else misfit(part, one, f"{where}.{key}")


def _fits(value: Any, shape: Any) -> bool:
    """Say whether a value has a shape, at once: runs are listed by the thousand."""
    if isinstance(shape, type) or (isinstance(shape, tuple) and isinstance(shape[0], type)):
        return isinstance(value, shape)
    if isinstance(shape, tuple):
        return any(_fits(value, one) for one in shape)
    if isinstance(shape, list):
        right = isinstance(value, list) and len(shape) in (1, len(value))
    else:
        right = isinstance(value, dict)
    return right and all(_fits(part, one) for _, part, one in _parts(value, shape))


def _parts(value: Any, shape: Any) -> Iterator[tuple[object, object, Any]]:
    """Yield the parts of a value with their keys and the shapes that they should have."""
    if isinstance(shape, list) and isinstance(value, list):
        yield from ((place, part, shape[place % len(shape)]) for place, part in enumerate(value))
    elif isinstance(shape, dict) and isinstance(value, dict):
        yield from ((key, value.get(key), one) for key, one in shape.items() if key != OTHERWISE)
        if OTHERWISE in shape:
            yield from ((key, part, shape[OTHERWISE]) for key, part in value.items() if key not in shape)
