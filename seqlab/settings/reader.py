"""YAML read safely: plain values only, small files only, every key with its line.

A settings file holds a mapping of numbers, text, lists and mappings. Tags, anchors and aliases are refused
(an alias bomb is a few hundred bytes that unfold into gigabytes), and so are duplicate keys, which YAML
libraries let pass in silence. Scalars follow YAML 1.2, so that ``1e-3`` is a number and ``no`` is a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from seqlab.errors import SettingsError

MAX_BYTES = 64 * 1024
COMMAND_LINE = "the command line"


class _Loader(yaml.SafeLoader):
    """The safe loader with the scalars of YAML 1.2 instead of those of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|Null|NULL|~|)$"), ["n", "N", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"^({_NUMBER})$"), list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))


@dataclass(frozen=True)
class Document:
    """Settings as read, before they are checked: values, and where each was written.

    Attributes:
        data: the nested mapping.
        source: the file's path, for messages.
        lines: the line of each dotted key, counted from 1.
        overridden: the dotted keys given on the command line, in order.
    """

    data: Mapping[str, Any]
    source: str
    lines: Mapping[str, int] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()

    def where(self, key: str) -> str:
        """Return where ``key`` was written, for the start of a message."""
        if any(key == word or key.startswith(word + ".") for word in self.overridden):
            return f"On {COMMAND_LINE}"
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{self.source}, line {self.lines[key]}" if key else self.source

    def override(self, key: str, value: Any) -> Document:
        """Return a copy in which the dotted ``key`` has ``value``."""
        *path, last = key.split(".")
        data = level = dict(self.data)
        for step in path:
            inner = level.get(step)
            level[step] = dict(inner) if isinstance(inner, Mapping) else {}
            level = level[step]
        level[last] = value
        return replace(self, data=data, overridden=(*self.overridden, key))


def read_file(path: Path) -> Document:
    """Read a settings file.

    Args:
        path: a YAML file of at most 64 KiB.

    Returns:
        Its mapping with the line of every key.

    Raises:
        SettingsError: when the file cannot be read, is too large, binary, empty, not a mapping, or uses
            tags, anchors or a key twice.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise SettingsError(f"{path} is a folder, not a settings file.")
        if size > MAX_BYTES:
            raise SettingsError(
                f"{path} has {size:,} bytes; a settings file has at most {MAX_BYTES:,}.",
                hint="Is this a data file? `seqlab config EXPERIMENT` prints a settings file to start from.",
            )
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not a text file: byte {error.start} is not UTF-8.") from None
    return read_text(text, source=str(path))


def read_text(text: str, source: str) -> Document:
    """Read settings from YAML text; see :func:`read_file`.

    >>> document = read_text("training:\\n  learning_rate: 1e-3", source="mine.yaml")
    >>> document.data["training"]["learning_rate"], document.where("training.learning_rate")
    (0.001, 'mine.yaml, line 2')
    """
    loader = _Loader("")
    try:
        loader = _Loader(text)
        _refuse_references(text, source)
        node = loader.get_single_node()
        lines: dict[str, int] = {}
        data = _construct(loader, node, "", lines, source) if node is not None else None
    except RecursionError:
        raise SettingsError(f"{source} is nested too deeply.") from None
    except yaml.YAMLError as error:
        raise SettingsError(_yaml_message(error, source)) from None
    except ValueError as error:  # int() refuses numbers of thousands of digits
        raise SettingsError(f"{source} holds a number that cannot be read: {error}.") from None
    finally:
        loader.dispose()  # type: ignore[no-untyped-call]
    if data is None:
        raise SettingsError(
            f"{source} is empty.",
            hint="`seqlab config EXPERIMENT` prints a settings file to start from.",
        )
    if not isinstance(data, dict):
        raise SettingsError(f"{source} holds {_kind(data)}, not a mapping of `key: value` lines.")
    return Document(data=data, source=source, lines=lines)


def read_value(text: str) -> Any:
    """Read one value as it is written after ``key=`` on the command line.

    >>> read_value("1e-3"), read_value("[1, 2]"), read_value("no"), read_value("")
    (0.001, [1, 2], 'no', None)
    """
    return read_text(f"value: {text}", source=COMMAND_LINE).data["value"]


def dump(data: Mapping[str, Any]) -> str:
    """Write plain data as YAML that :func:`read_text` reads back unchanged.

    >>> print(dump({"a": 1e-05, "b": "1e-05", "c": None}), end="")
    a: 1.0e-05
    b: '1e-05'
    c: null
    """
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes without aliases and quotes whatever the loader would take for something else than text."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    """Write floats so that both YAML 1.1 and 1.2 read them: 1.0e-05, not 1e-05."""
    text = repr(value) if math.isfinite(value) else {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _represent_float)


def _refuse_references(text: str, source: str) -> None:
    """Refuse tags, anchors and aliases before anything is built from them."""
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.TagToken | yaml.AnchorToken | yaml.AliasToken):
            line = token.start_mark.line + 1
            what = {yaml.TagToken: "a tag (!...)", yaml.AnchorToken: "an anchor (&...)"}.get(type(token), "an alias (*...)")
            raise SettingsError(f"{source}, line {line}: {what} is not allowed here; write the value out.")


def _construct(loader: _Loader, node: yaml.Node, key: str, lines: dict[str, int], source: str) -> Any:
    """Build plain data from a node and note the line of every key below it."""
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = str(loader.construct_object(key_node)) if isinstance(key_node, yaml.ScalarNode) else ""
            line = key_node.start_mark.line + 1
            if not name:
                raise SettingsError(f"{source}, line {line}: a key must be one word.")
            if name in result:
                raise SettingsError(f"{source}, line {line}: the key {name!r} stands here a second time.")
            path = f"{key}.{name}" if key else name
            lines[path] = line
            result[name] = _construct(loader, value_node, path, lines, source)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, f"{key}.{i}", lines, source) for i, item in enumerate(node.value)]
    return loader.construct_object(node)  # type: ignore[no-untyped-call]


def _yaml_message(error: yaml.YAMLError, source: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    place = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
    return f"{place}: not valid YAML: {problem}."


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), type(value).__name__)
