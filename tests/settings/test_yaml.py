"""YAML in C and in Python come to the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from seqlab.errors import SettingsError
from seqlab.settings import _yaml, read_file, read_text

pytestmark = pytest.mark.skipif(_yaml._IN_C is None, reason="the YAML library was built without its C part")

SHIPPED = sorted(Path(__file__, "../../../experiments").resolve().rglob("*.yaml"))
PIECES = [
    "a", "b: ", "- ", ": ", "\n", "\n  ", "\n    ", " ", "'", '"', "[", "]", "{", "}", ", ", "# c", "|", ">-", "? ",
    "---\n", "\n...", "1", "1e-3", "null", "~", "é", "\\", "\\x41", "%", "@", "!", "&x", "*x", "\t", "\r\n", "\x85",
    "\u2028", "\ufeff", "\x07", "key", "=", "<<", "'a'", "a: b\n", "- e\n",
]  # fmt: skip


def read(text: str) -> Any:
    """Return what is read, with the lines of keys, or what is said of it."""
    try:
        document = read_text(text, "mine.yaml")
    except SettingsError as error:
        return str(error)
    return document.data, document.lines


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example("a: {b? : 1}")
@example("a: |# b")
@example("a: 1\n---")
def test_a_text_is_read_or_refused_alike(text: str) -> None:
    found = read(text)
    with patch.object(_yaml, "_IN_C", None):
        assert read(text) == found


@given(st.sampled_from(SHIPPED), st.data())
def test_a_shipped_file_with_a_few_characters_changed_is_read_or_refused_alike(
    path: Path, data: st.DataObject
) -> None:
    text = path.read_text()
    start = data.draw(st.integers(0, len(text)))
    text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[start + data.draw(st.integers(0, 8)) :]
    found = read(text)
    with patch.object(_yaml, "_IN_C", None):
        assert read(text) == found


def test_nearly_all_that_is_shipped_is_read_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [read_file(path).data for path in SHIPPED]
    in_python: list[str] = []

    def watched(self: yaml.SafeLoader, text: str) -> None:
        in_python.append(text)
        yaml.SafeLoader.__init__(self, text)

    monkeypatch.setattr(_yaml._Loader, "__init__", watched)
    assert [read_file(path).data for path in SHIPPED] == whole
    assert len(in_python) < len(SHIPPED) / 10
