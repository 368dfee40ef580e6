"""Files as text, block by block, so that no text has to be held as a whole."""

from __future__ import annotations

import codecs
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from seqlab.errors import TextError
from seqlab.outside import open_ordinary

Normalisation = Literal["none", "NFC", "NFKC"]
LineEnds = Literal["lf", "keep"]
Documents = Literal["joined", "marked"]

DOCUMENT = "\x1c"
"""ASCII's file separator: in front of every file of a text whose documents are marked."""

BLOCK = 1 << 20
"""Bytes that are read at once."""

_ZERO = (
    "UTF-16 and UTF-32 have such bytes: --encoding utf-16. Any other file that has them is no text, and "
    "can be learned in no way, not byte by byte either."
)
_MARKS = ("utf-16", "utf-32")
"""What names of encodings begin with in which zeros are right."""

_PLACES = ("\n", " ", ".", ",", ";", ":", "!", "?", "-", "(", ")", "\t", "\r")
"""ASCII, and no part of a word: in front of one of these, neither a word nor a composed character is cut."""


@dataclass(frozen=True)
class Form:
    """What a text is brought into before it is cut into tokens, whichever way it comes in.

    Attributes:
        normalisation: the Unicode form, or none.
        line_ends: ``lf``, so that lines end with one sign wherever a text was written (carriage return and
            line feed, or a carriage return alone, become a line feed); or ``keep``.

    >>> Form().of("a\\r\\nb\\rc"), Form(line_ends="keep").of("a\\r\\nb")
    ('a\\nb\\nc', 'a\\r\\nb')
    >>> Form("NFC").of("e\\u0301 \\ufb01n"), Form("NFKC").of("e\\u0301 \\ufb01n")
    ('é \\ufb01n', 'é fin')
    """

    normalisation: Normalisation = "none"
    line_ends: LineEnds = "lf"

    def __post_init__(self) -> None:
        if self.normalisation not in get_args(Normalisation) or self.line_ends not in get_args(LineEnds):
            raise TextError(f"{self.normalisation!r}, {self.line_ends!r} is no form of a text.")

    def of(self, text: str) -> str:
        """Return a whole text in this form."""
        if self.line_ends == "lf" and "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text if self.normalisation == "none" else unicodedata.normalize(self.normalisation, text)


USUAL = Form()


def read_blocks(
    files: Iterable[Path],
    encoding: str = "utf-8",
    form: Form = USUAL,
    documents: Documents = "joined",
    replaced: set[str] | None = None,
) -> Iterator[str]:
    """Yield the text of files in blocks, each file beginning on a new line, or with :data:`DOCUMENT`.

    A byte-order mark is left out. Blocks end where nothing is lost by it: they can be normalised and cut into
    words one by one.

    Args:
        files: in this order; empty ones are passed over.
        encoding: by its name in Python: utf-8, utf-16, cp949, latin-1, ...
        form: that the text is brought into.
        documents: whether files are joined by ends of lines, or each is marked at its beginning.
        replaced: gets the ends of lines that became line feeds.

    Raises:
        TextError: when there is no such encoding, a file cannot be read, or it is no text in that encoding,
            with the offset of the first byte that is wrong.
    """
    _check(encoding)
    files = tuple(files)
    try:
        blocks = (_opened(file, encoding) for file in files)
        if form.line_ends == "lf":
            blocks = (_line_feeds(file, set() if replaced is None else replaced) for file in blocks)
        for block in _whole((_marked if documents == "marked" else _joined)(blocks)):
            yield form.of(block)
    except TextError as error:
        raise _in_folder(error, files) from None


def read_stream(opened: BinaryIO, name: str, encoding: str = "utf-8") -> str:
    """Return the whole text of an open file or of standard input, without its byte-order mark.

    Raises:
        TextError: as :func:`read_blocks` does.
    """
    _check(encoding)
    return "".join(_decoded(opened, name, encoding))


def _marked(files: Iterable[Iterator[str]]) -> Iterator[str]:
    for file in files:
        yield DOCUMENT
        yield from file


def _joined(files: Iterable[Iterator[str]]) -> Iterator[str]:
    last = "\n"
    for file in files:
        begun = False
        for block in file:
            if not begun and not last.endswith("\n"):
                yield "\n"
            begun, last = True, block
            yield block


def _opened(file: Path, encoding: str) -> Iterator[str]:
    try:
        with open_ordinary(file) as opened:
            yield from _decoded(opened, str(file), encoding)
    except OSError as error:
        raise TextError(f"{str(file)!r} cannot be read: {error.strerror}.") from None


def _decoded(opened: BinaryIO, name: str, encoding: str) -> Iterator[str]:
    """Yield a text in blocks that are not empty."""
    decoder = codecs.getincrementaldecoder(encoding)()
    zeros = codecs.lookup(encoding).name.startswith(_MARKS)
    start = 0
    while True:
        data = opened.read(BLOCK)
        if not zeros and (place := data.find(0)) >= 0:
            raise TextError(f"{name} is not text: byte {start + place} is zero.", hint=_ZERO)
        pending = len(decoder.getstate()[0])  # bytes of a character that the last block cut
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            wrong = error.object[error.start :]
            raise TextError(
                f"{name} is not {_shown(encoding)} text: byte {start - pending + error.start} is "
                f"0x{wrong[0]:02X}.",
                hint=_other_encoding(encoding, wrong + opened.read(BLOCK)),
            ) from None
        except UnicodeError as error:  # UTF-16 without its mark, and the like
            raise TextError(
                f"{name} is not {_shown(encoding)} text: {error}.", hint=_other_encoding(encoding, data)
            ) from None
        text = text.removeprefix("\ufeff") if start == 0 else text
        if text:
            yield text
        if not data:
            return
        start += len(data)


def _line_feeds(blocks: Iterable[str], replaced: set[str]) -> Iterator[str]:
    """Yield the same text with lines that end with a line feed; a carriage return may end a block."""
    decoder = io.IncrementalNewlineDecoder(None, translate=True)
    for block in blocks:
        if text := decoder.decode(block):
            yield text
    if text := decoder.decode("", final=True):
        yield text
    seen = decoder.newlines or ()
    replaced.update(end for end in ((seen,) if isinstance(seen, str) else seen) if end != "\n")


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


def _other_encoding(encoding: str, data: bytes) -> str:
    """Say what else a text may be in, by the bytes from the first wrong one on."""
    if codecs.lookup(encoding).name != "utf-8":
        return (
            "Name another encoding: --encoding utf-8, or --encoding latin-1, which takes any byte but zero."
        )
    if not any(0x80 <= byte <= 0x9F for byte in data):
        return "If it is text in another encoding, name that, for example: --encoding latin-1"
    try:
        data.decode("cp1252")  # in which these bytes are dashes and quotes; in Latin-1, control characters
    except UnicodeDecodeError:
        return "If it is text in another encoding, name that, for example: --encoding cp949, or shift-jis"
    return "If it is text in another encoding, name that; written on Windows, it may be: --encoding cp1252"


def _in_folder(error: TextError, files: Sequence[Path]) -> TextError:
    """Return an error about one file of several with the pattern that leaves such files out."""
    names = [file.suffix for file in files if str(file) not in error.message and file.suffix]
    if not names:
        return error
    usual = Counter(names).most_common(1)[0][0]
    return TextError(
        error.message, hint=f"To read files of one kind only: --glob '*{usual}'. {error.hint or ''}"
    )
