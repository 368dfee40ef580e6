"""Every setting with its sentence: for ``config --describe`` and the page of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from seqlab.settings.allowed import allowed, at, keys, schema_of


@dataclass(frozen=True)
class Described:
    """A setting.

    Attributes:
        key: its dotted key.
        sentence: what it is; empty where nobody says.
        allowed: what it may hold, in words.
        default: what it is where nothing is said; None also where something must be.
    """

    key: str
    sentence: str
    allowed: str
    default: Any


def described(model: type[BaseModel], prefix: str = "") -> list[Described]:
    """Return the settings of a model in order, those inside others too.

    Args:
        model: of settings.
        prefix: the dotted key at which they stand.

    >>> from seqlab.settings import Training
    >>> steps = described(Training, "training")[0]
    >>> steps.key, steps.sentence, steps.allowed, steps.default
    ('training.steps', 'parameter updates in all', 'a whole number of at least 0', 1000)
    """
    return list(_below(schema_of(model), (), f"{prefix}." if prefix else ""))


def _below(root: Mapping[str, Any], path: tuple[str, ...], prefix: str) -> Iterator[Described]:
    _, here = at(root, path)
    for name in keys(here):
        key, (_, schema) = (*path, name), at(root, (*path, name))
        inside = bool(keys(schema))
        if not inside or schema.get("anyOf"):  # what may be null as a whole is a setting itself
            sentence = str(schema.get("description", ""))
            words = allowed({part: value for part, value in schema.items() if part != "description"})
            yield Described(prefix + ".".join(key), sentence, words, schema.get("default"))
        if inside:
            yield from _below(root, key, prefix)
