"""Files as text, block by block, so that no text has to be held as a whole."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from seqlab.errors import TextError

Normalisation = Literal["none", "NFC", "NFKC"]

BLOCK = 1 << 20
"""Bytes that are read at once."""

_ZERO = (
    "UTF-16 and UTF-32 have such bytes: --encoding utf-16. Any other file that has them is no text, and "
    "can be learned in no way, not byte by byte either."
)
_PLACES = ("\n", " ", ".", ",", ";", ":", "!", "?", "-", "(", ")", "\t", "\r")
"""ASCII, and no part of a word: in front of one of these, neither a word nor a composed character is cut."""


def read_blocks(
    files: Iterable[Path], encoding: str = "utf-8", normalisation: Normalisation = "none"
) -> Iterator[str]:
    """Yield the text of files in blocks, each file beginning on a new line.

    A byte-order mark is left out. Blocks end where nothing is lost by it: they can be normalised and cut into
    words one by one.

    Args:
        files: in this order; empty ones are passed over.
        encoding: by its name in Python: utf-8, utf-16, cp949, latin-1, ...
        normalisation: the Unicode form that the text is brought into, or none.

    Raises:
        TextError: when there is no such encoding, a file cannot be read, or it is no text in that encoding,
            with the offset of the first byte that is wrong.
    """
    _check(encoding)
    for block in _whole(_joined(files, encoding)):
        yield normalise(block, normalisation)


def normalise(text: str, form: Normalisation) -> str:
    """Return a text in a Unicode form.

    >>> normalise("e\\u0301 \\ufb01n", "NFC"), normalise("e\\u0301 \\ufb01n", "NFKC")
    ('é \\ufb01n', 'é fin')
    """
    return text if form == "none" else unicodedata.normalize(form, text)


def _joined(files: Iterable[Path], encoding: str) -> Iterator[str]:
    last = "\n"
    for file in files:
        begun = False
        for block in _decoded(file, encoding):
            if not begun and not last.endswith("\n"):
                yield "\n"
            begun, last = True, block
            yield block


def _decoded(file: Path, encoding: str) -> Iterator[str]:
    """Yield the text of a file in blocks that are not empty."""
    decoder = codecs.getincrementaldecoder(encoding)()
    zeros = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))  # in these zeros are right
    start = 0
    try:
        with file.open("rb") as opened:
            while True:
                data = opened.read(BLOCK)
                if not zeros and (place := data.find(0)) >= 0:
                    raise TextError(f"{file} is not text: byte {start + place} is zero.", hint=_ZERO)
                pending = len(decoder.getstate()[0])  # bytes of a character that the last block cut
                try:
                    text = decoder.decode(data, final=not data)
                except UnicodeDecodeError as error:
                    raise TextError(
                        f"{file} is not {_shown(encoding)} text: byte {start - pending + error.start} is "
                        f"0x{error.object[error.start]:02X}.",
                        hint=_other_encoding(encoding),
                    ) from None
                except UnicodeError as error:  # UTF-16 without its mark, and the like
                    raise TextError(
                        f"{file} is not {_shown(encoding)} text: {error}.", hint=_other_encoding(encoding)
                    ) from None
                text = text.removeprefix("\ufeff") if start == 0 else text
                if text:
                    yield text
                if not data:
                    return
                start += len(data)
    except OSError as error:
        raise TextError(f"{str(file)!r} cannot be read: {error.strerror}.") from None


def _whole(blocks: Iterable[str]) -> Iterator[str]:
    """Yield the same text in blocks that end in front of one of :data:`_PLACES`."""
    rest = ""
    for block in blocks:
        place = next((place for sign in _PLACES if (place := block.rfind(sign)) >= 0), -1)
        if place < 0 or not rest + block[:place]:
            rest += block
            continue
        yield rest + block[:place]
        rest = block[place:]
    if rest:
        yield rest


def _check(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):  # unknown; or no encoding of text, such as hex
        raise TextError(
            f"There is no encoding {encoding!r}.",
            hint="Known are, among others: utf-8, utf-16, latin-1, cp1252, cp949, shift-jis, gb18030.",
        ) from None


def _shown(encoding: str) -> str:
    return codecs.lookup(encoding).name.upper()


def _other_encoding(encoding: str) -> str:
    if codecs.lookup(encoding).name == "utf-8":
        return "If it is text in another encoding, name that, for example: --encoding latin-1"
    return "Name another encoding: --encoding utf-8, or --encoding latin-1, which takes any byte but zero."
