"""YAML as far as a settings file may use it.

Tags, anchors and aliases are refused (an alias bomb is a few hundred bytes that unfold into gigabytes).
Scalars follow YAML 1.2, so that ``1e-3`` is a number and ``no`` is a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import yaml

MAX_DEPTH = 20

_IN_C: Any = getattr(yaml, "CSafeLoader", None)
_ODD = re.compile(r"[^\n -=@-{}~\u00a0-\u2027\u202f-\ud7ff]|^(%|---|\.\.\.)", re.MULTILINE)
"""What the library in C may take in another way: tabs, ``|``, ``>``, ``?``, several documents, rarities."""

_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""In C, where the library was built with it: five times as fast."""

_ENDLESS: Any = math.inf if _SafeDumper is yaml.SafeDumper else -1
"""The width of a line that is never broken, as either library calls it."""


class RefusedError(yaml.MarkedYAMLError):
    """Valid YAML that a settings file may not hold."""


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's scalars, without references and tags, and not nested without end."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0

    def fetch_tag(self) -> NoReturn:
        self._refuse("a tag (!...) is not allowed here; put text that starts with ! in quotes")

    def fetch_anchor(self) -> NoReturn:
        self._refuse("an anchor (&...) is not allowed here; put text that starts with & in quotes")

    def fetch_alias(self) -> NoReturn:
        self._refuse("an alias (*...) is not allowed here; write the value out, or put text in quotes")

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, problem: str) -> NoReturn:
        raise RefusedError(problem=problem, problem_mark=self.get_mark())


_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
NULL = re.compile(r"^(null|Null|NULL|~|)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", NULL, ["n", "N", "~", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"^({_NUMBER})$"), list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


if _IN_C:

    class _QuickLoader(yaml.composer.Composer, _IN_C):  # type: ignore[misc]
        """The same in C, in a fifth of the time; Python puts the nodes together.

        It refuses without a word. What it refuses is read again by the other, which has the words.
        """

        yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers
        yaml_constructors = _Loader.yaml_constructors
        depth = 0

        def __init__(self, text: str) -> None:
            _IN_C.__init__(self, text)
            self.anchors: dict[str, yaml.Node] = {}  # the composer's

        def compose_node(self, parent: yaml.Node | None, index: int) -> Any:
            event = self.peek_event()
            if getattr(event, "anchor", None) or getattr(event, "tag", None) or self.depth == MAX_DEPTH:
                raise yaml.YAMLError
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node


def compose(text: str) -> tuple[Any, yaml.Node | None]:
    """Return a loader, whose ``construct_object`` reads what is no mapping or list, and a document's node.

    An empty document has None.

    Raises:
        yaml.YAMLError: when it is no YAML; a :class:`RefusedError` for what a settings file may not hold.
    """
    if _IN_C and not _ODD.search(text):
        with suppress(yaml.YAMLError, ValueError, OverflowError):
            quick = _QuickLoader(text)
            return quick, quick.get_single_node()
    loader = _Loader(text)
    try:
        return loader, loader.get_single_node()
    except (ValueError, OverflowError):  # chr() refuses an escape such as \U99999999
        loader._refuse("an escape that stands for no character")


def dump(data: Mapping[str, Any]) -> str:
    """Write plain data as YAML that :func:`seqlab.settings.read_text` reads back unchanged.

    >>> print(dump({"a": 1e-05, "b": "1e-05", "c": None}), end="")
    a: 1.0e-05
    b: '1e-05'
    c: null
    """
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS)


class _Dumper(_SafeDumper):  # type: ignore[misc]
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


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Write text of several lines in one, so that a value and its key always share a line."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if "\n" in value else None)


_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(str, _represent_text)
