"""`key.path=value` words of the command line."""

from __future__ import annotations

from collections.abc import Iterable

from seqlab.errors import SettingsError, UnknownNameError
from seqlab.settings.reader import COMMAND_LINE, Document, read_value


def parse_override(word: str) -> tuple[str, object]:
    """Split one word into key and value.

    >>> parse_override("training.learning_rate=1e-3")
    ('training.learning_rate', 0.001)

    Raises:
        SettingsError: when the word has no ``=`` or no proper key, or its value is not YAML.
    """
    key, equals, text = word.partition("=")
    if not equals or not all(part.isidentifier() for part in key.split(".")):
        raise SettingsError(
            f"On {COMMAND_LINE}: {word!r} is not a setting.",
            hint="Settings are given as key=value, for example training.learning_rate=1e-3.",
        )
    return key, read_value(text)


def apply_overrides(document: Document, words: Iterable[str]) -> Document:
    """Lay ``key=value`` words over a document, in order."""
    for word in words:
        document = document.override(*parse_override(word))
    return document


def apply_preset(document: Document, name: str) -> Document:
    """Lay the document's own preset of that name over it.

    Raises:
        UnknownNameError: when the document has no such preset.
    """
    presets = document.data.get("presets") or {}
    if name not in presets:
        raise UnknownNameError("preset", name, presets)
    for key, value in presets[name].items():
        document = document.override(key, value)
    return document
