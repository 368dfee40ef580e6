"""Lines of fields with a sign between: CSV, TSV, columns aligned by spaces."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from seqlab.data._cells import decimal_of, is_gap, is_number, is_time
from seqlab.data._source import CHUNK, SAMPLE, Chunk, lines_of, marked_encoding, named
from seqlab.errors import TextError
from seqlab.outside import shortened

BETWEEN = ("\t", ";", "|", ",")
"""Signs that may stand between fields; of two that fit as well, the earlier: a comma may be in a number."""

SPACES = " "
"""Fields are aligned by any number of spaces."""

LONGEST_NAME = 60
"""Characters of a name of a column in a file that holds texts alone."""

_SHOWN = {"\t": "tabs", SPACES: "spaces"}

Record = tuple[int, list[str]]
"""The line where a record begins, and its fields."""


@dataclass(frozen=True)
class Delimited:
    """A file of lines.

    Attributes:
        path: where it lies.
        names: of its columns.
        decimal: the sign in front of decimals.
        between: the sign between fields; empty where there is one column.
        encoding: by its name in Python.
        header: whether the first line holds the names.
    """

    path: Path
    names: tuple[str, ...]
    decimal: str
    between: str
    encoding: str
    header: bool
    unit: str = "line"

    @property
    def form(self) -> str:
        """In words how it is written."""
        signs = f"separated by {_SHOWN.get(self.between, repr(self.between))}"
        told = [f"{len(self.names)} columns {signs}" if self.between else "one column"]
        told += ["decimal commas"] if self.decimal == "," else []
        told += [] if self.encoding == "utf-8" else [codecs.lookup(self.encoding).name.upper()]
        called = "called 1" if len(self.names) == 1 else f"called 1 to {len(self.names)}"
        return ", ".join([*told, "names in the first line" if self.header else f"no names, so {called}"])

    def chunks(self, rows: int = CHUNK) -> Iterator[Chunk]:
        """Yield all rows, so many at a time.

        Raises:
            TextError: at a row that has more or fewer fields than the first, with its line.
        """
        records = _records(self.path, self.encoding, self.between)
        if self.header:
            next(records)
        while found := list(islice(records, rows)):
            for place, fields in found:
                if len(fields) != len(self.names):
                    raise self._ragged(place, fields)
            places = np.array([place for place, _ in found], np.int64)
            yield Chunk(places, list(zip(*(fields for _, fields in found), strict=True)))

    def _ragged(self, place: int, fields: Sequence[str]) -> TextError:
        wanted, there = len(self.names), len(fields)
        sign, several = repr(_SHOWN.get(self.between, self.between)), "" if there == 1 else "s"
        return TextError(
            f"{self.path}, line {place}, has {there} field{several} where the first line has {wanted}: "
            f"{shortened((self.between or ' ').join(fields))!r}.",
            hint=f"A field that holds {sign} stands in double quotes; a gap is an empty field.",
        )


def read_delimited(path: Path, encoding: str | None, header: bool | None, decimal: str | None) -> Delimited:
    """Find out how a file is written, by its first rows.

    Args:
        path: of the file.
        encoding: by its name in Python; None for that of its byte-order mark or else UTF-8.
        header: whether the first line holds the names of the columns; None to find out.
        decimal: the sign in front of decimals; None to find out.

    Raises:
        TextError: when it is no text, is empty, or has no row but the names.
    """
    encoding = encoding or marked_encoding(path)
    lines = list(islice(lines_of(path, encoding), SAMPLE + 1))
    if not any(map(str.strip, lines)):
        raise TextError(f"{path} is empty.", hint="A table has a line for each row.")
    between = "\t" if path.suffix == ".tsv" else _between(lines)
    records = islice(_records(path, encoding, between), SAMPLE)
    first, *rest = (fields for _, fields in records)
    rest = [fields for fields in rest if len(fields) == len(first)]
    sign = decimal or decimal_of(list(chain(first, *rest)))
    if header is None:
        header = _is_header(first, rest, sign)
    if header and not rest:
        raise TextError(f"{path} has the names of columns, and no row.", hint="Rows stand below the names.")
    names = named(first, path) if header else tuple(map(str, range(1, len(first) + 1)))
    return Delimited(path, names, sign, between, encoding, header)


def _records(path: Path, encoding: str, between: str) -> Iterator[Record]:
    """Yield the records of a file; blank lines are passed over, but where one column may have gaps."""
    pending: list[Record] = []
    for place, fields in _parsed(lines_of(path, encoding), between, path):
        if fields:
            yield from pending
            pending = []
            yield place, fields
        elif not between and place > 1:
            pending.append((place, [""]))  # a gap, unless nothing follows


def _parsed(lines: Iterable[str], between: str, path: Path) -> Iterator[Record]:
    if between == SPACES:
        yield from ((place, line.split()) for place, line in enumerate(lines, 1))
        return
    reader = csv.reader(lines, delimiter=between or "\x1f", strict=True)  # which stands in no text
    place = 1
    try:
        for fields in reader:
            yield place, fields
            place = reader.line_num + 1
    except csv.Error as error:
        long = "field larger" in str(error)
        wrong = (
            f"begins a field of more than {csv.field_size_limit():,} characters"
            if long
            else "has a quote amiss"
        )
        raise TextError(
            f"{path}, line {place}, {wrong}.",
            hint='A field in double quotes ends with a quote; one inside is written twice: "6"" long".',
        ) from None


def _between(lines: Sequence[str]) -> str:
    """Return the sign that cuts most rows into as many fields as the first; empty where none does.

    >>> _between(["a;b\\n", "1,5;2,5\\n"]), _between(["text\\n", "Hello, you\\n"])
    (';', '')
    >>> _between(["x  y\\n", "1   2\\n"])
    ' '
    """
    found = {sign: _shares(lines, sign) for sign in BETWEEN}
    best = max(found, key=lambda sign: found[sign])
    if found[best]:
        return best
    cut = [line.split() for line in lines if line.strip()]
    numeric = [all(is_number(cell, ".") or is_gap(cell) or is_time(cell) for cell in row) for row in cut]
    even = all(len(row) == len(cut[0]) for row in cut)
    return SPACES if len(cut[0]) > 1 and even and all(numeric[1:] or numeric) else ""


def _shares(lines: Sequence[str], sign: str) -> float:
    """Return the share of rows that have as many fields as the first, or 0 where that has one."""
    try:
        counts = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
    except csv.Error:
        return 0.0
    return counts.count(counts[0]) / len(counts) if counts and counts[0] > 1 else 0.0


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]], decimal: str) -> bool:
    """Say whether the first row holds names: where values are numbers or dates, no name is one.

    Where all values are texts, what comes again in its column is no name.
    """

    def is_value(cell: str) -> bool:
        return is_number(cell, decimal) or is_time(cell)

    columns = list(zip(*rest, strict=True))
    valued = [number for number, cells in enumerate(columns) if sum(map(is_value, cells)) * 2 > len(cells)]
    if valued:
        return any(not is_value(first[number]) and not is_gap(first[number]) for number in valued)
    if any(map(is_value, first)):
        return False
    names = all(cell.strip() and len(cell) <= LONGEST_NAME and "\n" not in cell for cell in first)
    return names and not any(cell in cells for cell, cells in zip(first, columns, strict=False))
