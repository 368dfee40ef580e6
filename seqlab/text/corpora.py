"""Texts to learn from, by name or by path.

    shakespeare   Tiny Shakespeare, 1,115,394 characters, fetched once and checked by its hash
    python        the source of the standard library of the Python that is running
    functions     the names of its functions, one a line
    miniature     a small text that is part of seqlab
    a path        any text file, or a folder of them

A corpus says which files hold it; :mod:`seqlab.text.reading` reads them.

Environment: ``SEQLAB_DATA_DIR`` is a folder in which ``tinyshakespeare.txt`` may lie, ``SEQLAB_CACHE_DIR`` is
where downloads are kept, and with ``SEQLAB_OFFLINE`` set nothing is fetched. Where a text cannot be had for
want of a network, the miniature stands in for it, and the corpus says so.
"""

from __future__ import annotations

import importlib.resources
import logging
import os
import platform
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from seqlab.doing import doing
from seqlab.errors import Remark, TextError, UnreachableError, nearest
from seqlab.files import cache_folder, file_sha256
from seqlab.outside import path_of
from seqlab.text.download import fetch
from seqlab.text.functions import function_names
from seqlab.text.reading import USUAL, Documents, Form, read_blocks

NAMES = {
    "functions": "the names of the functions of the standard library of this Python, one a line",
    "miniature": "a small text that is part of seqlab",
    "python": "the source of the standard library of this Python",
    "shakespeare": "Tiny Shakespeare, 1.1 million characters of plays",
}

SHAKESPEARE_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SHAKESPEARE_FILE = "tinyshakespeare.txt"

PYTHON_BYTES = 12_000_000
"""How much of the standard library is read, at most about."""

NOT_READ = frozenset(
    {"site-packages", "test", "tests", "idle_test", "encodings", "pydoc_data", "lib2to3", "turtledemo"}
)
"""Folders of the standard library that hold tests, tables, or what is not part of it."""

_warn = logging.getLogger("seqlab").warning


@dataclass(frozen=True)
class Corpus:
    """A text and where it lies.

    Attributes:
        name: ``shakespeare``, ``python``, ... or the path, as it was asked for.
        files: what holds it, in order.
        source: the file, folder or distribution that it is read from.
        stands_in_for: the name of the corpus that was asked for and could not be had, or None.
        reason: why it could not be had.
    """

    name: str
    files: tuple[Path, ...]
    source: str
    stands_in_for: str | None = None
    reason: str | None = None

    def blocks(
        self,
        encoding: str = "utf-8",
        form: Form = USUAL,
        documents: Documents = "joined",
        replaced: set[str] | None = None,
    ) -> Iterator[str]:
        """Yield the text in blocks; see :func:`seqlab.text.reading.read_blocks`."""
        return read_blocks(self.files, encoding, form, documents, replaced)

    @cached_property
    def text(self) -> str:
        """The whole text, read as UTF-8, with lines that end with a line feed."""
        return "".join(self.blocks())

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(path.stat().st_size for path in self.files)


# A server that was not reached is not tried again by this process: all tasks of a run read one text.
MANY_FILES, MANY_BYTES, MOST_BYTES = 1_000, 100_000_000, 16_000_000_000
"""Above the first two the size of a folder is told before it is read; above the last it is refused."""

_UNREACHED: dict[str, tuple[str, str | None]] = {}


def load_corpus(
    name: str, *, glob: str = "*", url: str | None = None, announce: Callable[[str], None] = _warn
) -> Corpus:
    """Find a corpus, and fetch it where it has to be.

    Args:
        name: one of :data:`NAMES`, or a path (``./python`` for a file called python).
        glob: which files of a folder to read, at any depth; hidden ones are left out.
        url: where Tiny Shakespeare is fetched from; None for :data:`SHAKESPEARE_URL`.
        announce: is told before anything is fetched.

    Returns:
        The corpus; the miniature with ``stands_in_for`` set where Tiny Shakespeare would have to be fetched
        but ``SEQLAB_OFFLINE`` is set, or no server can be reached.

    Raises:
        TextError: when there is no such text, or it cannot be fetched.

    >>> load_corpus("shakespear")
    Traceback (most recent call last):
    ...
    seqlab.errors.TextError: There is no corpus, file or folder 'shakespear'.
    Did you mean 'shakespeare'? Known corpora: functions, miniature, python, shakespeare; or give a path.
    """
    if name == "shakespeare":
        try:
            return _shakespeare(url or SHAKESPEARE_URL, announce)
        except UnreachableError as error:
            return _miniature(name, f"{error.message} The miniature text stands in for Tiny Shakespeare.")
    if name == "python":
        return _python()
    if name == "functions":
        return _functions()
    if name == "miniature":
        return _miniature()
    return _from_path(name, glob)


def absolute(name: str) -> str:
    """Return a corpus's name as it holds in every folder: a path that is there, absolute; else the name.

    >>> absolute("shakespeare"), absolute("no-such-file")
    ('shakespeare', 'no-such-file')
    """
    path = path_of(name)
    try:
        return name if name in NAMES or not path.exists() else str(path.absolute())
    except (OSError, ValueError):  # too long a name, or a zero in it: refused where it is opened
        return name


def fetch_corpus(name: str, *, announce: Callable[[str], None] = _warn) -> Corpus:
    """Fetch a corpus if it has to be, with nothing standing in for it.

    Raises:
        UnreachableError: when seqlab is offline, or no server can be reached.
        TextError: when it cannot be had otherwise.
    """
    return _shakespeare(SHAKESPEARE_URL, announce) if name == "shakespeare" else load_corpus(name)


def shakespeare_file() -> Path | None:
    """Return where Tiny Shakespeare lies on this machine, or None where it has to be fetched.

    Raises:
        TextError: when the file in ``SEQLAB_DATA_DIR`` is another text.
    """
    folder = os.environ.get("SEQLAB_DATA_DIR")
    provided = path_of(folder) / SHAKESPEARE_FILE if folder else None
    if provided is not None and provided.is_file():
        if file_sha256(provided) != SHAKESPEARE_SHA256:
            raise TextError(
                f"{provided} is not Tiny Shakespeare: its SHA-256 is {file_sha256(provided)}, "
                f"not {SHAKESPEARE_SHA256}.",
                hint="Unset SEQLAB_DATA_DIR to have the text fetched, or name the file itself as the corpus.",
            )
        return provided
    cached = cache_folder() / SHAKESPEARE_FILE
    return cached if cached.is_file() and file_sha256(cached) == SHAKESPEARE_SHA256 else None


def _shakespeare(url: str, announce: Callable[[str], None]) -> Corpus:
    path = shakespeare_file()
    if path is None:
        path = cache_folder() / SHAKESPEARE_FILE
        if os.environ.get("SEQLAB_OFFLINE", "0") not in ("", "0"):
            raise UnreachableError(
                f"SEQLAB_OFFLINE is set and Tiny Shakespeare is not in {path.parent}.",
                hint="Unset SEQLAB_OFFLINE, or put the file where SEQLAB_DATA_DIR points.",
            )
        if url in _UNREACHED:
            message, hint = _UNREACHED[url]
            raise UnreachableError(message, hint=hint)
        announce(f"Fetching Tiny Shakespeare (1.1 MB) from {url}; it is kept in {path.parent}.")
        try:
            fetch(url, path, SHAKESPEARE_SHA256)
        except UnreachableError as error:
            _UNREACHED[url] = error.message, error.hint
            raise
    return Corpus("shakespeare", (path,), url if path.parent == cache_folder() else str(path))


def _miniature(stands_in_for: str | None = None, reason: str | None = None) -> Corpus:
    path = Path(str(importlib.resources.files("seqlab.text"))) / "miniature.txt"
    return Corpus("miniature", (path,), "part of seqlab", stands_in_for, reason)


def _python() -> Corpus:
    folder = Path(sysconfig.get_paths()["stdlib"])
    found: list[Path] = []
    for here, below, files in os.walk(folder):
        below[:] = set(below) - NOT_READ  # the others are not even entered
        found += (Path(here, name) for name in files if name.endswith(".py"))
    chosen, size = [], 0
    for path in sorted(found, key=PurePath.as_posix):
        if size >= PYTHON_BYTES:
            break
        chosen.append(path)
        size += path.stat().st_size
    if not chosen:
        raise TextError(
            f"The standard library in {folder} holds no source files.", hint="Give another corpus, or a path."
        )
    source = f"standard library of Python {platform.python_version()}, {len(chosen)} files"
    return Corpus("python", tuple(chosen), source)


def _functions() -> Corpus:
    python = _python()
    return Corpus("functions", (function_names(python.files),), f"names of the {python.source}")


def _from_path(name: str, glob: str) -> Corpus:
    path = path_of(name)
    try:
        if path.is_file():
            return Corpus(name, (path,), str(path))
        if path.is_dir():
            return _from_folder(name, path, glob)
        if path.exists():
            raise TextError(
                f"{name!r} is neither a file nor a folder: a pipe or a device can be read only once.",
                hint="A text is read more often. Write it into a file first: cat PIPE > text.txt",
            )
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
        with doing(f"looking for files {glob} in {folder}"):
            found = [path for path in folder.rglob(glob) if path.is_file()]
    except (ValueError, NotImplementedError) as error:
        raise TextError(f"{glob!r} is no pattern for files: {error}.", hint="Write it as '*.txt'.") from None
    files = {path.relative_to(folder).as_posix(): path for path in found}
    shown = sorted(key for key in files if not f"/{key}".count("/."))
    if not shown:
        raise TextError(
            f"The folder {name!r} holds no file {glob!r}.",
            hint="Name others with --glob '*.txt' (or task.glob='*.txt').",
        )
    chosen = tuple(files[key] for key in shown)
    _tell_size(name, glob, chosen)
    return Corpus(name, chosen, f"{len(shown)} files {glob} of {folder}")


def _tell_size(name: str, glob: str, files: Sequence[Path]) -> None:
    """Say how much there is to read, where it is so much that a folder may have been named by mistake.

    Raises:
        TextError: when it is more than any text that is learned here.
    """
    size = sum(file.stat().st_size for file in files)
    told = f"The folder {name!r} holds {len(files):,} files {glob!r} of {size / 1e6:,.0f} MB"
    if size > MOST_BYTES:
        raise TextError(
            f"{told}, more than the {MOST_BYTES / 1e9:.0f} GB that are read.",
            hint="Name a folder inside it, or fewer files: --glob 'notes/*.txt' (task.glob='notes/*.txt').",
        )
    if size > MANY_BYTES or len(files) > MANY_FILES:
        warnings.warn(Remark(f"{told}; all are read. Ctrl-C stops it."), stacklevel=1)
