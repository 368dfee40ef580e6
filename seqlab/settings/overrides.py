"""`key.path=value` words of the command line, and a document's own presets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seqlab.errors import SettingsError, UnknownNameError
from seqlab.settings.reader import COMMAND_LINE, Document, read_value, show


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
    try:
        return key, read_value(text)
    except SettingsError as error:
        message = error.message.removeprefix(f"On {COMMAND_LINE}").lstrip(",: ")
        raise SettingsError(f"On {COMMAND_LINE}, in {word!r}: {message}", hint=error.hint) from None


def apply_overrides(document: Document, words: Iterable[str]) -> Document:
    """Lay ``key=value`` words over a document, in order.

    >>> document = apply_overrides(Document({"seed": 1}, "mine.yaml"), ["seed=2", "model.name=lstm"])
    >>> document.data, document.overridden
    ({'seed': 2, 'model': {'name': 'lstm'}}, ('seed', 'model.name'))

    Raises:
        SettingsError: when a word is no setting, or one is given twice.
    """
    for key, value in once(map(parse_override, words)).items():
        document = document.override(key, value)
    return document


def once(settings: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Return settings by key.

    Raises:
        SettingsError: when one is given twice: which was meant, nobody can know.
    """
    found: dict[str, object] = {}
    for key, value in settings:
        if key in found:
            raise SettingsError(
                f"On {COMMAND_LINE}: {key} is given twice, as {show(found[key])} and as {show(value)}.",
                hint="Leave one out.",
            )
        found[key] = value
    return found


def presets(document: Document) -> Mapping[str, Mapping[str, object]]:
    """Return the presets of a document by name.

    Raises:
        SettingsError: when they are not mappings of ``key: value``.
    """
    found = document.data.get("presets")
    found = {} if found is None else found
    for key, value in {"presets": found, **(found if isinstance(found, Mapping) else {})}.items():
        if not isinstance(value, Mapping):
            path = key if key == "presets" else f"presets.{key}"
            raise SettingsError(
                f"{document.where(path)}: {path} is {show(value)}; allowed: a mapping.",
                hint="Write presets as `presets: {NAME: {key: value}}`.",
            )
    return found


def apply_preset(document: Document, name: str) -> Document:
    """Lay the document's own preset of that name over it; its keys may be dotted or nested.

    Raises:
        UnknownNameError: when the document has presets, but none of that name.
        SettingsError: when it has none, the preset is not a mapping, or a key of it leads nowhere.
    """
    known = presets(document)
    if not known:
        raise SettingsError(f"{document.source} has no presets, so none is named {name!r}.")
    if name not in known:
        raise UnknownNameError("preset", name, known)
    for key, value in known[name].items():
        document = document.lay(key, value, f"presets.{name}.{key}")
    return document
