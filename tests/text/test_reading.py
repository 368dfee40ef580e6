from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import TextError
from seqlab.text import reading
from seqlab.text.reading import Form, read_blocks


@pytest.fixture(params=[3, 16, 1 << 20])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Read so many bytes at once."""
    monkeypatch.setattr(reading, "BLOCK", request.param)
    return int(request.param)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp949", "euc-kr", "utf-8-sig"])
def test_a_text_is_read_in_its_encoding(tmp_path: Path, block: int, encoding: str) -> None:
    text = "자세히 보아야 예쁘다\r\n오래 보아야 사랑스럽다\n너도 그렇다" * 3
    path = tmp_path / "시.txt"
    path.write_bytes(text.encode(encoding))
    blocks = list(read_blocks([path], encoding, Form(line_ends="keep")))
    assert "".join(blocks) == text
    assert len(blocks) > 1 or block > 1000


def test_the_mark_at_the_beginning_is_left_out(tmp_path: Path, block: int) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes("\ufeffa\ufeff".encode())
    assert "".join(read_blocks([tmp_path / "a", tmp_path / "b"])) == "a\ufeff\na\ufeff"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_end_with_a_line_feed_and_what_they_ended_with_is_known(
    tmp_path: Path, block: int, encoding: str
) -> None:
    text = "one\r\ntwo\rthree\nfour\r\n\r\n"
    (tmp_path / "a").write_bytes(text.encode(encoding))
    (tmp_path / "b").write_bytes("end\r".encode(encoding))
    replaced: set[str] = set()
    read = "".join(read_blocks([tmp_path / "a", tmp_path / "b"], encoding, replaced=replaced))
    assert read == "one\ntwo\nthree\nfour\n\nend\n" == Form().of(text + "end\r")
    assert replaced == {"\r\n", "\r"}
    kept = "".join(
        read_blocks([tmp_path / "a"], encoding, Form(line_ends="keep"), replaced=(nothing := set()))
    )
    assert kept == text
    assert not nothing


def test_documents_are_marked_at_their_beginning(tmp_path: Path) -> None:
    for name, text in {"a": "one\n", "b": "", "c": "two"}.items():
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in "abc"]
    assert "".join(read_blocks(files, documents="marked")) == "\x1cone\n\x1c\x1ctwo"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("“It’s fine” – he said.".encode("cp1252"), "--encoding cp1252"),
        ("café noir, un thé".encode("latin-1"), "--encoding latin-1"),
        (b"one \x9d and \x81\x8d", "--encoding cp949, or shift-jis"),
    ],
)
def test_the_encoding_that_is_offered_goes_by_the_bytes(tmp_path: Path, data: bytes, hint: str) -> None:
    (tmp_path / "mine").write_bytes(data)
    with pytest.raises(TextError) as caught:
        list(read_blocks([tmp_path / "mine"]))
    assert str(caught.value.hint).endswith(hint)


def test_a_file_of_a_folder_that_is_no_text_can_be_left_out(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("text")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\0")
    with pytest.raises(TextError, match=r"c\.png is not text") as caught:
        list(read_blocks(sorted(tmp_path.iterdir())))
    assert "--glob '*.md'" in str(caught.value.hint)
    with pytest.raises(TextError) as alone:
        list(read_blocks([tmp_path / "c.png"]))
    assert "--glob" not in str(alone.value.hint)


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"0123456789 caf\xe9 noir", "utf-8", "is not UTF-8 text: byte 14 is 0xE9"),
        ("0123456789 예".encode()[:-1], "utf-8", "is not UTF-8 text: byte 11 is 0xEC"),
        ("예예예예예예".encode("cp949") + b"\xff\xffx", "cp949", "is not CP949 text: byte 12 is 0xFF"),
        (b"0123456789 \0", "utf-8", "is not text: byte 11 is zero"),
        (b"abc", "utf-16", "is not UTF-16 text"),
    ],
)
def test_the_first_wrong_byte_is_named(
    tmp_path: Path, block: int, data: bytes, encoding: str, said: str
) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(data)
    with pytest.raises(TextError, match=r"mine\.txt") as caught:
        list(read_blocks([path], encoding))
    assert said in caught.value.message
    assert "--encoding" in str(caught.value.hint)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp949"])
def test_what_has_zeros_is_not_sent_from_one_encoding_to_the_next(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine").write_bytes(b"a\0b")
    with pytest.raises(TextError) as caught:
        list(read_blocks([tmp_path / "mine"], encoding))
    assert "--encoding utf-16" in str(caught.value.hint)
    assert "no text" in str(caught.value.hint)
    (tmp_path / "mine").write_bytes("ab".encode("utf-16"))
    assert "".join(read_blocks([tmp_path / "mine"], "utf-16")) == "ab"


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "", "a\0b"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(TextError, match="There is no encoding"):
        list(read_blocks([tmp_path], encoding))


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="cannot be read"):
        list(read_blocks([tmp_path / "gone"]))


@given(
    text=st.text(st.sampled_from("ae\u0301\u0323ᄒ\u1161\u11ab각\u11a8 \n.ﬁ①"), max_size=60),
    form=st.sampled_from(["NFC", "NFKC"]),
)
def test_blocks_are_normalised_as_the_whole_is(
    tmp_path_factory: pytest.TempPathFactory, text: str, form: reading.Normalisation
) -> None:
    path = tmp_path_factory.getbasetemp() / "text"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", 4)
        assert "".join(read_blocks([path], form=Form(form))) == unicodedata.normalize(form, text)
