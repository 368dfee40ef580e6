"""A text cut into sequences with a beginning and an end: its lines, its blocks, or the records of FASTA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from seqlab.doing import doing
from seqlab.errors import TextError
from seqlab.text.corpora import Corpus
from seqlab.text.reading import DOCUMENT, USUAL, Form, read_blocks

Unit = Literal["line", "block", "fasta"]

ENDS: dict[Unit, str] = {"line": "\n", "block": DOCUMENT, "fasta": "\n"}
"""The symbol behind each sequence, which no sequence holds."""

CALLED: dict[Unit, str] = {"line": "line", "block": "block", "fasta": "record"}
"""What a sequence is called in messages."""

HEADER = ">"


@dataclass(frozen=True)
class Units:
    """The sequences of a text.

    Attributes:
        texts: in their order.
        replaced: the ends of lines that became line feeds.
        empty: how many were left out since they hold nothing.
        headers: how many lines of FASTA name a record, and are no part of it.
        sha256: of the sequences in UTF-8, each with its end.
    """

    texts: tuple[str, ...]
    replaced: tuple[str, ...]
    empty: int
    headers: int
    sha256: str


class _Cut(NamedTuple):
    """The sequences of one file, and how many of its lines are headers."""

    texts: list[str]
    headers: int = 0


def read_units(corpus: Corpus, unit: Unit, encoding: str = "utf-8", form: Form = USUAL) -> Units:
    """Return the sequences of a corpus; none goes from one file into the next.

    Raises:
        TextError: when a file is no text, not what the unit asks for, or nothing is left.
    """
    replaced, texts, headers = set[str](), list[str](), 0
    with doing(f"reading the {CALLED[unit]}s of {corpus.name}"):
        for file in corpus.files:
            found = cut("".join(read_blocks([file], encoding, form, replaced=replaced)), unit, str(file))
            texts += found.texts
            headers += found.headers
        filled = tuple(text for text in texts if text.strip())
        if not filled:
            raise TextError(
                f"{corpus.name!r} is empty: it holds no {CALLED[unit]}.",
                hint="Give a text with something in it.",
            )
        digest = hashlib.sha256()
        for text in filled:
            digest.update((text + ENDS[unit]).encode("utf-8", "surrogatepass"))
    empty = len(texts) - len(filled)
    return Units(filled, tuple(sorted(replaced)), empty, headers, digest.hexdigest())


def cut(text: str, unit: Unit, name: str = "text") -> _Cut:
    r"""Return the sequences of a text whose lines end with a line feed, empty ones included.

    Args:
        text: of a file.
        unit: ``line``; ``block``, which are lines up to an empty one; or ``fasta``, records whose sequence
            stands on the lines behind a header.
        name: of the file, for errors.

    Raises:
        TextError: when it is no FASTA, or holds the mark of ends itself.

    >>> cut("a\n\nb\n", "line").texts, cut("a\nb\n\n\nc\n", "block").texts
    (['a', '', 'b'], ['a\nb', 'c'])
    >>> cut(">one\nAC\nGT\n>two\nTT\n", "fasta")
    _Cut(texts=['ACGT', 'TT'], headers=2)
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    if unit == "line":
        return _Cut(lines)
    if unit == "fasta":
        return _records(lines, name)
    if DOCUMENT in text:
        number = text[: text.index(DOCUMENT)].count("\n") + 1
        raise TextError(
            f"{name}, line {number}: a block holds the character U+001C, which stands for its end.",
            hint="Remove it from the text.",
        )
    return _Cut(list(_blocks(lines)))


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []


def _records(lines: Iterable[str], name: str) -> _Cut:
    """Return the sequences of FASTA: what stands between headers, without spaces."""
    records: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(HEADER):
            records.append([])
        elif line.strip():
            if not records:
                raise TextError(
                    f"{name}, line {number}: a sequence without a header: in FASTA each stands behind a line "
                    f"that begins with {HEADER}.",
                    hint="Of a file with a sequence on each line: task.unit=line",
                )
            records[-1].append("".join(line.split()))
    return _Cut(["".join(record) for record in records], len(records))
