"""Tables: how they are found to be written, what is read, and how it is said what is wrong, with its line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data import read_table
from seqlab.errors import SeqlabError, TextError, UnknownNameError, UsageError


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_all(path: Path) -> None:
    table = read_table(path)
    table.columns(numbers=table.names)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("a,b\n1,2\n3,4\n", "2 columns separated by ',', names in the first line"),
        ("a;b\n1,5;2\n3;4,25\n", "2 columns separated by ';', decimal commas, names in the first line"),
        ("a\tb\r\n1\t2\r\n", "2 columns separated by tabs, names in the first line"),
        ("1|2\n3|4\n", "2 columns separated by '|', no names, so called 1 to 2"),
        ("year  value\n1700   5.0\n1701  11.0\n", "2 columns separated by spaces, names in the first line"),
        ("5\n6\n7\n", "one column, no names, so called 1"),
        ("value\n5,5\n6,5\n", "one column, decimal commas, names in the first line"),
        ("2024-01-01,1\n2024-01-02,2\n", "2 columns separated by ',', no names, so called 1 to 2"),
        ("text,label\nWell; done,pos\nNo,neg\n", "2 columns separated by ',', names in the first line"),
        ("good,pos\nbad,neg\nfine,pos\n", "2 columns separated by ',', no names, so called 1 to 2"),
    ],
)  # fmt: skip
def test_it_is_found_out_how_a_file_is_written(tmp_path: Path, content: str, form: str) -> None:
    assert read_table(write(tmp_path, content)).form == form


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_is_no_part_of_a_name(tmp_path: Path, encoding: str) -> None:
    table = read_table(write(tmp_path, "größe,b\n1,2\n".encode(encoding)))
    assert table.names == ("größe", "b")
    assert table.columns(numbers=["größe"]).numbers["größe"].tolist() == [1]


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "größe;b\n1;2\n".encode("latin-1"))
    with pytest.raises(TextError, match=r"(?s)table.csv is not UTF-8 text: byte 2 is 0xF6.*--encoding"):
        read_table(path)
    assert read_table(path, encoding="latin-1").names == ("größe", "b")


def test_quotes_hold_separators_quotes_and_ends_of_lines_and_lines_are_still_counted(tmp_path: Path) -> None:
    path = write(tmp_path, 'text,score\r\n"One, ""two""\r\nthree",1\r\nplain,2\r\nlast,x\r\n')
    table = read_table(path)
    read = table.columns(texts=["text"])
    assert read.texts["text"] == ['One, "two"\nthree', "plain", "last"]
    assert [read.place(row) for row in range(3)] == ["line 2", "line 4", "line 5"]
    with pytest.raises(TextError, match="line 5, column 'score': 'x' is no number"):
        table.columns(numbers=["score"])


def test_gaps_are_gaps_and_a_text_stays_as_it_is_written(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b\n1,01\n,NA\nNaN,02\n"))
    read = table.columns(numbers=["a"], texts=["b"])
    assert np.isnan(read.numbers["a"]).tolist() == [False, True, True]
    assert read.texts["b"] == ["01", "NA", "02"]


def test_a_blank_line_is_a_gap_of_one_column_and_none_at_the_end(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, "v\n1\n\n3\n\n\n")).columns(numbers=["v"])
    assert np.isnan(read.numbers["v"]).tolist() == [False, True, False]
    assert read.places.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "has the names of columns, and no row"),
        ("a,a\n1,2\n", "has two columns called 'a'"),
        ("a,b\n1,2\n1,2,3\n", r"line 3, has 3 fields where the first line has 2: '1,2,3'"),
        ("a,b\n1,2\n1\n", r"line 3, has 1 field where the first line has 2: '1'"),
        ('a,b\n1,"2\n3,4\n', "line 2, has a quote amiss"),
        ("a,b\n1,2\n3,4,\x00\n", "byte 12 is zero"),
        ("a,b\n1,2\n3,-1e300\n", "line 3, column 'b': '-1e300' is beyond 1e.100"),
        ("a,b\n1,2\n3,inf\n", "line 3, column 'b': 'inf' is not finite"),
        ("a,b\n1,2\n3,1_000\n", "line 3, column 'b': '1_000' is no number"),
        ('a,b\n1,2\n3,"1,234"\n', "line 3, column 'b': '1,234' has a comma that may stand before decimals"),
        ("a;b\n1,5;2\n3;2.5,1\n", "line 3, column 'b': '2.5,1' is no number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: str, wrong: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(TextError, match=wrong) as caught:
        read_all(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_long_field_is_said_to_be_one_where_a_quote_is_not_closed(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n1,"' + "x," * 70_000 + "\n")
    with pytest.raises(TextError, match="line 2, begins a field of more than 131,072 characters"):
        read_table(path, header=True).columns(texts=["b"])


def test_times_are_dates_or_numbers_and_none_is_missing(tmp_path: Path) -> None:
    months = read_table(write(tmp_path, "month,v\n2024-01,1\n2024-02,2\n"))
    assert months.kinds == {"month": "times", "v": "numbers"}
    assert months.columns(times=["month"]).times["month"].astype("M8[D]").astype(str).tolist() == [
        "2024-01-01",
        "2024-02-01",
    ]
    years = read_table(write(tmp_path, "year,v\n1700,1\n1701,2\n"))
    assert years.columns(times=["year"]).times["year"].tolist() == [1700, 1701]
    with pytest.raises(TextError, match=r"line 3, column 'day': '30\.01\.2024' is no date"):
        read_table(write(tmp_path, "day,v\n2024-01-29,1\n30.01.2024,2\n" + "2024-02-01,3\n" * 9)).columns(
            times=["day"]
        )
    with pytest.raises(TextError, match="line 3, column 'year': '' holds no time"):
        read_table(write(tmp_path, "year,v\n1700,1\n,2\n")).columns(times=["year"])


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "date,sales\n1,2\n"))
    with pytest.raises(UnknownNameError, match=r"(?s)Unknown column 'sale'.*Did you mean 'sales'"):
        table.columns(numbers=["sale"])


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "a\n1\n", "sales.csv")
    with pytest.raises(TextError, match=r"(?s)There is no file.*Did you mean '.*sales.csv'"):
        read_table(tmp_path / "sale.csv")


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.npy", "pipe.parquet", "pipe.jsonl"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(UsageError, match="no ordinary file"):
        read_table(tmp_path / name)


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="is a folder"):
        read_table(tmp_path)


def test_json_lines_hold_a_row_each(tmp_path: Path) -> None:
    rows = [{"day": "2024-01-01", "v": 1.5, "t": "a\nb"}, {"day": "2024-01-02", "t": None}]
    path = write(tmp_path, "\n".join(map(json.dumps, rows)) + "\n\n", "table.jsonl")
    read = read_table(path).columns(numbers=["v"], texts=["t"], times=["day"])
    assert read.numbers["v"][0] == 1.5
    assert np.isnan(read.numbers["v"][1])
    assert read.texts["t"] == ["a\nb", ""]
    for line, wrong in (("{", "is no JSON"), ("[1]", "no object")):
        with pytest.raises(TextError, match=f"line 3, {wrong}|line 3, is .* {wrong}"):
            read_table(write(tmp_path, "\n".join([*map(json.dumps, rows), line]), "table.jsonl"))
    nested = read_table(write(tmp_path, '{"v": 1}\n{"v": [2]}\n', "nested.jsonl"))
    with pytest.raises(TextError, match=r"line 2, column 'v': '\[2\]' is no number"):
        nested.columns(numbers=["v"])


@pytest.mark.parametrize("value", [10**400, [1], {"a": 1}, "x"])
def test_what_is_no_number_in_json_is_named(tmp_path: Path, value: object) -> None:
    path = write(tmp_path, "\n".join(json.dumps({"v": one}) for one in (1, value)), "table.jsonl")
    with pytest.raises(TextError, match=r"line 2, column 'v': .* is no number"):
        read_table(path).columns(numbers=["v"])


def test_a_date_that_can_not_be_in_utc_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "t,v\n2024-01-01T00:00+01:00,1\n0001-01-01T00:00+23:00,2\n")
    with pytest.raises(TextError, match=r"line 3, column 't': .* can be in UTC"):
        read_table(path).columns(times=["t"])


def test_arrays_have_columns_by_number(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(3, 2))
    read = read_table(tmp_path / "a.npy").columns(numbers=["2"])
    assert read.numbers["2"].tolist() == [1, 3, 5]
    assert read.place(2) == "row 3"
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(TextError, match="no array of numbers"):
        read_table(tmp_path / "o.npy")
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "d.npy").write_bytes(whole.replace(b"False, ", b"Fals\n  "))
    with pytest.raises(TextError, match="no array of numbers"):
        read_table(tmp_path / "d.npy")
    np.save(tmp_path / "t.npy", np.zeros((2, 2, 2)))
    with pytest.raises(TextError, match=r"is an array \(2, 2, 2\) of float64"):
        read_table(tmp_path / "t.npy")


def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from datetime import datetime

    from pyarrow.parquet import write_table

    content = {"when": [datetime(2024, 1, 1), datetime(2024, 1, 2)], "v": [1, None], "t": ["x", None]}
    write_table(pyarrow.table(content), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.kinds == {"when": "times", "v": "numbers", "t": "texts"}
    read = table.columns(numbers=["v"], texts=["t"], times=["when"])
    assert read.times["when"].astype("M8[D]").astype(str).tolist() == ["2024-01-01", "2024-01-02"]
    assert np.isnan(read.numbers["v"]).tolist() == [False, True]
    with pytest.raises(TextError, match="no file of Parquet"):
        read_table(write(tmp_path, b"PAR1 and no more", "b.parquet"))


def test_damage_in_the_middle_of_parquet_is_said_and_nanoseconds_are_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    moments = pyarrow.array([1_700_000_000_123_456_789, None], pyarrow.timestamp("ns", tz="UTC"))
    write_table(pyarrow.table({"when": moments, "v": [1.5, 2.5]}), tmp_path / "a.parquet", compression="zstd")
    table = read_table(tmp_path / "a.parquet")
    assert table.kinds == {"when": "times", "v": "numbers"}
    with pytest.raises(TextError, match="row 2, column 'when': 'None' holds no time"):
        table.columns(times=["when"])
    write_table(pyarrow.table({"v": np.random.default_rng(1).normal(size=500)}), tmp_path / "b.parquet")
    whole = bytearray((tmp_path / "b.parquet").read_bytes())
    whole[4:200] = bytes(196)
    with pytest.raises(TextError, match=r"is damaged behind row 0|no file of Parquet"):
        read_all(write(tmp_path, bytes(whole), "b.parquet"))


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr), st.text(max_size=6), st.just("")
)


@settings(max_examples=60)
@given(
    content=st.one_of(
        st.binary(max_size=80),
        st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join)).map("\n".join).map(str.encode),
    )
)
@pytest.mark.parametrize("name", ["fuzz.csv", "fuzz.jsonl", "fuzz.npy", "fuzz.parquet"])
def test_whatever_is_in_a_file_it_is_read_or_an_error_says_what_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = write(tmp_path_factory.getbasetemp(), content, name)
    try:
        table = read_table(path)
        read = table.columns(texts=table.names)
        table.columns(numbers=table.of_kind("numbers"), times=table.of_kind("times"))
    except SeqlabError:
        return
    assert all(len(column) == len(read) > 0 for column in read.texts.values())


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.floats(-1e100, 1e100), st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)),
        min_size=1, max_size=8,
    ),
    sign=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, str]], sign: str, end: str
) -> None:
    quoted = [f'{number!r}{sign}"{text.replace(chr(34), chr(34) * 2)}"' for number, text in rows]
    path = write(tmp_path_factory.getbasetemp(), end.join([f"n{sign}t", *quoted, ""]), "written.csv")
    read = read_table(path).columns(numbers=["n"], texts=["t"])
    assert read.numbers["n"].tolist() == [number for number, _ in rows]
    assert read.texts["t"] == [text for _, text in rows]
