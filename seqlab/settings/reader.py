"""YAML read safely: plain values only, small files only, every key with its line.

A settings file holds a mapping of numbers, text, lists and mappings, as far as :mod:`seqlab.settings._yaml`
lets it. Duplicate keys, which YAML libraries let pass in silence, are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from seqlab.errors import SettingsError
from seqlab.outside import open_ordinary
from seqlab.settings._yaml import NULL, RefusedError, compose

MAX_BYTES = 64 * 1024
COMMAND_LINE = "the command line"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_START_FROM = "`seqlab config EXPERIMENT` prints a settings file to start from."


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

    def is_overridden(self, key: str) -> bool:
        """Say whether the command line gave ``key`` or what it stands in."""
        return any(key == word or key.startswith(word + ".") for word in self.overridden)

    def where(self, key: str) -> str:
        """Return where ``key`` was written, for the start of a message."""
        made = key not in self.lines and any(word.startswith(f"{key}.") for word in self.overridden)
        if made or self.is_overridden(key):
            return f"On {COMMAND_LINE}"
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{self.source}, line {self.lines[key]}" if key else self.source

    def override(self, key: str, value: Any) -> Document:
        """Return a copy in which the dotted ``key`` has the ``value`` that the command line gives it.

        Raises:
            SettingsError: when the key leads through something that is no mapping.
        """
        data = _put(self.data, key, value, f"On {COMMAND_LINE}")
        return replace(self, data=data, overridden=(*self.overridden, key))

    def lay(self, key: str, value: Any, origin: str) -> Document:
        """Return a copy in which ``key`` has a value that stands elsewhere in this document, at ``origin``.

        A mapping is laid over the one that is there, key by key; one that names another model or task takes
        its place, since the options of the one are not those of the other.
        """
        if isinstance(value, Mapping):
            document = self
            there = self.data.get(key)
            if isinstance(there, Mapping) and value.get("name", there.get("name")) != there.get("name"):
                document = replace(self, data=_put(self.data, key, {}, self.where(origin)))
            for inner, item in value.items():
                document = document.lay(f"{key}.{inner}", item, f"{origin}.{inner}")
            return document
        data = _put(self.data, key, value, self.where(origin))
        line = self.lines.get(origin)
        return replace(self, data=data, lines=self.lines if line is None else {**self.lines, key: line})


def _put(data: Mapping[str, Any], key: str, value: Any, place: str) -> dict[str, Any]:
    """Return a copy of nested mappings in which the dotted ``key`` has ``value``."""
    *path, last = key.split(".")
    result = level = dict(data)
    for depth, step in enumerate(path, 1):
        inner = level.get(step)
        if inner is not None and not isinstance(inner, Mapping):
            parent = ".".join(path[:depth])
            raise SettingsError(
                f"{place}: {key!r} cannot be set, because {parent} is {show(inner)}, with nothing inside.",
                hint=f"Set {parent} itself.",
            )
        level[step] = dict(inner or {})
        level = level[step]
    level[last] = value
    return result


def show(value: Any) -> str:
    """Return a value for a message, cut when it is long."""
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


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
        if path.is_dir():
            raise SettingsError(f"{path} is a folder, not a settings file.")
        with open_ordinary(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SettingsError(f"There is no file {path}.", hint=_START_FROM) from None
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from None
    if len(raw) > MAX_BYTES:
        raise SettingsError(
            f"{path} has more than {MAX_BYTES:,} bytes, too many for a settings file.",
            hint=f"Is this a data file? {_START_FROM}",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}, line {line}: not text: byte 0x{raw[error.start]:02x} is not UTF-8.",
            hint="A settings file is a text file, saved as UTF-8.",
        ) from None
    return read_text(text, source=str(path))


def read_text(text: str, source: str) -> Document:
    """Read settings from YAML text; see :func:`read_file`.

    >>> document = read_text("training:\\n  learning_rate: 1e-3", source="mine.yaml")
    >>> document.data["training"]["learning_rate"], document.where("training.learning_rate")
    (0.001, 'mine.yaml, line 2')
    """
    lines: dict[str, int] = {}
    data = _parse(text, source, lines)
    if data is None:
        raise SettingsError(f"{source} is empty.", hint=_START_FROM)
    if not isinstance(data, dict):
        raise SettingsError(
            f"{source} holds {_KINDS[type(data)]}, not `key: value` lines.",
            hint=_START_FROM,
        )
    return Document(data=data, source=source, lines=lines)


def read_value(text: str) -> Any:
    """Read one value as it is written after ``key=`` on the command line.

    >>> read_value("1e-3"), read_value("[1, 2]"), read_value("no"), read_value("")
    (0.001, [1, 2], 'no', None)
    """
    value = _parse(text, f"On {COMMAND_LINE}", {})
    if value is None and not NULL.match(text.strip()):
        raise SettingsError(
            f"On {COMMAND_LINE}: {text!r} holds no value.", hint="Put text that starts with # in quotes."
        )
    return value


def _parse(text: str, source: str, lines: dict[str, int]) -> Any:
    """Build plain data from YAML text and note the line of every key."""
    try:
        loader, node = compose(text)
    except yaml.YAMLError as error:
        raise _explain(error, text, source) from None
    return None if node is None else _construct(loader, node, "", lines, source)


def _construct(loader: Any, node: yaml.Node, key: str, lines: dict[str, int], source: str) -> Any:
    """Build plain data from a node and note the line of every key below it."""
    place = f"{source}, line {node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = f"{source}, line {key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.value:
                raise SettingsError(
                    f"{place}: a key must be one word.", hint="Settings are written as `key: value`."
                )
            name = _printable(key_node.value, place)
            path = f"{key}.{name}" if key else name
            if name in result:
                raise SettingsError(
                    f"{place}: the key {path!r} stands here again; it is also on line {lines[path]}."
                )
            lines[path] = key_node.start_mark.line + 1
            result[name] = _construct(loader, value_node, path, lines, source)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, f"{key}.{i}", lines, source) for i, item in enumerate(node.value)]
    try:
        value = loader.construct_object(node)
    except ValueError:  # int() refuses numbers of thousands of digits
        raise SettingsError(
            f"{place}: {key or 'the value'} is a number of {len(node.value)} digits."
        ) from None
    return _printable(value, place) if isinstance(value, str) else value


def _printable(text: str, place: str) -> str:
    """Refuse what would steer a terminal instead of being shown on it."""
    found = _CONTROL.search(text)
    if found:
        raise SettingsError(
            f"{place}: {show(text)} holds the control character {found[0]!r}.", hint="Leave it out."
        )
    return text


_PROBLEMS = (
    ("found character '\\t'", "a tab where only spaces may stand", "Indent with spaces."),
    (
        "mapping values are not allowed",
        "a second `:` in one line, or a line that is indented too far",
        "Put text that holds a colon in quotes.",
    ),
    ("but found another document", "a second document, after ---", "One file holds one experiment."),
    (
        "that cannot start any token",
        "text that starts with a sign that YAML keeps for itself",
        "Put it in quotes.",
    ),
    (
        "unknown escape character",
        "a backslash in double quotes before a letter that means nothing",
        "Use single quotes.",
    ),
    ("could not find expected ':'", "a line that is no `key: value`", None),
    ("expected <block end>", "a line that is not indented as its neighbours are, or a quote too many", None),
    ("expected ',' or ']'", "a list [...] that is not closed", None),
    ("expected ',' or '}'", "a mapping {...} that is not closed", None),
    ("expected the node content", "a value is missing, or a bracket is not closed", None),
    ("unexpected end of stream", "a quote that is not closed", None),
)
"""What the YAML library says, what we say instead, and the remedy."""


def _explain(error: yaml.YAMLError, text: str, source: str) -> SettingsError:
    """Turn the YAML library's finding into a message with its line."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return SettingsError(
            f"{source}, line {line}: not text: it holds the control character {chr(error.character)!r}."
        )
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    place = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
    if isinstance(error, RefusedError):
        return SettingsError(f"{place}: {problem}.")
    for theirs, ours, hint in _PROBLEMS:
        if theirs in problem:
            return SettingsError(f"{place}: not valid YAML: {ours}.", hint=hint)
    return SettingsError(f"{place}: not valid YAML: {problem}.")


_KINDS = {list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
