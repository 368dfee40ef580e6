"""Cells as numbers and as times; what is neither is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from seqlab.data._source import Cell

GAPS = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "?", "."})
"""What stands, in small letters, where there is no value."""

LARGEST = 1e100
"""The greatest magnitude of a number: sums of squares of such are still numbers."""

_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_MONTH = re.compile(r"\d{4}-\d{2}")
_ISO = re.compile(r"\d{4}-\d{2}(-\d{2}.*)?")

Times = NDArray[np.float64 | np.datetime64]
"""Moments that are numbers, or dates to the microsecond."""


class NotThat(Exception):  # noqa: N818  (told to the user with file and line by whoever knows them)
    """A cell that is not what is wanted.

    Args:
        row: its number among the cells.
        reason: what it is, behind its text: ``is no number``.
        hint: what to write instead.
    """

    def __init__(self, row: int, reason: str, hint: str) -> None:
        super().__init__(row, reason, hint)
        self.row, self.reason, self.hint = row, reason, hint


def is_gap(cell: Cell) -> bool:
    """Say whether there is no value.

    >>> is_gap(" NA "), is_gap(None), is_gap(float("nan")), is_gap("0")
    (True, True, True, False)
    """
    return cell is None or cell != cell or (isinstance(cell, str) and cell.strip().lower() in GAPS)


def decimal_of(cells: Sequence[str]) -> str:
    """Return the sign in front of decimals: a comma where some numbers have one and none has a point.

    Where every comma may as well stand behind thousands, it is a point, so that they are refused.

    >>> decimal_of(["1,5", "2"]), decimal_of(["1,5", "2.5"]), decimal_of(["1,500", "12,345"])
    (',', '.', '.')
    """
    commas = [cell for cell in cells if _COMMA.fullmatch(cell.strip())]
    points = any(_POINT.fullmatch(cell.strip()) for cell in cells)
    clear = any(not _THOUSANDS.fullmatch(cell.strip()) for cell in commas)
    return "," if clear and not points else "."


def as_numbers(cells: Sequence[Cell], decimal: str) -> NDArray[np.float64]:
    """Return cells as numbers, (N,), NaN where there is none.

    Raises:
        NotThat: for the first that is no number, infinite, or beyond :data:`LARGEST`.

    >>> as_numbers(["1,5", "", "2e3"], decimal=",").tolist()
    [1.5, nan, 2000.0]
    """
    try:
        found = np.asarray(cells, np.float64) if isinstance(cells, np.ndarray) else _plain(cells)
    except (ValueError, TypeError, OverflowError):
        found = np.array([_number(row, cell, decimal) for row, cell in enumerate(cells)], np.float64)
    endless = np.isinf(found)
    if endless.any():
        raise NotThat(int(endless.argmax()), "is not finite", "Every number of a table is finite.")
    large = np.abs(found) > LARGEST
    if large.any():
        hint = "Write the column in a larger unit, or leave it out."
        raise NotThat(
            int(large.argmax()), f"is beyond {LARGEST:g}, where squares can be computed no more", hint
        )
    return found


def is_number(cell: Cell, decimal: str) -> bool:
    """Say whether a cell is a number; a gap is none.

    >>> is_number("-1.5", "."), is_number("1,5", "."), is_number("", ".")
    (True, False, False)
    """
    try:
        return not np.isnan(_number(0, cell, decimal))
    except NotThat:
        return False


def is_time(cell: Cell) -> bool:
    """Say whether a cell is a date, with or without a time of day, as ISO 8601 writes it.

    >>> is_time("2024-02-29"), is_time("2024-02"), is_time("2024-02-30"), is_time("29.02.2024"), is_time("7")
    (True, True, False, False, False)
    """
    try:
        _moment(0, cell)
    except NotThat:
        return False
    return True


def as_moments(cells: Sequence[Cell]) -> NDArray[np.datetime64]:
    """Return dates as moments, (N,) to the microsecond; one with an offset becomes UTC.

    Raises:
        NotThat: for the first that is no date.

    >>> as_moments(["2024-02", "2024-02-29T12:00+02:00"]).tolist()
    [datetime.datetime(2024, 2, 1, 0, 0), datetime.datetime(2024, 2, 29, 10, 0)]
    """
    return np.array([_moment(row, cell) for row, cell in enumerate(cells)], "datetime64[us]")


def _plain(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Return what Python itself takes for numbers, but for 1_000, which no table means."""
    found = np.array(list(map(float, cells)), np.float64)
    if any("_" in cell for cell in cells if isinstance(cell, str)):
        raise ValueError
    return found


def _number(row: int, cell: Cell, decimal: str) -> float:
    if is_gap(cell):
        return np.nan
    if not isinstance(cell, str):
        try:
            return float(cell)
        except (TypeError, ValueError, OverflowError):
            raise NotThat(row, "is no number", "A gap is an empty cell, NA or nan.") from None
    text = cell.strip()
    if _COMMA.fullmatch(text) or _THOUSANDS.fullmatch(text):
        if decimal == "," and text.count(",") == 1:
            return float(text.replace(",", "."))
        hint = "Write thousands as 1234. Decimal commas are read where all numbers have them."
        raise NotThat(row, "has a comma that may stand before decimals or behind thousands", hint)
    try:
        if "_" in text:
            raise ValueError
        found = float(text)
    except ValueError:
        raise NotThat(row, "is no number", "A gap is an empty cell, NA or nan.") from None
    if decimal == "," and "." in text:
        raise NotThat(row, "has a point where others have a decimal comma", "Write all numbers alike.")
    return found


def _moment(row: int, cell: Cell) -> datetime:
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, str):
        text = cell.strip()
        try:
            if not _ISO.fullmatch(text):
                raise ValueError
            cell = datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
        except ValueError:
            pass
    if not isinstance(cell, datetime):
        hint = "Dates are written 2024-02-29 or 2024-02-29T12:00 (ISO 8601), months 2024-02."
        raise NotThat(row, "is no date" if not is_gap(cell) else "holds no time", hint)
    try:
        return cell if cell.tzinfo is None else cell.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # before the year 1 in UTC, or after 9999
        raise NotThat(row, "is no date that can be in UTC", "Leave the offset out.") from None
