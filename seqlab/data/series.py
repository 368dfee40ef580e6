"""Series of numbers out of a table: columns over time, of one series or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data._cells import Times
from seqlab.data.clock import Clock, clock_of, shown
from seqlab.data.named import NAMES
from seqlab.data.table import Columns, Table, read_table
from seqlab.errors import TextError, UnknownNameError, nearest
from seqlab.outside import path_of, shortened

Gaps = Literal["refuse", "last"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """How series lie in a table.

    Attributes:
        columns: those that are read; empty for all that hold numbers.
        time: the column that says when, by which rows are ordered; None for the first that holds dates, or,
            where there is none, the order of the rows.
        group: the column that says which series a row belongs to; None for one series.
        gaps: whether a gap is refused, or the last value before it stands there.
        encoding: of the file, where it has no byte-order mark and is not in UTF-8.
        header: whether the first line holds names; None to find out.
        decimal: the sign in front of decimals; None to find out.
    """

    columns: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None
    gaps: Gaps = "refuse"
    encoding: str | None = None
    header: bool | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes:
        name: what the column of groups calls it; empty where there is one series.
        values: (T, C), without gaps.
        filled: (T, C), where a gap was.
        times: (T,): numbers, or moments; the numbers of rows where a table has no times.
    """

    name: str
    values: Values
    filled: NDArray[np.bool_]
    times: Times

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Collection:
    """Series of the same columns.

    Attributes:
        name: of the file, or of the series.
        source: where they were read from.
        columns: their names.
        time: what the column of times is called, or ``row``.
        series: in the order in which they begin in the file.
        clock: how time goes on.
        notes: sentences about what was found.
    """

    name: str
    source: str
    columns: tuple[str, ...]
    time: str
    series: tuple[Series, ...]
    clock: Clock
    notes: tuple[str, ...] = ()


def read_series(name: str, layout: Layout = Layout()) -> Collection:
    """Read series by name or out of a file.

    Raises:
        TextError: when there is no such file, or it holds no series: what is wrong, with its line.
        UnknownNameError: when a column that was named is not there.
    """
    if name in NAMES:
        return _collected(_by_name(name, layout), name, NAMES[name].summary, layout)
    near = nearest(name, NAMES)
    if near is not None and not path_of(name).exists():
        raise TextError(
            f"There is no series, and no file, {name!r}.",
            hint=f"Did you mean {near!r}? Series by name: {', '.join(NAMES)}; or give a file.",
        )
    table = read_table(name, encoding=layout.encoding, header=layout.header, decimal=layout.decimal)
    return _collected(*_of_file(table, layout), layout)


def _by_name(name: str, layout: Layout) -> Columns:
    """Return a series that has a name as the table that it might have been read from."""
    column, values, when = NAMES[name].read()
    times = {} if when is None else {"time": when}
    if layout.group is not None:
        raise TextError(f"{name} is one series; no column tells several apart.", hint="Leave --group out.")
    for wanted, there in ((layout.columns, [column]), (filter(None, [layout.time]), times)):
        for other in wanted:
            if other not in there:
                raise UnknownNameError("column", other, [column, *times])
    return Columns(Path(name), "row", np.arange(1, len(values) + 1), {column: values}, {}, times)


def _of_file(table: Table, layout: Layout) -> tuple[Columns, str, str]:
    """Read the columns that are wanted, and say how the file is written."""
    table.require(*layout.columns, *filter(None, (layout.time, layout.group)))
    time = layout.time or next(iter(name for name in table.of_kind("times") if name != layout.group), None)
    numbers = layout.columns or [
        name for name in table.of_kind("numbers") if name not in (time, layout.group)
    ]
    if not numbers:
        raise TextError(
            f"{table.path} has no column of numbers: {', '.join(table.names)}.",
            hint="A series is a column of numbers, a row for each step.",
        )
    wanted = (layout.group,) if layout.group else ()
    known = {*(table.names if layout.columns else numbers), time, *wanted}
    left = [" ".join(name.split()) for name in table.names if name not in known]
    passed = f", not read {shortened(', '.join(left))}" if left else ""
    return (
        table.columns(numbers=numbers, texts=wanted, times=[time] if time else []),
        str(table.path.resolve()),
        table.form + passed,
    )


def _collected(read: Columns, source: str, form: str, layout: Layout) -> Collection:
    """Put the rows of each series in order, and see to gaps."""
    rows = _rows_by_group(read.texts[layout.group] if layout.group else [""] * len(read))
    told = f"{read.path.name}: {form}, {len(read):,} rows"
    told += f" in {len(rows):,} series" if layout.group else ""
    notes, clock, times = list[str](), Clock(), np.arange(1.0, len(read) + 1)
    for column, times in read.times.items():  # one, or none
        if _put_in_order(rows, times, read):
            notes.append(f"The rows were put in the order of {column}.")
        clock, uneven = clock_of([times[own] for own in rows.values()])
        told += f", {clock.words} apart ({column})"
        if uneven:
            notes.append(
                f"{uneven:,} rows come otherwise than {clock.words} after the one before; all are read as if "
                "evenly spaced."
            )
    series = tuple(_series(group, own, times, read, layout.gaps) for group, own in rows.items())
    filled = sum(int(one.filled.sum()) for one in series)
    if filled:
        notes.append(f"{filled:,} gaps hold the last value before them; no forecast of one is judged.")
    return Collection(
        read.path.name,
        source,
        tuple(read.numbers),
        next(iter(read.times), "row"),
        series,
        clock,
        (f"{told}.", *notes),
    )


def _rows_by_group(groups: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return by the names of groups their rows, in the order in which they begin.

    >>> {name: rows.tolist() for name, rows in _rows_by_group(["b", "a", "b"]).items()}
    {'b': [0, 2], 'a': [1]}
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    which = np.fromiter((numbers[name] for name in groups), np.int64, len(groups))
    order, ends = np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))
    return dict(zip(numbers, np.split(order, ends[:-1]), strict=True))


def _put_in_order(rows: dict[str, NDArray[np.int64]], times: Times, read: Columns) -> bool:
    """Order the rows of each series by time, and say whether they were not.

    Raises:
        TextError: when a time comes twice in a series, with both lines.
    """
    moved = False
    for name, own in rows.items():
        order = np.argsort(times[own], kind="stable")
        moved |= bool((np.diff(order) < 0).any())
        rows[name] = own = own[order]
        twice = np.flatnonzero(times[own][1:] == times[own][:-1])
        if len(twice):
            one, other = own[twice[0]], own[twice[0] + 1]
            when = shown(times[own[twice[:1]]])[0]
            raise TextError(
                f"{read.path}, {read.place(one)} and {read.place(other)}, have one time: {when}.",
                hint="Where the file holds several series, say which column tells them apart: --group COLUMN",
            )
    return moved


def _series(name: str, own: NDArray[np.int64], times: Times, read: Columns, gaps: Gaps) -> Series:
    """Return a series, its gaps filled where that is wanted.

    Raises:
        TextError: at a gap that is not filled, with its line.
    """
    values = np.stack([numbers[own] for numbers in read.numbers.values()], 1)
    missing = np.isnan(values)
    known = np.maximum.accumulate(np.where(missing, -1, np.arange(len(own))[:, None]), 0)
    unfilled = missing & ((known < 0) | (gaps == "refuse"))
    if unfilled.any():
        row, column = (int(place) for place in np.argwhere(unfilled)[0])
        many, where = int(missing.sum()), f"{read.path}, {read.place(int(own[row]))}"
        several = "" if many == 1 else f", the first of {many:,} gaps"
        raise TextError(
            f"{where}, column {list(read.numbers)[column]!r}, has no value{several}.",
            hint="task.gaps=last puts the last value before it there."
            if gaps == "refuse"
            else "No value stands before it: begin with the first row that has one.",
        )
    return Series(name, np.take_along_axis(values, known, 0), missing, times[own])
