"""Pairs of texts: from lines with tabs, from a dictionary, from catalogues of gettext, in any script."""

from __future__ import annotations

import bz2
import gettext
import gzip
import lzma
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.errors import TextError
from seqlab.text import descriptions, parallel
from seqlab.text.catalogues import read_catalogue
from seqlab.text.parallel import load_pairs

PO = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

#: where.c:12
msgctxt "menu"
msgid "Open \"%s\"\n"
msgstr ""
"“%s” "
"열기\n"

#, fuzzy
msgid "Guess"
msgstr "추측"

msgid "one file"
msgid_plural "%d files"
msgstr[0] "파일 하나"
msgstr[1] "파일 %d개"

msgid "Untranslated"
msgstr ""

#~ msgid "Gone"
#~ msgstr "사라짐"
"""


def compiled(texts: dict[str, str], order: str = "<") -> bytes:
    """Return a .mo file, as msgfmt writes it."""
    entries = sorted((key.encode(), value.encode()) for key, value in texts.items())
    count, place = len(entries), 28 + 16 * len(entries)
    tables: list[bytes] = []
    body = b""
    for side in (0, 1):
        for entry in entries:
            tables.append(struct.pack(f"{order}2I", len(entry[side]), place + len(body)))
            body += entry[side] + b"\0"
    head = struct.pack(f"{order}7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0)
    return head + b"".join(tables) + body


def test_lines_are_source_tab_target_and_a_third_column_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "kor.txt"
    path.write_text("Go.\t가.\tCC-BY 2.0\nGo.\t가.\tagain\nHi  there.\t안녕.\n없음\n", encoding="utf-8")
    found = load_pairs(str(path))
    assert found.pairs == (("Go.", "가."), ("Hi there.", "안녕."))
    assert found.source == str(path)
    path.write_text("Go.\t가.\n", encoding="utf-8")
    assert load_pairs(str(path)).sha256 != found.sha256


def test_an_entry_of_a_dictionary_gives_its_whole_sentences(tmp_path: Path) -> None:
    path = tmp_path / "de-en"
    path.write_text(
        "# by somebody\n"
        "Aal {m} | Der Aal (frisch) ist gut. | Der/Die Aale. :: eel | The eel is good. | The eels.\n"
        "Das geht.; Das ist möglich. :: That works.; It is possible.\n"
        "Ja. | Nein. :: Yes.\n",
        encoding="utf-8",
    )
    assert load_pairs(str(path)).pairs == (
        ("Der Aal ist gut.", "The eel is good."), ("Das geht.", "That works."),
    )  # fmt: skip


def test_catalogues_of_a_folder_are_read_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "ko" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "ko" / "one.po").write_text(PO, encoding="utf-8")
    texts = {
        "": "Content-Type: text/plain; charset=UTF-8\n",
        "file\x04Save": "저장",
        "a day\0%d days": "하루\0%d일",
    }
    place = tmp_path / "ko" / "LC_MESSAGES" / "two.mo"
    place.write_bytes(compiled(texts))
    with place.open("rb") as file:  # the standard library reads the same
        assert gettext.GNUTranslations(file).pgettext("file", "Save") == "저장"
    assert read_catalogue(place) == [("a day", "하루"), ("Save", "저장")]
    found = load_pairs(str(tmp_path))
    wanted = {('Open "%s"', "“%s” 열기"), ("one file", "파일 하나"), ("Save", "저장"), ("a day", "하루")}
    assert set(found.pairs) == wanted
    assert found.source.startswith("2 files of")


def test_a_catalogue_of_the_other_byte_order_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "big.mo"
    path.write_bytes(compiled({"yes": "ja"}, order=">"))
    assert read_catalogue(path) == [("yes", "ja")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("broken.mo", b"nothing of the kind", "no catalogue of gettext"),
        ("short.mo", b"\xde\x12\x04\x95", "no catalogue of gettext"),
        ("latin.tsv", b"Stra\xdfe\tstreet\n", "is not UTF-8"),
        ("empty.tsv", b"same\tsame\n", "holds no pairs"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TextError, match=told):
        load_pairs(str(path))


def test_what_is_not_there_is_said_with_what_to_install_or_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "DICTIONARY", tmp_path / "de-en")
    monkeypatch.setattr(parallel, "KOREAN", (tmp_path,))
    for name, told in (
        ("de-en", "apt install trans-de-en"),
        ("ko-en", "libreoffice-l10n-ko"),
        ("de_en", "'de-en'"),
    ):
        with pytest.raises(TextError) as error:
            load_pairs(name)
        assert told in str(error.value)


ENGLISH = """\
Package: game
Description-md5: 1
Description-en: An old game
 It is played by two. Both move
 at once.
 .
 Pieces are:
  * black
  * white

Package: tool
Description-md5: 2
Description-en: A new tool
 It cuts.
"""
KOREAN = """\
Package: game
Description-md5: 1
Description-ko: 오래된 게임
 둘이 합니다. 함께
 움직입니다.
 .
 말은:
  * 검정
  * 하양

Package: tool
Description-md5: another text
Description-ko: 낡은 도구
 자릅니다.
"""
DESCRIBED = (
    ("An old game", "오래된 게임"), ("It is played by two.", "둘이 합니다."),
    ("Both move at once.", "함께 움직입니다."), ("Pieces are:", "말은:"),
    ("* black", "* 검정"), ("* white", "* 하양"),
)  # fmt: skip
PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".lz4": bytes}


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a folder of descriptions, packed in some way; what apt's helper would read is not packed."""
    helper = tmp_path / "apt-helper"
    helper.write_text('#!/bin/sh\ntest "$1" = cat-file && cat "$2"\n')
    helper.chmod(0o755)
    monkeypatch.setattr(descriptions, "HELPER", helper)

    def folder(suffix: str) -> Path:
        place = tmp_path / "lists"
        (place / "partial").mkdir(parents=True)
        for language, text in (("en", ENGLISH), ("ko", KOREAN), ("fr", KOREAN.replace("-ko:", "-fr:"))):
            name = f"deb.example.org_main_i18n_Translation-{language}{suffix}"
            (place / name).write_bytes(PACKERS[suffix](text.encode()))
        (place / "partial" / "x_Translation-ko").write_text(KOREAN.replace("둘", "셋"), encoding="utf-8")
        return place

    return folder


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.skipif(sys.platform == "win32", reason="apt's helper is a program of Unix")
def test_descriptions_of_packages_are_paired_by_paragraph_and_sentence(
    suffix: str, described: Callable[[str], Path]
) -> None:
    found = load_pairs(str(described(suffix)))
    assert found.pairs == DESCRIBED
    assert found.packages == ("game",) * len(DESCRIBED)


def test_korean_ones_alone_are_read_for_korean(
    described: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = described("")
    (folder / "more.po").write_text(PO, encoding="utf-8")
    monkeypatch.setattr(parallel, "KOREAN", (folder,))
    found = load_pairs("ko-en")
    assert found.source.startswith("3 files of")
    assert set(found.pairs) >= {(other, one) for one, other in DESCRIBED} | {("파일 하나", "one file")}
    assert dict(zip(found.pairs, found.packages, strict=True))["파일 하나", "one file"] == ""


def test_texts_of_different_numbers_of_sentences_are_paired_as_a_whole() -> None:
    pairs = list(descriptions._aligned("A b\n One. Two.\n .\n Three.", "ㄱ\n 하나 둘.\n .\n 셋."))
    assert pairs == [("A b", "ㄱ"), ("One. Two.", "하나 둘."), ("Three.", "셋.")]
    assert list(descriptions._aligned("A b\n One.\n .\n Two.", "ㄱ\n 하나.")) == [("A b", "ㄱ")]


def test_descriptions_that_cannot_be_read_are_said_in_a_sentence(
    described: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = described(".lz4")
    (english, _, korean) = sorted(folder.glob("*.lz4"))
    with pytest.raises(TextError, match="in one language") as error:
        load_pairs(str(korean))
    assert f"--pairs {folder}" in str(error.value)
    monkeypatch.setattr(descriptions, "HELPER", tmp_path / "nowhere")
    with pytest.raises(TextError, match="lz4 -d"):
        load_pairs(str(folder))
    english.unlink()
    korean.rename(folder / "Translation-ko.gz")
    (folder / "x_Translation-fr.lz4").unlink(missing_ok=True)
    for path in folder.glob("*.lz4"):
        path.unlink()
    with pytest.raises(TextError, match=r"Translation-ko\.gz' cannot be read"):
        load_pairs(str(folder))
    (folder / "Translation-ko.gz").write_bytes(gzip.compress(KOREAN.encode()))
    with pytest.raises(TextError, match="not the English ones"):
        load_pairs(str(folder))


def test_korean_texts_of_the_machine_stand_before_their_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.po").write_text(PO, encoding="utf-8")
    monkeypatch.setattr(parallel, "KOREAN", (tmp_path, tmp_path / "nowhere"))
    assert ("파일 하나", "one file") in load_pairs("ko-en").pairs
