"""Pairs of texts, each the translation of the other, by name or by path.

    de-en     the whole sentences of the German-English dictionary of the Debian package trans-de-en
    ko-en     Korean texts of the programs that are installed, with their English, and descriptions of
              packages, where apt keeps Korean ones
    a path    a file of lines, source and target with a tab between (a third column is not read, as in those
              of manythings.org), or of a dictionary in the form of de-en; a .po or .mo catalogue of gettext,
              or a folder, at any depth, of all these and of descriptions of packages
              (:mod:`seqlab.text.descriptions`)

Nothing of it is shipped with seqlab. White space is brought to single spaces; what is the same on both sides,
or has no letter, is left out, and so is every repetition.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqlab.errors import NotInstalledError, TextError, nearest
from seqlab.outside import path_of, read_ordinary
from seqlab.text.catalogues import Pair, read_catalogue
from seqlab.text.descriptions import Described, language_of, read_descriptions

NAMES = {
    "de-en": "sentences of the German-English dictionary of the package trans-de-en",
    "ko-en": "Korean texts of the programs that are installed, and descriptions of packages",
}

DICTIONARY = Path("/usr/share/trans/de-en")
KOREAN = (
    Path("/usr/share/locale/ko"), Path("/usr/lib/libreoffice/program/resource/ko"), Path("/var/lib/apt/lists")
)  # fmt: skip

_FORMS = (".po", ".mo", ".tsv", ".txt")
_NOTE = re.compile(r"\s*(\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|<[^>]*>)")
_BETWEEN = " :: "


@dataclass(frozen=True)
class Parallel:
    """Pairs of texts and where they lie.

    Attributes:
        name: as it was asked for.
        source: the file, or how many files of which folders.
        pairs: in their order, each once.
        packages: of each pair the package that it describes; empty for other texts.
        sha256: of these, in UTF-8, with a tab between and a line feed behind.
    """

    name: str
    source: str
    pairs: tuple[Pair, ...]
    packages: tuple[str, ...]
    sha256: str


def load_pairs(name: str) -> Parallel:
    """Read pairs of texts.

    Raises:
        TextError: when there are none of that name, or what is there cannot be read.

    >>> load_pairs("de-an")
    Traceback (most recent call last):
    ...
    seqlab.errors.TextError: There are no pairs 'de-an', nor is that a file or a folder.
    Did you mean 'de-en'? Known are: de-en, ko-en; or give a path.
    """
    if name == "de-en":
        return _from_file(name, _there(DICTIONARY))
    if name == "ko-en":
        return _from_folders(name, KOREAN, language="ko", turned=True)
    path = path_of(name)
    if path.is_file():
        return _from_file(name, path)
    if path.is_dir():
        return _from_folders(name, (path,))
    near = nearest(name, NAMES)
    meant = f"Did you mean {near!r}? " if near else ""
    raise TextError(
        f"There are no pairs {name!r}, nor is that a file or a folder.",
        hint=f"{meant}Known are: {', '.join(NAMES)}; or give a path.",
    )


def absolute(name: str) -> str:
    """Return a name of pairs as it holds in every folder: a path that is there, absolute; else the name."""
    path = path_of(name)
    try:
        return name if name in NAMES or not path.exists() else str(path.absolute())
    except (OSError, ValueError):
        return name


def cleaned(pairs: Iterator[Pair] | Sequence[Pair]) -> tuple[Pair, ...]:
    """Return pairs with single spaces, each once, without what is no translation.

    >>> cleaned([("ein  Haus", "a\\thouse"), ("ein Haus", "a house"), ("OK", "OK"), ("-", "+")])
    (('ein Haus', 'a house'),)
    """
    spaced = ((" ".join(one.split()), " ".join(other.split())) for one, other in pairs)
    kept = (
        pair for pair in spaced if pair[0] != pair[1] and all(any(map(str.isalpha, text)) for text in pair)
    )
    return tuple(dict.fromkeys(kept))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise NotInstalledError(
            f"The dictionary trans-de-en is not installed: there is no {path}.",
            hint="sudo apt install trans-de-en; or give pairs of your own, lines of source TAB target: "
            "--pairs FILE; or a folder of .po or .mo files: --pairs locale/",
        )
    return path


def _from_file(name: str, path: Path) -> Parallel:
    if language_of(path) is not None:
        raise TextError(
            f"{str(path)!r} has descriptions in one language.",
            hint=f"Give the folder, with the English ones in it: --pairs {path.parent}",
        )
    return _made(name, str(path), _read(path))


def _from_folders(
    name: str, folders: Sequence[Path], *, language: str | None = None, turned: bool = False
) -> Parallel:
    """Read all files of folders.

    Args:
        name: as it was asked for.
        folders: those that there are not are left out.
        language: of the descriptions of packages; None for any.
        turned: whether the translation comes first.
    """
    files = {folder: _files(folder, language) for folder in folders}
    if not any(files.values()):
        where = " or ".join(map(str, folders))
        raise TextError(
            f"There are no pairs of texts in {where}.",
            hint=f"Files end with {', '.join(_FORMS)}. Programs bring Korean catalogues, where Debian's are "
            "not cut down, and libreoffice-l10n-ko many; apt update brings Korean descriptions of packages "
            'where apt\'s settings have Acquire::Languages { "en"; "ko"; }',
        )
    every = [path for found in files.values() for path in found]
    described = read_descriptions([path for path in every if language_of(path)])
    pairs = [pair for path in every if not language_of(path) for pair in _read(path)]
    pairs += [text.pair for text in described]
    where = ", ".join(f"{len(found)} files of {folder}" for folder, found in files.items() if found)
    return _made(name, where, pairs, described, turned=turned)


def _files(folder: Path, language: str | None) -> list[Path]:
    """Return the files of a folder that are read; of descriptions those of English and another language."""
    every = sorted((path for path in folder.rglob("*") if path.is_file()), key=Path.as_posix)
    told = {path: language_of(path) for path in every if path.parent.name != "partial"}  # half fetched
    others = set(told.values()) - {None, "en"} if language is None else {language} & set(told.values())
    read = {"en", *others} if others else set()
    return [path for path, tongue in told.items() if tongue in read or path.suffix in _FORMS]


def _made(
    name: str, source: str, read: Sequence[Pair], described: Sequence[Described] = (), *, turned: bool = False
) -> Parallel:
    pairs = cleaned(read)
    if not pairs:
        raise TextError(
            f"{source} holds no pairs of texts.", hint="A line is a source, a tab, and its target."
        )
    homes: dict[Pair, str] = {}
    for text in described:
        for pair in cleaned([text.pair]):
            homes.setdefault(pair, text.package)
    packages = tuple(homes.get(pair, "") for pair in pairs)
    if turned:
        pairs = tuple((other, one) for one, other in pairs)
    digest = hashlib.sha256()
    for one, other in pairs:
        digest.update(f"{one}\t{other}\n".encode())
    return Parallel(name, source, pairs, packages, digest.hexdigest())


def _read(path: Path) -> Sequence[Pair]:
    if path.suffix in (".po", ".mo"):
        return read_catalogue(path)
    try:
        lines = read_ordinary(path).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise TextError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise TextError(
            f"{str(path)!r} is not UTF-8.", hint="iconv -f CP949 -t UTF-8 FILE > pairs.tsv brings it there."
        ) from None
    if any("\t" in line for line in lines[:100]):
        return [(one, other) for one, other, *_ in (line.split("\t") for line in lines if "\t" in line)]
    return [pair for line in lines if not line.startswith("#") for pair in sentences(line)]


def sentences(line: str) -> Iterator[Pair]:
    """Yield the whole sentences of an entry of the dictionary.

    An entry has forms, with | between; a form has meanings, with ; between, of which the first is taken. A
    sentence ends with a stop on both sides. Forms with alternatives (/) are left out, and so are notes.

    >>> list(sentences("Zeit {f} | Die Zeit vergeht. :: time | Time goes by [fig.]."))
    [('Die Zeit vergeht.', 'Time goes by.')]
    """
    sides = line.split(_BETWEEN)
    forms = [side.split("|") for side in sides]
    if len(forms) != 2 or len(forms[0]) != len(forms[1]):
        return
    for pair in zip(*forms, strict=True):
        one, other = (_NOTE.sub("", form).split(";")[0].strip() for form in pair)
        if all(text[-1:] in set(".!?") and " " in text for text in (one, other)) and "/" not in one + other:
            yield one, other
