"""Texts as numbers: in memory, in the cache, in several processes, and how much memory that takes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqlab.errors import TextError
from seqlab.text import Reading, encode_corpus, encoded, load_corpus, reading
from seqlab.text.reading import Form
from seqlab.text.tokens import Tokens

TEXT = "자세히 보아야 예쁘다, e\u0301te\u0301 été.\nOh, it was: it is!\n" * 40


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a text, an empty cache, and blocks so small that there are many."""
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "BLOCK", 50)
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture(params=[0, encoded.IN_MEMORY], ids=["cached", "in memory"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Keep texts in the cache, or in memory."""
    monkeypatch.setattr(encoded, "IN_MEMORY", request.param)
    return int(request.param)


def silent(_: str) -> None:
    pass


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
@pytest.mark.parametrize("normalisation", ["none", "NFC"])
def test_numbers_are_the_text(
    path: Path, place: int, tokens: Tokens, normalisation: reading.Normalisation
) -> None:
    found = encode_corpus(
        load_corpus(str(path)), Reading(form=Form(normalisation), tokens=tokens), announce=silent
    )
    text = TEXT if normalisation == "none" else unicodedata.normalize(normalisation, TEXT)
    assert found.vocabulary.decode(found.codes) == text
    assert found.characters == len(text)
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert found.codes.dtype == np.uint8
    assert sum(found.vocabulary.counts) == len(found.codes)
    counts = np.bincount(found.codes, minlength=len(found.vocabulary))
    assert counts.tolist() == list(found.vocabulary.counts)


def test_the_cache_is_built_once_for_a_content_and_a_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    announced: list[str] = []

    def made(**options: object) -> Path | None:
        return encode_corpus(
            load_corpus(str(path)),
            Reading(**options),  # type: ignore[arg-type]
            announce=announced.append,
        ).path

    first = made()
    assert made() == first
    assert len(announced) == 1
    others = [made(tokens="word"), made(form=Form("NFC")), made(rare=3)]
    path.write_bytes(TEXT.encode() + b"!")
    others.append(made())
    assert len({first, *others}) == 5
    assert len(announced) == 5
    assert first is not None
    assert sorted(entry.name for entry in first.parent.iterdir()) == sorted(
        entry.name for entry in (first, *others) if entry
    ), "nothing half made is left"


def test_what_lies_in_the_cache_is_mapped_and_read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    codes = encode_corpus(load_corpus(str(path)), Reading(), announce=silent).codes
    assert isinstance(codes.base, np.memmap)
    assert not codes.flags.writeable


def flip(content: bytes, seed: int) -> bytes:
    """Flip one bit."""
    draw, changed = random.Random(seed), bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("damage", [0, *range(2, 20)])
@pytest.mark.parametrize("name", ["codes.npy", "facts.json"])
def test_a_damaged_cache_is_built_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: int
) -> None:
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    corpus, said = load_corpus(str(path)), list[str]()
    whole = encode_corpus(corpus, Reading(), announce=silent)
    assert whole.path is not None
    codes, vocabulary, facts = whole.codes.tolist(), whole.vocabulary, (whole.characters, whole.sha256)
    file = whole.path / name
    del whole  # which others would share
    content = file.read_bytes()
    file.write_bytes(flip(content, damage) if damage else content[:-10])
    again = encode_corpus(corpus, Reading(), announce=said.append)
    assert again.codes.tolist() == codes
    assert again.vocabulary == vocabulary
    assert (again.characters, again.sha256) == facts
    assert again.path == file.parent
    assert file.read_bytes() == content
    assert len(said) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has other files")
@pytest.mark.parametrize("name", ["codes.npy", "facts.json", "."])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, Path.touch])
def test_what_stands_in_the_place_of_a_cached_file_or_folder_is_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[Path], object]
) -> None:
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    corpus = load_corpus(str(path))
    folder = encode_corpus(corpus, Reading(), announce=silent).path
    assert folder is not None
    place = folder / name
    if name == ".":
        shutil.rmtree(folder)
    else:
        place.unlink()
    make(place)
    again = encode_corpus(corpus, Reading(), announce=silent)
    assert again.path == folder
    assert isinstance(again.codes.base, np.memmap)


def test_a_cache_that_cannot_be_written_is_explained(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(TextError, match="cannot be kept") as caught:
        encode_corpus(load_corpus(str(path)), Reading(), announce=silent)
    assert "SEQLAB_CACHE_DIR" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(path: Path, place: int, tmp_path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(TextError, match="is empty"):
        encode_corpus(load_corpus(str(path)), Reading(), announce=silent)
    assert not list((tmp_path / "cache").rglob("*.part"))


BUILD = """
import sys
from seqlab.text import Reading, encode_corpus, encoded, load_corpus
encoded.IN_MEMORY = 0
print("ready", flush=True)
sys.stdin.readline()
found = encode_corpus(load_corpus(sys.argv[1]), Reading(), announce=lambda _: None)
print(found.sha256, found.vocabulary.decode(found.codes[-20:]) == found.vocabulary.decode(found.codes)[-20:])
"""


def test_two_processes_may_build_the_cache_at_once(path: Path, tmp_path: Path) -> None:
    path.write_bytes(TEXT.encode() * 300)
    words = [sys.executable, "-c", BUILD, str(path)]
    running = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = {process.communicate("go\n", timeout=600)[0] for process in running}
    assert said == {f"{hashlib.sha256(TEXT.encode() * 300).hexdigest()} True\n"}
    assert len(list((tmp_path / "cache" / "encoded").iterdir())) == 1


MEMORY = """
import resource, sys
import torch
from seqlab.tasks.text.char_lm import CharLM
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
task = CharLM(corpus=sys.argv[1])
for index in range(200):
    task.batch("train", index, 32, 1)
for batch in task.evaluation("validation", 0, 1):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before, len(task.text("train")))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module")
@pytest.mark.parametrize("size", [20_000_000, pytest.param(500_000_000, marks=pytest.mark.slow)])
def test_a_large_text_takes_less_memory_than_three_times_its_numbers(tmp_path: Path, size: int) -> None:
    line = "".join(random.Random(1).choices("abcdefgh \n", k=1000)).encode()
    with (tmp_path / "large.txt").open("wb") as file:
        for _ in range(size // 1_000_000):
            file.write(line * 1000)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "large.txt")],
        env={**os.environ, "SEQLAB_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    peak, training = map(int, done.stdout.split())
    assert training == 0.9 * size
    print(f"peak memory {peak / size:.2f} times the encoded corpus of {size:,} bytes")
    assert peak < 3 * size
    (tmp_path / "large.txt").unlink()
