"""What every file is read through: the names of its columns, and its cells, some thousand rows at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import TextError
from seqlab.outside import open_ordinary
from seqlab.text.reading import read_blocks

SAMPLE = 1_000
"""Rows at the beginning by which it is found what a file is like."""

CHUNK = 20_000
"""Rows that are read at once: texts take some twenty times the memory of numbers, and are let go of soon."""

_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8"} | {
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"
}  # fmt: skip

Cell = Any
"""What stands in a cell: a text, or in files that know kinds a number, a date or None."""


@dataclass(frozen=True)
class Chunk:
    """Some rows, one after another.

    Attributes:
        places: (N,) the line, or row, of the file where each begins, from 1.
        columns: the cells of each column, N each, in the order of the names.
    """

    places: NDArray[np.int64]
    columns: Sequence[Sequence[Cell]]


class Source(Protocol):
    """A file that holds a table.

    Attributes:
        path: where it lies.
        names: of its columns.
        unit: what its places are called: ``line`` or ``row``.
        decimal: the sign in front of the decimals of numbers that are texts.
        form: in words how it was found to be written.
    """

    @property
    def path(self) -> Path: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def unit(self) -> str: ...
    @property
    def decimal(self) -> str: ...
    @property
    def form(self) -> str: ...

    def chunks(self, rows: int = CHUNK) -> Iterator[Chunk]:
        """Yield all rows, so many at a time."""
        ...


def marked_encoding(path: Path) -> str:
    """Return the encoding of a file's byte-order mark, or UTF-8."""
    with open_ordinary(path) as file:
        begin = file.read(4)
    return next((name for mark, name in _MARKS.items() if begin.startswith(mark)), "utf-8")


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a text, each with its line feed, however they end in the file.

    Raises:
        TextError: when it is no text in that encoding, with the byte that is wrong.
    """
    rest = ""
    for block in read_blocks((path,), encoding):
        *whole, rest = (rest + block).split("\n")
        for line in whole:
            yield f"{line}\n"
    if rest:
        yield rest


def named(cells: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return names of columns: those without one are called by their number.

    Raises:
        TextError: when two columns have one name.

    >>> named([" date", "", "b"], Path("a.csv"))
    ('date', '2', 'b')
    """
    names = tuple(cell.strip() or str(number) for number, cell in enumerate(cells, 1))
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise TextError(
            f"{path} has two columns called {twice!r}.", hint="Give each a name of its own in the first line."
        )
    return names
