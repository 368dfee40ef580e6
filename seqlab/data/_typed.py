"""Files that know kinds of values: JSON lines, NumPy's arrays, Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seqlab.data._source import CHUNK, SAMPLE, Chunk, lines_of, named
from seqlab.errors import NotInstalledError, TextError
from seqlab.outside import shortened


@dataclass(frozen=True)
class Typed:
    """A file whose cells are numbers or texts as they stand.

    Attributes:
        path: of the file.
        names: of the columns.
        unit: what a row is called by its place.
        decimal: the sign in texts that are numbers.
    """

    path: Path
    names: tuple[str, ...]
    unit: ClassVar[str] = "row"
    decimal: ClassVar[str] = "."


@dataclass(frozen=True)
class JsonLines(Typed):
    """A JSON object a line; what some lack is a gap there."""

    encoding: str
    unit: ClassVar[str] = "line"

    @property
    def form(self) -> str:
        """In words how it is written."""
        return f"{len(self.names)} columns of JSON"

    @classmethod
    def read(cls, path: Path, encoding: str | None) -> JsonLines:
        """Find the names of the columns, in the first rows.

        Raises:
            TextError: when it is empty, or a line is no JSON object.
        """
        encoding = encoding or "utf-8"
        names = dict.fromkeys(name for _, row in islice(_objects(path, encoding), SAMPLE) for name in row)
        if not names:
            raise TextError(
                f"{path} holds no row.", hint='A line is an object: {"date": "2024-01-01", "a": 1.5}'
            )
        return cls(path, tuple(names), encoding)

    def chunks(self, rows: int = CHUNK) -> Iterator[Chunk]:
        """Yield all rows, so many at a time."""
        known, objects = set(self.names), _objects(self.path, self.encoding)
        while found := list(islice(objects, rows)):
            for place, row in found:
                if not known.issuperset(row):
                    new = next(name for name in row if name not in known)
                    raise TextError(
                        f"{self.path}, line {place}, has {new!r}, which no row before line {SAMPLE} has.",
                        hint="Name it in the first row, too; null is a gap.",
                    )
            places = np.array([place for place, _ in found], np.int64)
            yield Chunk(places, [[row.get(name) for _, row in found] for name in self.names])


class Array(Typed):
    """An array of NumPy's, (T,) or (T, columns)."""

    @property
    def form(self) -> str:
        """In words how it is written."""
        return f"an array of {len(self.names)} column{'s' * (len(self.names) > 1)}, called by numbers"

    @classmethod
    def read(cls, path: Path) -> Array:
        """Look at the shape of an array.

        Raises:
            TextError: when it is none of numbers, of one or two axes.
        """
        values = _array(path)
        if values.ndim not in (1, 2) or values.dtype.kind not in "iufb" or not values.size:
            raise TextError(
                f"{path} is an array {values.shape} of {values.dtype}.",
                hint="A table is (rows,) or (rows, columns) of numbers, with at least one row.",
            )
        columns = values.shape[1] if values.ndim == 2 else 1
        return cls(path, tuple(map(str, range(1, columns + 1))))

    def chunks(self, rows: int = CHUNK) -> Iterator[Chunk]:
        """Yield all rows, so many at a time."""
        values = _array(self.path).reshape(-1, len(self.names))
        for first in range(0, len(values), rows):
            cells = np.array(values[first : first + rows], np.float64).T
            yield Chunk(np.arange(first + 1, first + 1 + cells.shape[1]), list(cells))


class Parquet(Typed):
    """A file of Apache Parquet, which pyarrow reads."""

    @property
    def form(self) -> str:
        """In words how it is written."""
        return f"{len(self.names)} columns of Parquet"

    @classmethod
    def read(cls, path: Path) -> Parquet:
        """Look at the names of the columns.

        Raises:
            TextError: when it is no such file, is empty, or pyarrow is not installed.
        """
        file = _parquet(path)
        if not file.metadata.num_rows:
            raise TextError(f"{path} holds no row.")
        return cls(path, named(file.schema_arrow.names, path))

    def chunks(self, rows: int = CHUNK) -> Iterator[Chunk]:
        """Yield all rows, so many at a time."""
        import pyarrow

        first, batches = 1, _parquet(self.path).iter_batches(rows)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise TextError(f"{self.path} is damaged behind row {first - 1:,}: {error}") from None
            if batch is None:
                return
            yield Chunk(np.arange(first, first + batch.num_rows), list(map(_cells, batch.columns)))
            first += batch.num_rows


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file with their lines; blank lines are passed over."""
    for place, line in enumerate(lines_of(path, encoding), 1):
        if line.strip():
            yield place, _object(path, place, line)


def _object(path: Path, place: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{path}, line {place}, is no JSON: {error}.") from None
    if not isinstance(row, dict):
        raise TextError(
            f"{path}, line {place}, is {shortened(line.strip())!r}, no object.",
            hint='A line is an object: {"date": "2024-01-01", "a": 1.5}',
        )
    return row


def _array(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        return np.asarray(np.load(path, allow_pickle=False, mmap_mode="r"))
    except Exception as error:  # its header is parsed as Python, which may raise anything
        raise TextError(f"{path} is no array of numbers that NumPy reads: {error}.") from None


def _cells(column: Any) -> Any:
    """Return a column of Parquet as cells: numbers as an array, NaN for null; dates to the microsecond."""
    import pyarrow.types as kinds
    from pyarrow import timestamp

    if kinds.is_floating(column.type) or kinds.is_integer(column.type):
        return column.to_numpy(zero_copy_only=False)
    if kinds.is_timestamp(column.type):
        column = column.cast(timestamp("us", tz=column.type.tz), safe=False)
    return column.to_pylist()


def _parquet(path: Path) -> Any:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise NotInstalledError(
            f"{path} is read by pyarrow, which is not installed.", hint="pip install 'seqlab[data]'"
        ) from None
    try:
        return ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise TextError(f"{path} is no file of Parquet: {error}") from None
