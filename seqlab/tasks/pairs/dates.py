"""Dates as people write them, brought into the form of ISO 8601."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import Literal

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.tasks._judging import Trial
from seqlab.tasks.pairs._forms import FORMS, Form
from seqlab.tasks.pairs._pairs import Pair, Pairs, Side
from seqlab.text.vocabulary import Vocabulary

FIRST, LAST = date(1970, 1, 1), date(2030, 12, 31)
Months = Literal["seen", "unseen"]
Language = Literal["all", "english", "german", "french", "korean", "japanese"]


class Dates(Pairs):
    """Write a date in the form of ISO 8601.

        Sunday, May 3, 2009        2009-05-03
        3. Mai 2009                2009-05-03
        2009년 5월 3일 일요일         2009-05-03

    Days are those of 1970 to 2030, in 26 forms: 13 English ones, and some of German, French, Korean and
    Japanese. What could be read in two ways has one meaning here:

    - With strokes the month comes before the day: 03/04/2009 is the 4th of March. With dots the day comes
      first: 03.04.2009 is the 3rd of April. A year of four digits in front is followed by month and day.
    - Years of two digits are 1970 to 1999 and 2000 to 2030.

    One month of eight, such as April 2015, never stands in training; the trial ``unseen-months`` asks for
    these. Of the others, one day of ten is for validation and one for the test, in any form: which month and
    which day is a matter of a hash of their names.

    Args:
        language: in which forms are written.
        months: from which months held-out days are: ``seen``, other days of which stand in training, or
            ``unseen``. Training days are always from seen ones.

    >>> task = Dates(language="german")
    >>> task.pairs("train", 0, size=2, seed=4)
    [('Freitag, 18. Oktober 2024', '2024-10-18'), ('25.7.2024', '2024-07-25')]
    """

    def __init__(self, *, language: Language = "all", months: Months = "seen") -> None:
        self.months = months
        self.forms = _forms() if language == "all" else FORMS[language]
        self.source, self.target = Side(_vocabulary()), Side(Vocabulary.of("0123456789-"))
        apart = [Trial(name, {"language": name}, "greedy") for name in FORMS] if language == "all" else []
        unseen = Trial("unseen-months", {"months": "unseen"}, "greedy")
        self.trials = (*Pairs.trials, *([unseen] if months == "seen" else []), *apart)
        self.finish(longest=len("2009-05-03"), ranges=(10, 12, 16))

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return days in some form, and in that of ISO 8601."""
        stream = numpy_stream(seed, "dates", split, index)
        days = days_of(split, "seen" if split == "train" else self.months)
        chosen = zip(
            stream.integers(len(days), size=size).tolist(),
            stream.integers(len(self.forms), size=size).tolist(),
            strict=True,
        )
        return [(self.forms[form](days[day]), days[day].isoformat()) for day, form in chosen]

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return month, year and day of the month of each date, and what all pairs have."""
        days = [
            date.fromisoformat(self.text_of(row[-len("2009-05-03") - 1 :])) for row in batch.targets.numpy()
        ]
        own = {
            "month": [f"{day:%m}" for day in days],
            "year": [f"{day:%Y}" for day in days],
            "day": [f"{day:%d}" for day in days],
        }
        return {**own, **super().labels(batch)}


@cache
def days_of(split: Split, months: Months) -> Sequence[date]:
    """Return the days of a split."""
    every = (FIRST + timedelta(days) for days in range((LAST - FIRST).days + 1))
    return [day for day in every if is_unseen(day) == (months == "unseen") and _split(day) == split]


def is_unseen(day: date) -> bool:
    """Say whether no day of that month and year stands in training.

    >>> is_unseen(date(2015, 4, 1)), is_unseen(date(2015, 4, 30)), is_unseen(date(2009, 5, 3))
    (True, True, False)
    """
    return zlib.crc32(day.isoformat()[:7].encode()) % 8 == 0


def _split(day: date) -> Split:
    """Return the split of a day; unseen months have no days for training."""
    held_out: tuple[Split, Split] = ("validation", "test")
    place = zlib.crc32(day.isoformat().encode())
    if is_unseen(day):
        return held_out[place % 2]
    return held_out[place % 10] if place % 10 < 2 else "train"


def _forms() -> tuple[Form, ...]:
    return tuple(chain(*FORMS.values()))


@cache
def _vocabulary() -> Vocabulary:
    """Return the characters of all forms of all days of some years, in which all days of the week occur."""
    days = [FIRST + timedelta(days) for days in range(0, 4 * 366)]
    return Vocabulary.of("".join(form(day) for form in _forms() for day in days))
