"""How time goes on from row to row: whether it does so evenly, and what comes after the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data._cells import Times

_SECOND = 1_000_000
_UNITS = (("day", 86_400 * _SECOND), ("hour", 3_600 * _SECOND), ("minute", 60 * _SECOND), ("second", _SECOND))


@dataclass(frozen=True)
class Clock:
    """How time goes on.

    Attributes:
        kind: ``rows`` where a table has no times, so that these are counted; ``numbers``; ``dates``; or
            ``months``, on the same day of each or on its last one.
        step: from row to row: numbers, microseconds, or months.
        early: of months the microseconds before the first of the next at which they stand.
    """

    kind: Literal["rows", "numbers", "dates", "months"] = "rows"
    step: float = 1.0
    early: int = 0

    @property
    def words(self) -> str:
        """In words how far two rows are apart.

        >>> Clock("dates", 7 * 86_400e6).words, Clock("months", 1).words, Clock("numbers", 0.5).words
        ('7 days', '1 month', '0.5')
        """
        if self.kind == "months":
            return f"{self.step:g} month{'' if self.step == 1 else 's'}"
        if self.kind != "dates":
            return f"{self.step:g}"
        unit, size = next((unit for unit in _UNITS if self.step % unit[1] == 0), _UNITS[-1])
        return f"{self.step / size:g} {unit}{'' if self.step == size else 's'}"

    def after(self, last: Any, count: int) -> Times:
        """Return the times of the rows that follow the last one, (count,).

        >>> shown(Clock("months", 1).after(np.datetime64("2024-01-01", "us"), 2))
        ['2024-02-01', '2024-03-01']
        >>> shown(Clock("months", 1, early=86_400 * 10**6).after(np.datetime64("2024-01-31", "us"), 2))
        ['2024-02-29', '2024-03-31']
        """
        ahead = np.arange(1, count + 1)
        if self.kind == "months":
            moment = np.datetime64(last, "us") + np.timedelta64(self.early, "us")
            first = moment.astype("M8[M]")
            months = (first + ahead * int(self.step)).astype("M8[us]")
            return np.asarray(months + (moment - first) - np.timedelta64(self.early, "us"))
        if self.kind == "dates":
            return np.asarray(np.datetime64(last, "us") + (ahead * int(self.step)).astype("m8[us]"))
        return np.asarray(last + ahead * self.step, np.float64)


def clock_of(times: Sequence[NDArray[Any]]) -> tuple[Clock, int]:
    """Return how time goes on in some series, each in order, and at how many rows it goes on otherwise.

    >>> clock_of([np.array([1.0, 2.0, 3.0, 5.0])])
    (Clock(kind='numbers', step=1.0, early=0), 1)
    """
    dates = times[0].dtype.kind == "M"
    for early in (0, 86_400 * _SECOND) if dates else ():
        moved = [part + np.timedelta64(early, "us") for part in times]
        months = [part.astype("M8[M]") for part in moved]
        within = np.concatenate([part - month for part, month in zip(moved, months, strict=True)])
        if (within == within[0]).all():
            return _commonest("months", [np.diff(month).astype(np.int64) for month in months], early)
    if dates:
        return _commonest("dates", [np.diff(part).astype(np.int64) for part in times])
    return _commonest("numbers", [np.diff(part) for part in times])


def shown(times: Times) -> list[str]:
    """Return times as they are printed: dates as short as they can be, numbers without needless digits.

    >>> shown(np.array([1.0, 2.5])), shown(np.array(["2024-01-01T12:30"], "M8[us]"))
    (['1', '2.5'], ['2024-01-01T12:30:00'])
    """
    if times.dtype.kind != "M":
        return [f"{time:.12g}" for time in times]
    days = times.astype("M8[D]")
    if (days == times).all():
        return [str(day) for day in days]
    seconds = times.astype("M8[s]")
    return [str(time) for time in (seconds if (seconds == times).all() else times)]


def _commonest(
    kind: Literal["numbers", "dates", "months"], steps: Sequence[NDArray[Any]], early: int = 0
) -> tuple[Clock, int]:
    every = np.concatenate(steps)
    if not len(every):
        return Clock(kind, 1.0, early), 0
    rounded = every if kind != "numbers" else np.array([float(f"{step:.9g}") for step in every])
    values, counts = np.unique(rounded, return_counts=True)
    return Clock(kind, float(values[counts.argmax()]), early), int(len(every) - counts.max())
