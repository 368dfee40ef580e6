"""Texts to learn from, by name or by path.

    shakespeare   Tiny Shakespeare, 1,115,394 characters, fetched once and checked by its hash
    python        the source of the standard library of the Python that is running
    miniature     a small text that is part of seqlab
    a path        any UTF-8 file, or a folder of them

Environment: ``SEQLAB_DATA_DIR`` is a folder in which ``tinyshakespeare.txt`` may lie, ``SEQLAB_CACHE_DIR`` is
where downloads are kept, and with ``SEQLAB_OFFLINE`` set nothing is fetched. Where a text cannot be had for
want of a network, the miniature stands in for it, and the corpus says so.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import logging
import os
import platform
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seqlab.errors import TextError, UnreachableError, nearest
from seqlab.text.download import fetch

NAMES = ("miniature", "python", "shakespeare")

SHAKESPEARE_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SHAKESPEARE_FILE = "tinyshakespeare.txt"

PYTHON_BYTES = 1_500_000
"""How much of the standard library is read, about."""

MOST_BYTES = 256 * 1024**2
"""The largest file or folder that is read; all of a text is held in memory."""

_warn = logging.getLogger("seqlab").warning


@dataclass(frozen=True)
class Corpus:
    """A text and where it came from.

    Attributes:
        name: ``shakespeare``, ``python``, ``miniature`` or the path, as it was asked for.
        text: the characters.
        source: the file, folder or distribution that it was read from.
        stands_in_for: the name of the corpus that was asked for and could not be had, or None.
        reason: why it could not be had.
        sha256: of the text in UTF-8.
    """

    name: str
    text: str = field(repr=False)
    source: str
    stands_in_for: str | None = None
    reason: str | None = None
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.text.encode()).hexdigest())


def load_corpus(
    name: str,
    *,
    glob: str = "*",
    url: str = SHAKESPEARE_URL,
    announce: Callable[[str], None] = _warn,
) -> Corpus:
    """Return a corpus.

    Args:
        name: one of :data:`NAMES`, or a path (``./python`` for a file called python).
        glob: which files of a folder to read, at any depth; hidden ones are left out.
        url: where Tiny Shakespeare is fetched from.
        announce: is told before anything is fetched.

    Returns:
        The corpus; the miniature with ``stands_in_for`` set where Tiny Shakespeare would have to be fetched
        but ``SEQLAB_OFFLINE`` is set, or no server can be reached.

    Raises:
        TextError: when there is no such text, it cannot be fetched, or it is not UTF-8 text.

    >>> load_corpus("shakespear")
    Traceback (most recent call last):
    ...
    seqlab.errors.TextError: There is no corpus, file or folder 'shakespear'.
    Did you mean 'shakespeare'? Known corpora: miniature, python, shakespeare; or give a path.
    """
    if name == "shakespeare":
        return _shakespeare(url, announce)
    if name == "python":
        return _python()
    if name == "miniature":
        return _miniature()
    return _from_path(name, glob)


def cache_folder() -> Path:
    """Return the folder in which downloads are kept."""
    import platformdirs

    chosen = os.environ.get("SEQLAB_CACHE_DIR")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("seqlab")


def _shakespeare(url: str, announce: Callable[[str], None]) -> Corpus:
    folder = os.environ.get("SEQLAB_DATA_DIR")
    provided = Path(folder).expanduser() / SHAKESPEARE_FILE if folder else None
    if provided is not None and provided.is_file():
        if _hash_of(provided) != SHAKESPEARE_SHA256:
            raise TextError(
                f"{provided} is not Tiny Shakespeare: its SHA-256 is {_hash_of(provided)}, "
                f"not {SHAKESPEARE_SHA256}.",
                hint="Unset SEQLAB_DATA_DIR to have the text fetched, or name the file itself as the corpus.",
            )
        return Corpus("shakespeare", _read(provided), str(provided))
    cached = cache_folder() / SHAKESPEARE_FILE
    if not cached.is_file() or _hash_of(cached) != SHAKESPEARE_SHA256:
        if os.environ.get("SEQLAB_OFFLINE", "0") not in ("", "0"):
            reason = (
                f"SEQLAB_OFFLINE is set and Tiny Shakespeare is not in {cached.parent}; "
                "the miniature text stands in for it."
            )
            return _miniature(stands_in_for="shakespeare", reason=reason)
        announce(f"Fetching Tiny Shakespeare (1.1 MB) from {url}; it is kept in {cached.parent}.")
        try:
            fetch(url, cached, SHAKESPEARE_SHA256)
        except UnreachableError as error:
            return _miniature(
                "shakespeare", f"{error.message} The miniature text stands in for Tiny Shakespeare."
            )
    return Corpus("shakespeare", _read(cached), url)


def _miniature(stands_in_for: str | None = None, reason: str | None = None) -> Corpus:
    data = importlib.resources.files("seqlab.text").joinpath("miniature.txt").read_bytes()
    return Corpus("miniature", _decode(data, "miniature.txt"), "part of seqlab", stands_in_for, reason)


def _python() -> Corpus:
    folder = Path(sysconfig.get_paths()["stdlib"])
    chosen, size = [], 0
    for path in sorted(folder.glob("*.py")):
        if size >= PYTHON_BYTES:
            break
        chosen.append(path)
        size += path.stat().st_size
    if not chosen:
        raise TextError(
            f"The standard library in {folder} holds no source files.", hint="Give another corpus, or a path."
        )
    source = f"standard library of Python {platform.python_version()}, {len(chosen)} files"
    return Corpus("python", _join(map(_read, chosen)), source)


def _from_path(name: str, glob: str) -> Corpus:
    path = Path(name).expanduser()
    try:
        if path.is_file():
            _refuse_huge([path], name)
            return _filled(Corpus(name, _read(path), str(path)))
        if path.is_dir():
            return _filled(_from_folder(name, path, glob))
    except OSError as error:
        raise TextError(f"{name!r} cannot be read: {error.strerror}.") from None
    near = nearest(name, NAMES)
    meant = f"Did you mean {near!r}? " if near else ""
    raise TextError(
        f"There is no corpus, file or folder {name!r}.",
        hint=f"{meant}Known corpora: {', '.join(NAMES)}; or give a path.",
    )


def _from_folder(name: str, folder: Path, glob: str) -> Corpus:
    try:
        found = [path for path in folder.rglob(glob) if path.is_file()]
    except (ValueError, NotImplementedError) as error:
        raise TextError(f"{glob!r} is no pattern for files: {error}.", hint="Write it as *.txt.") from None
    files = {path.relative_to(folder).as_posix(): path for path in found}
    shown = {key: path for key, path in files.items() if not f"/{key}".count("/.")}
    if not shown:
        raise TextError(f"The folder {name!r} holds no file {glob!r}.", hint="Name others with glob=*.txt.")
    _refuse_huge(shown.values(), name)
    text = _join(_read(shown[key]) for key in sorted(shown))
    return Corpus(name, text, f"{len(shown)} files {glob} of {folder}")


def _filled(corpus: Corpus) -> Corpus:
    if not corpus.text.strip():
        raise TextError(f"{corpus.name!r} is empty.", hint="Give a text with something in it.")
    return corpus


def _refuse_huge(paths: Iterable[Path], name: str) -> None:
    size = sum(path.stat().st_size for path in paths)
    if size > MOST_BYTES:
        raise TextError(
            f"{name!r} holds {size / 1024**2:,.0f} MiB; at most {MOST_BYTES // 1024**2} MiB are read.",
            hint="Give a part of it.",
        )


def _join(texts: Iterable[str]) -> str:
    """Put texts behind one another, each ending its last line."""
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts if text)


def _read(path: Path) -> str:
    return _decode(path.read_bytes(), str(path))


def _decode(data: bytes, where: str) -> str:
    """Return UTF-8 text without its byte-order mark; refuse what is no text."""
    if b"\0" in data:
        raise TextError(
            f"{where} is not text: byte {data.index(0)} is zero.", hint="Give a file of UTF-8 text."
        )
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise TextError(
            f"{where} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02X}.",
            hint="Save it as UTF-8, for example with: iconv -f LATIN1 -t UTF-8 old.txt > new.txt",
        ) from None


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
