"""A table in a file: what its columns are, and those that are wanted as numbers, texts or times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data._cells import NotThat, Times, as_moments, as_numbers, is_gap, is_number, is_time
from seqlab.data._delimited import read_delimited
from seqlab.data._source import SAMPLE, Cell, Source
from seqlab.data._typed import Array, JsonLines, Parquet
from seqlab.doing import doing
from seqlab.errors import TextError, UnknownNameError, nearest
from seqlab.outside import open_ordinary, path_of, shortened

Kind = Literal["numbers", "times", "texts", "empty"]

_MOSTLY = 0.9
"""The share of the first values that makes a column one of numbers; the others are then named as wrong."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table that were asked for, as long as the table has rows N.

    Attributes:
        path: of the file.
        unit: what places in it are called: ``line`` or ``row``.
        places: (N,) where each row begins, from 1.
        numbers: by name, (N,) with NaN at gaps.
        texts: by name, N each.
        times: by name, (N,): numbers, or moments to the microsecond.
    """

    path: Path
    unit: str
    places: NDArray[np.int64]
    numbers: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Sequence[str]]
    times: Mapping[str, Times]

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        """Return in words where a row, from 0, stands: ``line 12``."""
        return f"{self.unit} {self.places[row]}"


@dataclass(frozen=True)
class Table:
    """A file of rows, of which the beginning has been looked at.

    Attributes:
        source: how it is read.
    """

    source: Source

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.source.path

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns."""
        return self.source.names

    @property
    def form(self) -> str:
        """In words how it was found to be written: what stands between fields, decimals, names."""
        return self.source.form

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """What each column seems to hold, by its first values."""
        first = next(self.source.chunks(SAMPLE))
        decimal = self.source.decimal
        return {name: _kind(cells, decimal) for name, cells in zip(self.names, first.columns, strict=True)}

    def of_kind(self, kind: Kind) -> list[str]:
        """Return the names of the columns that seem to hold that."""
        return [name for name, found in self.kinds.items() if found == kind]

    def require(self, *names: str) -> None:
        """Raise an UnknownNameError where there is no such column, with the nearest that there is."""
        known = set(self.names)  # of which there may be many thousands
        for name in names:
            if name not in known:
                raise UnknownNameError("column", name, self.names)

    def columns(
        self, *, numbers: Sequence[str] = (), texts: Sequence[str] = (), times: Sequence[str] = ()
    ) -> Columns:
        """Read columns, all rows of them, in one go; texts are those of the file, as they stand there.

        Raises:
            UnknownNameError: when there is no such column.
            TextError: at the first value that is none of its kind, with its line.
        """
        self.require(*numbers, *texts, *times)
        places: list[NDArray[np.int64]] = []
        found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in numbers}
        told: dict[str, list[str]] = {name: [] for name in texts}
        when: dict[str, list[Times]] = {name: [] for name in times}
        with doing(f"reading the table {self.path.name}"):
            for chunk in self.source.chunks():
                cells = dict(zip(self.names, chunk.columns, strict=True))
                for name, parts in found.items():
                    parts.append(self._numbers(name, cells[name], chunk.places))
                for name, moments in when.items():
                    moments.append(self._times(name, cells[name], chunk.places))
                for name, words in told.items():
                    words += map(_text, cells[name])
                places.append(chunk.places)
        return Columns(
            self.path,
            self.source.unit,
            np.concatenate(places),
            {name: np.concatenate(parts) for name, parts in found.items()},
            told,
            {name: np.concatenate(parts) for name, parts in when.items()},
        )

    def _numbers(self, name: str, cells: Sequence[Cell], places: NDArray[np.int64]) -> NDArray[np.float64]:
        try:
            return as_numbers(cells, self.source.decimal)
        except NotThat as wrong:
            raise self._error(name, wrong, cells, places) from None

    def _times(self, name: str, cells: Sequence[Cell], places: NDArray[np.int64]) -> Times:
        """Return the times in some cells: numbers where the first of the column are."""
        if self.kinds[name] != "numbers":
            try:
                return as_moments(cells)
            except NotThat as wrong:
                raise self._error(name, wrong, cells, places) from None
        found = self._numbers(name, cells, places)
        if np.isnan(found).any():
            missing = NotThat(int(np.isnan(found).argmax()), "holds no time", "Every row has a time.")
            raise self._error(name, missing, cells, places)
        return found

    def _error(
        self, name: str, wrong: NotThat, cells: Sequence[Cell], places: NDArray[np.int64]
    ) -> TextError:
        cell, place = shortened(str(cells[wrong.row])), f"{self.source.unit} {places[wrong.row]}"
        return TextError(f"{self.path}, {place}, column {name!r}: {cell!r} {wrong.reason}.", hint=wrong.hint)


def read_table(
    name: str | Path, *, encoding: str | None = None, header: bool | None = None, decimal: str | None = None
) -> Table:
    """Look at the beginning of a table in a file: .csv, .tsv, .txt; .jsonl, .npy, .parquet.

    What stands between fields, whether the first line holds names, and what stands in front of decimals is
    found out, where it is not said.

    Args:
        name: of the file.
        encoding: by its name in Python; None for that of its byte-order mark, or else UTF-8.
        header: whether the first line holds the names of the columns, which else are called 1, 2, ...
        decimal: ``.`` or ``,``.

    Raises:
        TextError: when there is no such file, or no table in it.
        UsageError: when it is a pipe or a device.
    """
    path = path_of(name)
    with saying_what_is_missing(name):
        return Table(_source(path, encoding, header, decimal))


@contextmanager
def saying_what_is_missing(name: str | Path) -> Iterator[None]:
    """Turn what the system says of a file that cannot be opened into a sentence, with the nearest name."""
    path = path_of(name)
    try:
        yield
    except FileNotFoundError:
        near = nearest(path.name, [file.name for file in path.parent.glob("*")])
        hint = None if near is None else f"Did you mean {str(path.with_name(near))!r}?"
        raise TextError(f"There is no file {str(name)!r}.", hint=hint) from None
    except IsADirectoryError:
        raise TextError(f"{str(name)!r} is a folder.", hint="What is read here is one file.") from None
    except OSError as error:
        raise TextError(f"{str(name)!r} cannot be read: {error.strerror}.") from None


def absolute(name: str | None) -> str | None:
    """Return a path that is there as it holds in every folder."""
    if name is None:
        return None
    path = path_of(name)
    try:
        return str(path.absolute()) if path.exists() else name
    except OSError:
        return name


def _source(path: Path, encoding: str | None, header: bool | None, decimal: str | None) -> Source:
    with open_ordinary(path):  # a folder, a pipe or a device is refused before a library opens it
        pass
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            return JsonLines.read(path, encoding)
        case ".npy":
            return Array.read(path)
        case ".parquet":
            return Parquet.read(path)
    return read_delimited(path, encoding, header, decimal)


def _kind(cells: Sequence[Cell], decimal: str) -> Kind:
    """Return what the first cells of a column seem to hold."""
    told = [cell for cell in cells if not is_gap(cell)]
    if not told:
        return "empty"
    if sum(is_number(cell, decimal) for cell in told) >= _MOSTLY * len(told):
        return "numbers"
    return "times" if sum(map(is_time, told)) >= _MOSTLY * len(told) else "texts"


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
