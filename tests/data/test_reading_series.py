"""Series out of tables: their order, their steps, their gaps, and what comes after the last row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.clock import Clock, clock_of, shown
from seqlab.data.series import Layout, read_series
from seqlab.errors import TextError


def dates(*texts: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(texts, "M8[us]")


@pytest.mark.parametrize(
    ("times", "words", "following"),
    [
        (dates("2024-01-01", "2024-01-02", "2024-01-03"), "1 day", ["2024-01-04", "2024-01-05"]),
        (dates("2024-01-01T00:00", "2024-01-01T00:30"), "30 minutes", ["2024-01-01T01:00:00", "2024-01-01T01:30:00"]),
        (dates("2024-01-01", "2024-02-01", "2024-03-01"), "1 month", ["2024-04-01", "2024-05-01"]),
        (dates("2023-12-31", "2024-01-31", "2024-02-29"), "1 month", ["2024-03-31", "2024-04-30"]),
        (dates("2020-01-01", "2021-01-01"), "12 months", ["2022-01-01", "2023-01-01"]),
        (dates("2024-01-01", "2024-01-08"), "7 days", ["2024-01-15", "2024-01-22"]),
        (np.array([0.1, 0.2, 0.3]), "0.1", ["0.4", "0.5"]),
    ],
)  # fmt: skip
def test_time_goes_on_as_it_has(times: np.ndarray, words: str, following: list[str]) -> None:  # type: ignore[type-arg]
    clock, uneven = clock_of([times])
    assert uneven == 0
    assert clock.words == words
    assert shown(clock.after(times[-1], 2)) == following


def test_what_comes_otherwise_is_counted() -> None:
    assert clock_of([dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06")])[1] == 1
    assert clock_of([dates("2024-01-01"), dates("2024-01-01", "2024-01-02")]) == (Clock("dates", 86_400e6), 0)


def test_a_table_without_times_counts_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n5,6\n7,8\n")
    read = read_series(str(tmp_path / "a.csv"))
    assert (read.columns, read.time, read.clock) == (("a", "b"), "row", Clock())
    assert shown(read.clock.after(read.series[0].times[-1], 1)) == ["3"]


def test_text_columns_are_passed_over_and_named_ones_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('day,"a\nnote",a,b\n2024-01-01,x,1,2\n2024-01-02,y,3,4\n')
    read = read_series(str(tmp_path / "a.csv"))
    assert (read.columns, read.time) == (("a", "b"), "day")
    assert read.notes[0].endswith("names in the first line, not read a note, 2 rows, 1 day apart (day).")
    assert read_series(str(tmp_path / "a.csv"), Layout(("b", "a"))).series[0].values.tolist() == [
        [2, 1],
        [4, 3],
    ]
    with pytest.raises(TextError, match=r"line 3, column .*note': 'x' is no number"):
        read_series(str(tmp_path / "a.csv"), Layout(("a\nnote",)))


ROWS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("xy"), st.one_of(st.none(), st.integers(-9, 9))), min_size=1, max_size=12)  # fmt: skip


@settings(max_examples=80)
@given(rows=ROWS)
def test_whatever_the_rows_they_are_in_order_and_no_value_comes_from_behind(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int | None]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "drawn.csv"
    path.write_text("t,g,v\n" + "\n".join(f"{t},{g},{'' if v is None else v}" for t, g, v in rows))
    try:
        read = read_series(str(path), Layout(("v",), "t", "g", "last"))
    except TextError:
        begins = {g: min((t, v is None) for t, h, v in rows if h == g) for _, g, _ in rows}
        twice = len({(t, g) for t, g, _ in rows}) < len(rows)
        assert twice or any(gap for _, gap in begins.values())
        return
    known = {(g, t): v for t, g, v in rows}
    for one in read.series:
        assert (np.diff(one.times.astype(float)) > 0).all()
        last = None
        for time, value, filled in zip(
            one.times.tolist(), one.values[:, 0].tolist(), one.filled[:, 0], strict=True
        ):
            told = known[one.name, int(time)]
            assert filled == (told is None)
            last = last if told is None else told
            assert value == last
