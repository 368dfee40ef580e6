"""Files that are never half written, JSON that every reader takes, and the cache folder."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.errors import RunFolderError, UsageError
from seqlab.outside import path_of, read_ordinary

SEAL = "sha256"
"""The key of a JSON file's own checksum."""

_OPEN_HERE = re.compile(r"/dev/(?:stdout|stderr|fd/\d+)|/proc/self/fd/\d+")
"""By their names, files that a process has open already."""

_HALF = re.compile("[\ud800-\udfff]")


def cache_folder() -> Path:
    """Return the folder of what can be had again: downloads, encoded texts, compiled code, options."""
    import platformdirs

    chosen = os.environ.get("SEQLAB_CACHE_DIR")
    return path_of(chosen) if chosen else platformdirs.user_cache_path("seqlab")


def replace_file(path: Path, data: bytes | str, mode: int | None = None) -> None:
    """Put ``data`` in the place of ``path``: a crash at any moment leaves the old file or the new one.

    It is written beside, forced to the disk, and renamed.

    Args:
        path: the file.
        data: what it is to hold.
        mode: who may read and write it; None for what is usual.
    """
    beside = path.with_name(f".{path.name[:50]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_output(path: Path, data: bytes | str) -> None:
    """Write the file that a user named, whole or not at all; a link is followed, and who may read it is kept.

    What cannot be replaced is written to as it stands: a pipe or a device, what this process writes to anyhow
    (/dev/stdout, /dev/fd/3), a file of several names, or one in a folder that takes no new files.

    Raises:
        UsageError: when that cannot be.
    """
    content = data.encode() if isinstance(data, str) else data
    try:
        if _OPEN_HERE.fullmatch(str(path)):
            return _hand_over(path.name, content)
        target = Path(os.path.realpath(path))
        there = target.stat() if os.path.lexists(target) else None
        if there is None:
            replace_file(target, content)
        elif _replaceable(target, there):
            replace_file(target, content, stat.S_IMODE(there.st_mode))
        else:
            target.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}.") from None


def _hand_over(name: str, content: bytes) -> None:
    """Write to a file that this process has open, where it stands in it."""
    sys.stdout.flush()
    number = {"stdout": 1, "stderr": 2}.get(name)
    with os.fdopen(os.dup(int(name) if number is None else number), "wb") as file:
        file.write(content)


def _replaceable(path: Path, there: os.stat_result) -> bool:
    """Say whether a file can be replaced by another without anything being lost but what it holds."""
    if not stat.S_ISREG(there.st_mode):
        return False
    if not os.access(path, os.W_OK):  # a rename would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return there.st_nlink == 1 and os.access(path.parent, os.W_OK)


def to_json(data: Any, *, indent: int | None = None) -> str:
    """Write plain data as JSON. Figures that are not finite become null: JSON has no word for them.

    Where there are halves of characters, which no encoding takes, whatever is not ASCII becomes numbers.

    >>> to_json({"loss": float("nan"), "step": 3})
    '{"loss": null, "step": 3}'
    """
    plain = _plain(data)
    text = json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False)
    if text.isascii() or not _HALF.search(text):
        return text
    return json.dumps(plain, indent=indent, allow_nan=False)


def from_json(text: bytes) -> Any:
    """Read JSON; NaN and infinity, which other programs write, become None."""
    return json.loads(text, parse_constant=lambda word: None)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        FileNotFoundError: when there is no such file.
        RunFolderError: when it cannot be read or holds something else.
    """
    return parse_json(read_bytes(path), path)


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        RunFolderError: when it holds something else.
    """
    try:
        data = from_json(content)
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged: {error}.") from None
    if not isinstance(data, dict):
        raise RunFolderError(f"{path} is damaged: it holds {type(data).__name__}, not an object.")
    return data


def sealed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data with the SHA-256 of what they are written as, by which damage is found.

    >>> unsealed(sealed({"step": 3}), Path("run.json"))
    {'step': 3}
    """
    plain = {key: value for key, value in data.items() if key != SEAL}
    return {**plain, SEAL: sha256_of(to_json(plain))}


def unsealed(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return data without their seal; those of earlier versions have none.

    Raises:
        RunFolderError: when they are not what was sealed.
    """
    plain = {key: value for key, value in data.items() if key != SEAL}
    if SEAL in data and data[SEAL] != sha256_of(to_json(plain)):
        raise RunFolderError(
            f"{path} is damaged, or was edited: it does not hold what was written.",
            hint=f"Who has edited it takes the line {SEAL!r} out.",
        )
    return plain


def sha256_of(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8, as 64 digits of base 16."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 digits of base 16; it is read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bytes(path: Path) -> bytes:
    """Read a file of a run or a comparison.

    Raises:
        FileNotFoundError: when there is no such file.
        RunFolderError: when it cannot be read, or is a pipe or a device.
    """
    try:
        return read_ordinary(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunFolderError(f"Cannot read {path}: {error.strerror}.") from None
    except UsageError as error:
        raise RunFolderError(error.message, hint="The folder is not of seqlab's making.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a single number of numpy or torch
        return _plain(value.item())
    return value
