"""The forms in which dates are written, by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

Form = Callable[[date], str]


class Names(NamedTuple):
    """What a language calls months and days of the week, from January and from Monday on."""

    months: tuple[str, ...]
    days: tuple[str, ...]

    def month(self, day: date) -> str:
        """Return the name of a day's month."""
        return self.months[day.month - 1]

    def weekday(self, day: date) -> str:
        """Return the name of the day of the week."""
        return self.days[day.weekday()]


ENGLISH = Names(
    (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)  # fmt: skip
GERMAN = Names(
    (
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
    ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
)  # fmt: skip
FRENCH = Names(
    (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
)  # fmt: skip
KOREAN_DAYS = "월화수목금토일"
JAPANESE_DAYS = "月火水木金土日"


def short(day: date) -> str:
    """Return the first three letters of the English month."""
    return ENGLISH.month(day)[:3]


def ordinal(number: int) -> str:
    """Return an English ordinal number.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 30)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '30th']
    """
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _premier(day: date) -> str:
    return "1er" if day.day == 1 else str(day.day)


FORMS: Mapping[str, tuple[Form, ...]] = {
    "english": (
        lambda d: f"{d.month}/{d.day}/{d.year % 100:02}",
        lambda d: f"{d.month:02}/{d.day:02}/{d.year}",
        lambda d: f"{short(d)} {d.day}, {d.year}",
        lambda d: f"{ENGLISH.month(d)} {d.day}, {d.year}",
        lambda d: f"{ENGLISH.weekday(d)}, {ENGLISH.month(d)} {d.day}, {d.year}",
        lambda d: f"{d.day} {short(d)} {d.year}",
        lambda d: f"{d.day} {ENGLISH.month(d)} {d.year}",
        lambda d: f"{d.day:02} {short(d)} {d.year}",
        lambda d: f"{d.day} {short(d)}, {d.year}",
        lambda d: f"{ENGLISH.weekday(d)[:3]} {d.day} {short(d)} {d.year % 100:02}",
        lambda d: f"{ENGLISH.month(d)} {ordinal(d.day)}, {d.year}",
        lambda d: f"the {ordinal(d.day)} of {ENGLISH.month(d)} {d.year}",
        lambda d: f"{d.day:02}.{d.month:02}.{d.year % 100:02}",
    ),
    "german": (
        lambda d: f"{d.day}. {GERMAN.month(d)} {d.year}",
        lambda d: f"{GERMAN.weekday(d)}, {d.day}. {GERMAN.month(d)} {d.year}",
        lambda d: f"{d.day:02}.{d.month:02}.{d.year}",
        lambda d: f"{d.day}.{d.month}.{d.year}",
    ),
    "french": (
        lambda d: f"{_premier(d)} {FRENCH.month(d)} {d.year}",
        lambda d: f"{FRENCH.weekday(d)} {_premier(d)} {FRENCH.month(d)} {d.year}",
        lambda d: f"le {_premier(d)} {FRENCH.month(d)} {d.year}",
    ),
    "korean": (
        lambda d: f"{d.year}년 {d.month}월 {d.day}일",
        lambda d: f"{d.year}년 {d.month}월 {d.day}일 {KOREAN_DAYS[d.weekday()]}요일",
        lambda d: f"{d.year}. {d.month}. {d.day}.",
    ),
    "japanese": (
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        lambda d: f"{d.year}年{d.month}月{d.day}日{JAPANESE_DAYS[d.weekday()]}曜日",
        lambda d: f"{d.year}/{d.month:02}/{d.day:02}",
    ),
}
"""Ways to write a day. With strokes the month stands before the day, with dots behind it, and a year of four
digits may stand in front; 70 to 99 are years of the last century, 00 to 30 of this one. So every form has one
meaning, though a reader from elsewhere may take 03/04/2009 for a day in April."""
