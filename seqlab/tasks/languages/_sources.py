"""Pieces of the source code that comes with Python: its standard library, and its headers for C."""

from __future__ import annotations

import hashlib
import re
import sysconfig
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from seqlab.contracts import Split
from seqlab.errors import TextError

Language = Literal["python", "c"]

Pairs = tuple[tuple[int, int], ...]

CLOSING = {"(": ")", "[": "]", "{": "}"}

BRACKETS = re.compile(r"[][(){}]")

SHARES: dict[Split, range] = {"train": range(8), "validation": range(8, 9), "test": range(9, 10)}
"""Of ten parts, into which files fall by the hash of their names, those of each split."""

PLACES: dict[Language, tuple[str, str]] = {"python": ("stdlib", "*.py"), "c": ("include", "*.h")}
"""By language the folder, as :mod:`sysconfig` calls it, and the files in it."""

HIDDEN: dict[Language, re.Pattern[str]] = {
    "python": re.compile(
        r'"""(?:\\.|.)*?"""|' r"'''(?:\\.|.)*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'|#[^\n]*",
        re.S,
    ),
    "c": re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'", re.S),
}
"""Strings and comments."""


def files_of(language: Language) -> list[Path]:
    """Return the files of a language that come with Python.

    Raises:
        TextError: where there are none.
    """
    place, pattern = PLACES[language]
    folder = Path(sysconfig.get_paths()[place])
    found = sorted(folder.glob(pattern))
    if not found:
        raise TextError(
            f"{folder} holds no {pattern}: task.language={language} reads the files that come with Python.",
            hint="Install Python's headers, or set task.language=python."
            if language == "c"
            else "Take a Python whose standard library is there as files.",
        )
    return found


@lru_cache(maxsize=8)
def read_pieces(
    language: Language, length: int, reduced: bool
) -> tuple[dict[Split, list[tuple[str, Pairs]]], str]:
    """Return for each split its pieces, with the pairs of places at which they can be broken; and a hash.

    Args:
        language: of the files.
        length: symbols of a piece, at most.
        reduced: whether they are reduced; see :func:`reduce`.
    """
    pieces: dict[Split, list[tuple[str, Pairs]]] = {split: [] for split in SHARES}
    digest = hashlib.sha256()
    for file in files_of(language):
        data = file.read_bytes()
        digest.update(hashlib.sha256(data).digest())
        text = HIDDEN[language].sub("", data.decode("utf-8", "replace").replace("\r\n", "\n"))
        part = zlib.crc32(file.name.encode()) % 10
        split = next(split for split, parts in SHARES.items() if part in parts)
        for piece in cut(reduce(text) if reduced else text, length):
            pairs = breaking_pairs(piece)
            if pairs:
                pieces[split].append((piece, pairs))
    return pieces, digest.hexdigest()


def reduce(text: str) -> str:
    """Return a text in which a word or number is w, other signs are o, and there is no space.

    >>> reduce("if f(x[10], 'a') != 3:" + chr(10) + "  pass")
    'ww(w[w]oowo)owo\\nw'
    """
    text = re.sub(r"\w+", "w", text)
    text = re.sub(r"[^\w\s()\[\]{}]+", "o", text)
    return re.sub(r"\n+", "\n", re.sub(r"[^\S\n]+", "", text))


def cut(text: str, length: int) -> Iterator[str]:
    """Yield pieces of a text: whole lines, at whose ends no bracket is open, as many as fit."""
    piece = ""
    for unit in _units(text, length):
        if len(piece) + len(unit) > length:
            yield piece
            piece = ""
        piece += unit
    yield piece


def _units(text: str, length: int) -> Iterator[str]:
    """Yield the fewest lines that are balanced; what is not, or is too long, is left out."""
    unit, stack = "", list[str]()
    for line in text.splitlines(keepends=True):
        unit += line
        if len(unit) > length or not follow(line, stack):
            unit, stack = "", []
        elif not stack:
            yield unit
            unit = ""


def follow(text: str, stack: list[str]) -> bool:
    """Read on, with the brackets that are open on a stack; say whether none has closed that was not open."""
    for sign in BRACKETS.findall(text):
        if sign in CLOSING:
            stack.append(sign)
        elif not stack or CLOSING[stack.pop()] != sign:
            return False
    return True


def breaking_pairs(text: str) -> Pairs:
    """Return the places of brackets that follow one another and, exchanged, break a balanced text.

    Two that open, or two that close, do so where they differ. So does a pair ( ) that is not within another
    of its kind, whose sides it would become; and ) before [ , where they are not of one kind.

    >>> breaking_pairs("(())"), breaking_pairs("[()]"), breaking_pairs("()()")
    ((), ((0, 1), (1, 2), (2, 3)), ((0, 1), (2, 3)))
    """
    found, stack = [], [""]
    places = [match.start() for match in BRACKETS.finditer(text)]
    for here, after in pairwise(places):
        one, other = text[here], text[after]
        around = stack[-1]
        if one in CLOSING:
            stack.append(one)
        else:
            stack.pop()
        if (one in CLOSING) == (other in CLOSING):
            breaks = one != other
        elif one in CLOSING:
            breaks = around != one
        else:
            breaks = CLOSING[other] != one
        if breaks:
            found.append((here, after))
    return tuple(found)
