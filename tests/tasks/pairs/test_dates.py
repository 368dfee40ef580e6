from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import get_args

import pytest

from seqlab.contracts import Split
from seqlab.tasks.pairs._forms import FORMS, FRENCH, GERMAN
from seqlab.tasks.pairs.dates import FIRST, LAST, Dates, days_of, is_unseen

ENGLISH = (
    "%m/%d/%y", "%m/%d/%Y", "%b %d, %Y", "%B %d, %Y", "%A, %B %d, %Y", "%d %b %Y", "%d %B %Y", "%d %b %Y",
    "%d %b, %Y", "%a %d %b %y", "%B %dth, %Y", "the %dth of %B %Y", "%d.%m.%y",
)  # fmt: skip
"""What strptime reads each form with; it takes 69 to 99 for years of the last century."""

EVERY = [FIRST + timedelta(days) for days in range((LAST - FIRST).days + 1)]


@pytest.mark.parametrize(("place", "read"), list(enumerate(ENGLISH)))
def test_the_standard_library_reads_english_forms_as_they_are_meant(place: int, read: str) -> None:
    for day in EVERY[::3]:
        text = re.sub(r"(\d)(st|nd|rd)\b", r"\1th", FORMS["english"][place](day))
        assert datetime.strptime(text, read).date() == day, text


@pytest.mark.parametrize("language", ["german", "french", "korean", "japanese"])
def test_other_languages_have_the_day_month_and_year_in_their_order(language: str) -> None:
    for day in EVERY[::5]:
        for form in FORMS[language]:
            text = form(day)
            for names in (GERMAN, FRENCH):
                for number, name in enumerate(names.months, 1):
                    text = re.sub(rf"\b{name}\b", f"{number}", text)
            found = [int(number) for number in re.findall(r"\d+", text)]
            assert found in ([day.day, day.month, day.year], [day.year, day.month, day.day]), text
            assert (found[0] == day.year) == (language in ("korean", "japanese")), text


def test_days_of_the_week_are_right_in_every_language() -> None:
    day = date(2009, 5, 3)
    said = {form(day) for forms in FORMS.values() for form in forms}
    assert {"Sunday, May 3, 2009", "Sun 3 May 09", "Sonntag, 3. Mai 2009", "dimanche 3 mai 2009"} <= said
    assert {"2009년 5월 3일 일요일", "2009年5月3日日曜日"} <= said


def test_no_text_means_two_days() -> None:
    meant: dict[str, date] = {}
    for day in EVERY:
        for forms in FORMS.values():
            for form in forms:
                assert meant.setdefault(form(day), day) == day


def test_splits_share_no_day_and_training_knows_nothing_of_unseen_months() -> None:
    splits: tuple[Split, ...] = get_args(Split)
    parts = [set(days_of(split, months)) for split in splits for months in ("seen", "unseen")]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(EVERY)
    assert not days_of("train", "unseen")
    months = {day.isoformat()[:7] for day in EVERY if is_unseen(day)}
    assert 0.1 < len(months) / (61 * 12) < 0.15
    assert {month[5:] for month in months} == {f"{month:02}" for month in range(1, 13)}
    asked = Dates(months="unseen").pairs("test", 0, 300, seed=1)
    assert {day[:7] for _, day in asked} <= months
    assert not {day[:7] for _, day in Dates(months="unseen").pairs("train", 0, 300, seed=1)} & months


def test_every_form_is_drawn_and_can_be_read() -> None:
    task = Dates()
    pairs = task.pairs("train", 0, 2000, seed=1)
    assert len(task.forms) == 26
    assert all(len(answer) == 10 for _, answer in pairs)
    shapes = {re.sub(r"\d+", "0", source) for source, _ in pairs}
    assert len(shapes) > 150  # with each month and day of the week
    for day in EVERY[::50]:
        for form in task.forms:
            task.source.encode(form(day))


def test_a_language_has_its_own_forms_and_the_same_spec() -> None:
    for language in FORMS:
        assert Dates(language=language).spec == Dates().spec  # type: ignore[arg-type]
    assert all(
        "년" in source or ". " in source for source, _ in Dates(language="korean").pairs("test", 0, 50, 1)
    )
