"""Descriptions of Debian's packages and their translations, as apt keeps them: files named ...Translation-ko.

Lines are joined by spaces, so a word that a translator's editor broke at the end of a line stays broken.

They come with `apt update` where apt's settings name a language: Acquire::Languages { "en"; "ko"; }
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import subprocess
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqlab.errors import TextError
from seqlab.outside import read_ordinary
from seqlab.text.catalogues import Pair

HELPER = Path("/usr/lib/apt/apt-helper")
"""What reads files as apt keeps them, compressed in whichever way."""

_NAME = re.compile(r"(?:^|_)Translation-(?P<language>[a-z]{2,3}(?:_[A-Z]{2})?)(?:\.(?:lz4|gz|bz2|xz))?")
_UNPACKED = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
_STOP = re.compile(r"(?<=[.!?]) +")
_ITEM = re.compile(r" +(?:[-*+o•]|\d+[.)]) ")

Key = tuple[str, str]
"""A package, and the hash of the English description that was translated."""


@dataclass(frozen=True)
class Described:
    """A text of a description with its translation.

    Attributes:
        package: whose it is; the first of those that share it.
        pair: the English text, and the other.
    """

    package: str
    pair: Pair


def language_of(path: Path) -> str | None:
    """Return the language of a file of descriptions; None of any other file.

    >>> language_of(Path("deb.debian.org_debian_dists_bookworm_main_i18n_Translation-pt_BR.lz4"))
    'pt_BR'
    """
    found = _NAME.fullmatch(path.name[path.name.find("Translation-") :])
    return found["language"] if found else None


def read_descriptions(files: Sequence[Path]) -> list[Described]:
    """Return what files of descriptions hold in English and in another language, titles and sentences.

    Paragraphs are paired where both languages have as many, and so are the sentences of a paragraph; else the
    paragraph is one text.

    Raises:
        TextError: when one cannot be read, or the English ones are missing.
    """
    by_language = [(language_of(path), path) for path in files]
    told = [entry for language, path in by_language if language != "en" for entry in _entries(path)]
    wanted = {key for key, _ in told}
    english = dict(
        entry
        for language, path in by_language
        if language == "en"
        for entry in _entries(path)
        if entry[0] in wanted
    )
    if told and not english:
        raise TextError(
            f"{files[0].parent} has descriptions of packages, but not the English ones of the same.",
            hint='apt brings both where it is told so: Acquire::Languages { "en"; "ko"; }',
        )
    return [
        Described(key[0], pair)
        for key, text in told
        if key in english
        for pair in _aligned(english[key], text)
    ]


def _entries(path: Path) -> Iterator[tuple[Key, str]]:
    """Yield the descriptions of a file."""
    for block in _text(path).split("\n\n"):
        fields = re.split(r"^([\w-]+): ", block.strip("\n"), flags=re.MULTILINE)
        found: Mapping[str, str] = dict(zip(fields[1::2], fields[2::2], strict=True))
        name = next((name for name in found if name not in ("Package", "Description-md5")), None)
        if name is not None and name.startswith("Description-") and "Package" in found:
            yield (found["Package"].strip(), found.get("Description-md5", "").strip()), found[name]


def _text(path: Path) -> str:
    try:
        if path.suffix == ".lz4":
            return _by_apt(path).decode()
        return _UNPACKED.get(path.suffix, bytes)(read_ordinary(path)).decode()
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise TextError(f"{str(path)!r} cannot be read: {error}.") from None
    except UnicodeDecodeError:
        raise TextError(f"{str(path)!r} is not UTF-8.") from None


def _by_apt(path: Path) -> bytes:
    if not HELPER.is_file():
        raise TextError(
            f"{str(path)!r} is compressed by lz4, which apt's {HELPER} reads; there is none here.",
            hint=f"lz4 -d {path.name} makes a file that is read without it.",
        )
    done = subprocess.run([HELPER, "cat-file", path], capture_output=True, check=False)
    if done.returncode:
        raise TextError(f"{str(path)!r} cannot be read: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _aligned(english: str, other: str) -> Iterator[Pair]:
    """Yield the texts of two descriptions that belong together.

    >>> list(_aligned("A game\\n It is old. It is\\n fun.\\n .\\n Go!", "게임\\n 옛것. 재미.\\n .\\n 가자!"))
    [('A game', '게임'), ('It is old.', '옛것.'), ('It is fun.', '재미.'), ('Go!', '가자!')]
    """
    title, *paragraphs = _paragraphs(english)
    told, *others = _paragraphs(other)
    yield title, told
    if len(paragraphs) == len(others):
        for one, another in zip(paragraphs, others, strict=True):
            sentences, translated = _STOP.split(one), _STOP.split(another)
            alike = len(sentences) == len(translated)
            yield from zip(sentences, translated, strict=True) if alike else [(one, another)]


def _paragraphs(description: str) -> list[str]:
    """Return the title and the paragraphs, of which an item of a list is one, without their line ends."""
    title, *lines = description.splitlines()
    found: list[list[str]] = [[title], []]
    for line in lines:
        if line.strip() == "." or _ITEM.match(line[1:]):
            found.append([])
        if line.strip() != ".":
            found[-1].append(line.strip())
    return [" ".join(part) for part in found if part]
