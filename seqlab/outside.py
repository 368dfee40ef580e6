"""What comes from outside: names of files that somebody typed, and words from files that somebody sent."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from seqlab.errors import UsageError

LONGEST_NAME, LONGEST_PATH = 255, 4096
"""Bytes of a file's name, and of a path, that file systems take at most."""

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it, but tabs and ends of lines: control characters and those that
turn the direction of writing; and halves of characters, which cannot be printed."""

_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""A pipe is opened without waiting for its other end, which may never come."""


def escaped(text: str) -> str:
    r"""Return a text as it can be printed: what a terminal would obey is shown as its number.

    >>> print(escaped("a\x1b]0;owned\x07\tb\udcff\u202e"))
    a\x1b]0;owned\x07	b\udcff\u202e
    """
    return _OBEYED.sub(_number, text)


def path_of(named: str | Path) -> Path:
    """Return the path that a user named; ``~`` is the home folder, and the home of nobody is taken literally.

    Raises:
        UsageError: when no file can be called so.

    >>> path_of("~nosuch/text.txt").parts
    ('~nosuch', 'text.txt')
    """
    name = str(named)
    sizes = [len(part.encode(errors="surrogateescape")) for part in re.split(r"[/\\]", name)]
    if not name:
        raise UsageError("The name of a file is empty.", hint="For the folder that you are in, write .")
    if "\0" in name or max(sizes) > LONGEST_NAME or sum(sizes) + len(sizes) > LONGEST_PATH:
        wrong = "holds a zero byte" if "\0" in name else f"has {sum(sizes) + len(sizes) - 1:,} bytes"
        raise UsageError(f"No file can be called {shortened(name)!r}: that {wrong}.")
    try:
        return Path(name).expanduser()
    except RuntimeError:  # there is no such user
        return Path(name)


def open_ordinary(path: Path) -> BinaryIO:
    """Open a file to be read.

    Raises:
        UsageError: when it is a pipe or a device, which might never end.
        OSError: when it cannot be opened.
    """
    number = os.open(path, os.O_RDONLY | _AT_ONCE)
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise UsageError(
        f"{escaped(str(path))!r} is no ordinary file, but a pipe or a device.",
        hint="What another program writes is read from a file or, where a command takes -, standard input.",
    )


def read_ordinary(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        UsageError, OSError: as :func:`open_ordinary` does.
    """
    with open_ordinary(path) as opened:
        return opened.read()


def shortened(text: str, length: int = 60) -> str:
    """Return a text for a message, cut off where it is long.

    >>> shortened("a" * 100, 3)
    'aaa ...'
    """
    return text if len(text) <= length else f"{text[:length]} ..."


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
