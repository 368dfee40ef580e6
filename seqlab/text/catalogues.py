"""Catalogues of gettext: texts of programs with their translations, as .po files and as .mo files."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from seqlab.errors import TextError
from seqlab.outside import read_ordinary

Pair = tuple[str, str]

_MAGIC = 0x950412DE
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[0\])?)?\s*"(.*)"$')


def read_catalogue(path: Path) -> list[Pair]:
    """Return the texts of a catalogue with their translations; of plurals the singular.

    Raises:
        TextError: when it is none, or cannot be read.
    """
    try:
        data = read_ordinary(path)
        pairs = _compiled(data) if path.suffix == ".mo" else _source(data)
        return [(text, told) for text, told in pairs if text and told]
    except OSError as error:
        raise TextError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except (struct.error, UnicodeDecodeError, LookupError) as error:
        raise TextError(f"{str(path)!r} is no catalogue of gettext: {error}.") from None


def _compiled(data: bytes) -> list[Pair]:
    """Read a .mo file: a header, then where each text and each translation lies, and how long it is."""
    order = next((sign for sign in "<>" if struct.unpack_from(f"{sign}I", data)[0] == _MAGIC), None)
    if order is None:
        raise LookupError("it does not begin as a .mo file does")
    count, texts, translations = struct.unpack_from(f"{order}3I", data, 8)

    def at(table: int, number: int) -> bytes:
        length, place = struct.unpack_from(f"{order}2I", data, table + 8 * number)
        return data[place : place + length].partition(b"\0")[0]

    raw = [(at(texts, number), at(translations, number)) for number in range(count)]
    encoding = _encoding(next((told for text, told in raw if not text), b""))
    return [(text.decode(encoding).rpartition("\x04")[2], told.decode(encoding)) for text, told in raw]


def _source(data: bytes) -> Iterator[Pair]:
    """Read a .po file, without entries that are fuzzy or obsolete."""
    for block in re.split(r"\n\s*\n", data.decode(_encoding(data)).replace("\r\n", "\n")):
        parts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            found = None if line.startswith("#") else _LINE.match(line.strip())
            if found is not None:
                keyword = (found[1] or keyword).removesuffix("[0]")
                parts[keyword] = parts.get(keyword, "") + _unescaped(found[2])
            elif not line.startswith("#"):
                keyword = ""  # msgstr[1] and the like
        if not re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE):
            yield parts.get("msgid", ""), parts.get("msgstr", "")


def _encoding(header: bytes) -> str:
    found = re.search(rb"charset=([\w-]+)", header)
    name = found[1].decode() if found else "utf-8"
    return "utf-8" if name == "CHARSET" else name


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text)
