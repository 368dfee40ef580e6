"""Texts cut into lines, blocks and records: nothing is lost, and what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import TextError
from seqlab.text import load_corpus
from seqlab.text.functions import function_names, names_in
from seqlab.text.units import Unit, Units, cut, read_units


def read(folder: Path, content: str | bytes, unit: Unit = "line") -> Units:
    path = folder / "text.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_units(load_corpus(str(path)), unit)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\x1c"), max_size=200))
def test_no_character_is_lost_but_ends_of_lines_and_blanks(text: str) -> None:
    lines = cut(text, "line").texts
    assert "\n".join(lines) == text.removesuffix("\n")
    blocks = cut(text, "block").texts
    assert all(block.strip() for block in blocks)
    assert "\n".join(blocks).split("\n") == [line for line in lines if line.strip()] or not blocks
    records = cut(f">\n{text}", "fasta")
    bodies = [line for line in lines if not line.startswith(">")]
    assert "".join(records.texts) == "".join("".join(bodies).split())
    assert records.headers == 1 + len(lines) - len(bodies)


def test_marks_ends_of_lines_and_empty_lines_are_no_part_of_a_line(tmp_path: Path) -> None:
    found = read(tmp_path, b"\xef\xbb\xbfone\r\n\r\n  \r\ntwo")
    assert found.texts == ("one", "two")
    assert (found.replaced, found.empty) == (("\r\n",), 2)
    assert read(tmp_path, "one\ntwo\n").sha256 == found.sha256


def test_of_fasta_headers_are_left_out_and_lines_joined(tmp_path: Path) -> None:
    found = read(tmp_path, ">sp|P1\nMKV L\nAA\n\n>sp|P2\nMK\n>empty\n", "fasta")
    assert found.texts == ("MKVLAA", "MK")
    assert (found.headers, found.empty) == (3, 1)


@pytest.mark.parametrize(
    ("content", "unit", "said"),
    [
        ("", "line", "is empty: it holds no line"),
        ("\n \n", "line", "is empty: it holds no line"),
        ("a\0b\n", "line", "byte 1 is zero"),
        (b"a\xff\n", "line", "byte 1 is 0xFF"),
        ("MK\n>one\nMK\n", "fasta", "line 1: a sequence without a header"),
        (">one\n>two\n", "fasta", "is empty: it holds no record"),
        ("a\n\nb\x1c\n", "block", "line 3: a block holds the character U\\+001C"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, content: str | bytes, unit: Unit, said: str
) -> None:
    with pytest.raises(TextError, match=said) as caught:
        read(tmp_path, content, unit)
    assert "text.txt" in str(caught.value)


def test_no_sequence_goes_from_one_file_into_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two\n")
    assert read_units(load_corpus(str(tmp_path)), "block").texts == ("one", "two")


def test_names_of_functions_are_read_from_sources_that_are_not_run() -> None:
    assert list(names_in(b"raise SystemExit\ndef f():\n  def g(): 'def h(): 1'")) == ["f", "g"]
    blocks = ("if a", "elif b", "else", "try", "except E", "else", "finally", "match m",
              " case 1", "while c", "else", "with d", "for e in f", "else", "class G")  # fmt: skip
    source = "".join(
        f"{head}:\n" + ("" if head.startswith("match") else f"  def f{i}(): ...\n")
        for i, head in enumerate(blocks)
    )
    assert {*names_in(source.encode())} == {f"f{i}" for i in range(len(blocks)) if i != 7}
    assert list(names_in(b"def broken(")) == list(names_in(b"\0")) == []


def test_a_damaged_text_of_names_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "source.py").write_text("def first(): ...\ndef second(): ...\n")
    path = function_names([tmp_path / "source.py"])
    whole = path.read_bytes()
    assert whole == b"first\nsecond\n"
    path.write_bytes(whole.replace(b"second", b"secone"))
    assert function_names([tmp_path / "source.py"]).read_bytes() == whole
    assert len(list((tmp_path / "cache").iterdir())) == 1
