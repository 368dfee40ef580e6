"""From a document to a checked experiment, and from pydantic's findings to a user's message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from seqlab.errors import SettingsError, nearest
from seqlab.settings.allowed import allowed, at, keys, schema_of
from seqlab.settings.catalogue import kind_names
from seqlab.settings.reader import Document, show
from seqlab.settings.schema import Experiment
from seqlab.settings.usual import nearest_setting

_MOST = 10
"""So many findings are shown; a file of another program would have hundreds."""


def check(document: Document) -> Experiment:
    """Validate a document.

    Raises:
        SettingsError: naming file, line, key, value, what is allowed, and the nearest right key.
    """
    data = {"kind": "train", **document.data}
    kind, known = data["kind"], kind_names()
    if not isinstance(kind, str) or kind not in known:
        raise SettingsError(
            f"{document.where('kind')}: kind is {show(kind)}; allowed: {', '.join(known)}.",
            hint=_did_you_mean(str(kind), known),
        )
    settings = settings_of(kind)
    try:
        return settings.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise explain(error, document, settings) from None


def settings_of(kind: str) -> type[Experiment]:
    """Return the settings of a kind of experiment."""
    found: type[Experiment] = import_module(f"seqlab.kinds.{kind.replace('-', '_')}").SETTINGS
    return found


def explain(
    error: ValidationError, document: Document, model: type[BaseModel], *, prefix: str = ""
) -> SettingsError:
    """Turn pydantic's findings into one error for the user.

    Args:
        error: what pydantic found.
        document: where the values were written.
        model: the settings that were being filled, for the names of their keys.
        prefix: the dotted key at which ``model`` stands in the document.
    """
    root = schema_of(model)
    lines: dict[str, str] = {}  # by key: a value that fits no member of a union is one mistake, not several
    hints = []
    findings = error.errors(include_url=False)
    for found in findings[:_MOST]:
        path, schema = at(root, found["loc"])
        key = ".".join([prefix, *path] if prefix else path)
        if key in lines:
            continue
        place, value = document.where(key), found["input"]
        if found["type"] == "extra_forbidden":
            known = keys(at(root, path[:-1])[1])
            lines[key] = f"{place}: there is no setting {key!r}. Known here: {', '.join(known) or 'none'}."
            near = nearest_setting(path[-1], known)
            hints.append(f"Did you mean {near!r}?" if near else None)
        elif found["type"] == "missing":
            lines[key] = f"{place}: the setting {key!r} is missing."
            hints.append(_example(key))
        else:
            said = found["msg"].removeprefix("Value error, ") if found["type"] == "value_error" else None
            has = f"{key} has no value" if value is None else f"{key} is {show(value)}"
            lines[key] = f"{place}: {has}; allowed: {said or allowed(schema)}."
            hints.append(_remedy(key, value, schema))
    more = [f"... and {len(findings) - _MOST} more."] if len(findings) > _MOST else []
    return SettingsError("\n".join([*lines.values(), *more]), hint=next(filter(None, hints), None))


def _did_you_mean(word: str, known: Iterable[str]) -> str | None:
    near = nearest(word, known)
    return f"Did you mean {near!r}?" if near else None


def _example(key: str) -> str | None:
    examples = {
        "task": "task: {name: temporal-order}",
        "model": "model: {name: lstm, hidden_size: 8}",
        "on": "on: temporal-order",
        "models": "models: [rnn, lstm]",
    }
    return f"Write for example `{examples[key]}`." if key in examples else None


_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def _remedy(key: str, value: Any, schema: Mapping[str, Any]) -> str | None:
    """Say what was probably meant."""
    wants = {str(option.get("type")) for option in [schema, *schema.get("anyOf", [])]}
    if wants & {"integer", "number"}:
        meant = _number(value, whole="number" not in wants)
        return f"Write {meant}." if meant else None
    if "boolean" in wants and str(value).lower() in _WORDS:
        return f"Write {_WORDS[str(value).lower()]}."
    if "object" in wants and isinstance(value, str) and key in ("task", "model"):
        return f"Write `{key}: {{name: {value}}}`, or {key}.name={value} on the command line."
    return _did_you_mean(value, map(str, schema.get("enum", []))) if isinstance(value, str) else None


def _number(value: Any, *, whole: bool) -> str | None:
    """Return a number as we read numbers, if ``value`` is one written otherwise: 1_000, 0x10, 1e3."""
    if isinstance(value, float) and whole and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    try:
        return str(int(value, 0)) if isinstance(value, str) and len(value) < 20 else None
    except ValueError:
        return None
