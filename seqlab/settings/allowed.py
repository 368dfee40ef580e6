"""What a setting may hold, in words, read from the JSON schema and so never other than what is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

Schema = Mapping[str, Any]


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of settings; empty where a plug-in's option has a type that JSON has not."""
    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {}


def at(root: Schema, location: Sequence[str | int]) -> tuple[list[str], Schema]:
    """Follow one of pydantic's locations down a schema.

    Returns:
        The keys on the way (a location also names members of unions, which are no keys) and the schema there;
        an unknown last key is kept, with an empty schema.
    """
    path: list[str] = []
    schema = root
    for part in location:
        below = _below(schema, part, root)
        if below is None and _members(schema) and not keys(schema):  # the name of a union's member, not a key
            continue
        path.append(str(part))
        schema = below or {}
    return path, schema


def keys(schema: Schema) -> list[str]:
    """Return the keys that a mapping may have."""
    return [key for one in (schema, *_members(schema)) for key in one.get("properties", {})]


def allowed(schema: Schema) -> str:
    """Describe the values that a schema allows.

    >>> allowed({"type": "number", "exclusiveMinimum": 0, "maximum": 100})
    'a number greater than 0 and at most 100'
    >>> allowed({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
    'a whole number of at least 1, or null'
    >>> allowed({"type": "integer", "multipleOf": 2, "minimum": 2, "maximum": 64})
    'a multiple of 2 from 2 to 64'
    """
    if _members(schema):
        return ", or ".join(allowed(member) for member in _members(schema))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "array":
        items = schema.get("items")
        some = "a list of at least one" if schema.get("minItems") else "a list"
        return f"{some}, each {allowed(items)}" if items else some
    if kind == "object":
        values = schema.get("additionalProperties")
        return (
            f"a mapping, each value {allowed(values)}"
            if isinstance(values, Mapping) and values
            else "a mapping"
        )
    if kind == "string":
        return (
            f"text ({schema['description']})" if "pattern" in schema and "description" in schema else "text"
        )
    return {"boolean": "true or false", "null": "null"}.get(str(kind), "another value")


def _number(schema: Schema) -> str:
    name = "a whole number" if schema["type"] == "integer" else "a number"
    if "multipleOf" in schema:
        name = f"a multiple of {_written(schema['multipleOf'])}"
    if "minimum" in schema and "maximum" in schema:
        return f"{name} from {_written(schema['minimum'])} to {_written(schema['maximum'])}"
    words = {
        "minimum": "of at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [f"{word} {_written(schema[key])}" for key, word in words.items() if key in schema]
    return f"{name} {' and '.join(bounds)}" if bounds else name


def _written(number: float) -> float:
    """Return a whole number as one, which versions of pydantic write in two ways."""
    return int(number) if float(number).is_integer() else number


def _members(schema: Schema) -> Sequence[Schema]:
    members: Sequence[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return members


def _below(schema: Schema, part: str | int, root: Schema) -> Schema | None:
    """Return the schema of a key or an index below a schema, or None where there is none."""
    if isinstance(part, int):
        found = schema.get("items")
    else:
        values = schema.get("additionalProperties")
        found = values if isinstance(values, Mapping) else None
        for one in (schema, *_members(schema)):
            found = one.get("properties", {}).get(part, found)
    return None if found is None else _resolved(found, root)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Put what a schema refers to in its place, in the members of a union, too."""
    if "$ref" in schema:
        target: Schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    unions = {
        key: [_resolved(one, root) for one in schema[key]] for key in ("anyOf", "oneOf") if key in schema
    }
    return {**schema, **unions}
