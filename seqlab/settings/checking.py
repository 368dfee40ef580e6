"""From a document to a checked experiment, and from pydantic's findings to a user's message."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from seqlab.errors import SettingsError, nearest
from seqlab.settings.reader import Document
from seqlab.settings.schema import ADAPTER, CompareExperiment, GradientExperiment, TrainExperiment

KINDS: Mapping[str, type[BaseModel]] = {
    "train": TrainExperiment,
    "compare": CompareExperiment,
    "gradients": GradientExperiment,
}


def check(document: Document) -> TrainExperiment | CompareExperiment | GradientExperiment:
    """Validate a document.

    Raises:
        SettingsError: naming file, line, key, value, what is allowed, and the nearest right key.
    """
    data = {"kind": "train", **document.data}
    if data["kind"] not in KINDS:
        raise SettingsError(
            f"{document.where('kind')}: kind is {data['kind']!r}; allowed: {', '.join(KINDS)}.",
            hint=_did_you_mean(str(data["kind"]), KINDS),
        )
    try:
        return ADAPTER.validate_python(data)
    except ValidationError as error:
        raise explain(error, document, KINDS[data["kind"]], skip=1) from None


def explain(
    error: ValidationError, document: Document, model: type[BaseModel], *, prefix: str = "", skip: int = 0
) -> SettingsError:
    """Turn pydantic's findings into one error for the user.

    Args:
        error: what pydantic found.
        document: where the values were written.
        model: the settings that were being filled, for the names of their keys.
        prefix: the dotted key at which ``model`` stands in the document.
        skip: how many leading parts of pydantic's locations are not keys (the tag of a union).
    """
    lines = []
    hint = None
    for found in error.errors():
        path = [str(part) for part in found["loc"][skip:] if part != "[key]"]
        key = ".".join([prefix, *path] if prefix else path)
        place = document.where(key)
        if found["type"] == "extra_forbidden":
            known = _keys(model, path[:-1])
            lines.append(f"{place}: there is no setting {key!r}. Known here: {', '.join(known) or 'none'}.")
            hint = hint or _did_you_mean(path[-1], known)
        elif found["type"] == "missing":
            lines.append(f"{place}: the setting {key!r} is missing.")
        else:
            allowed = found["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            lines.append(f"{place}: {key} is {_show(found['input'])}; allowed: {allowed}.")
            expected = str((found.get("ctx") or {}).get("expected", ""))
            hint = hint or _did_you_mean(str(found["input"]), expected.replace("'", "").replace(" or ", ", ").split(", "))
    return SettingsError("\n".join(lines), hint=hint)


def _did_you_mean(word: str, known: typing.Iterable[str]) -> str | None:
    near = nearest(word, known)
    return f"Did you mean {near!r}?" if near else None


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys that ``model`` allows at a path of nested settings."""
    for step in path:
        if step not in model.model_fields:
            return []
        annotation: Any = model.model_fields[step].annotation
        options = typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, types.UnionType) else [annotation]
        inner = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)
