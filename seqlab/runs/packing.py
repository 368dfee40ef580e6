"""A run in one file, for a colleague: packed with the hash of each of its files, and unpacked with care.

A packed run is a ZIP with one folder, that of the run, and in it `packed.json`: the SHA-256 and the size of
every other file. What comes out of one may have been made by anybody, so no name in it leads out of the
folder, nothing but ordinary files is taken, none is larger than it says, and nothing of it is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from seqlab.errors import RunFolderError, UsageError
from seqlab.files import to_json
from seqlab.outside import open_ordinary, path_of
from seqlab.runs.folder import Run
from seqlab.runs.owner import owning
from seqlab.runs.store import STAMP, runs_dir, writing_to_runs_dir

PACKED = "packed.json"
DATA = "data"
LARGEST = 64 * 1024**3
"""Bytes that a packed run comes to, at most."""

TIGHTEST = 200
"""Times its own size that a packed run comes to, at most; zeros would be packed a thousand times as tight."""

MOST = 100_000
"""Files of a packed run, at most."""

LONGEST = 1 << 24
"""Bytes of `packed.json`, at most."""

_PIECE = 1 << 20


def pack_run(run: Run, file: Path, data: Path | None = None) -> list[str]:
    """Pack a run into a file, which appears when it is whole.

    Args:
        run: that nobody trains just now.
        file: the ZIP; another of that name is not written over.
        data: a file or folder that goes with it, under `data`; None for none.

    Returns:
        The names of what was packed.

    Raises:
        RunFolderError: when it is being trained.
        UsageError: when there is such a file, or it cannot be written.
    """
    if file.exists():
        raise UsageError(f"{file} is there already.", hint="Move it away, or name another file.")
    info = run.info()
    if info.status == "running":
        raise RunFolderError(f"{run.id} is being trained.", hint="Wait for its end, or stop it first.")
    with owning(run):
        files = dict(_of_run(run.path))
        if data is not None:
            files |= dict(_of_data(data))
        part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
        try:
            told = {}
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
                for name, path in files.items():
                    told[name] = _add(packed, f"{run.id}/{name}", path)
                packed.writestr(f"{run.id}/{PACKED}", to_json({"run": run.id, "files": told}))
            part.replace(file)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
        finally:
            part.unlink(missing_ok=True)
    return list(files)


def unpack_run(file: Path) -> Run:
    """Unpack a run among the runs; it gets its name when all is there, and is what was packed.

    Raises:
        UsageError: when the file is none, or cannot be read.
        RunFolderError: when it is damaged, holds what a packed run does not, or the run is here already.
    """
    try:
        with open_ordinary(file) as opened, zipfile.ZipFile(opened) as packed:
            name, told = _contents(file, packed)
            place = runs_dir() / name
            if place.exists():
                raise RunFolderError(
                    f"{name} is here already: {place}.",
                    hint=f"To take it from the file: seqlab rm {name} first.",
                )
            with writing_to_runs_dir():
                runs_dir().mkdir(parents=True, exist_ok=True)
                folder = runs_dir() / f".{name}.{secrets.token_hex(4)}"
                try:
                    for one, facts in told.items():
                        _take(file, packed, f"{name}/{one}", folder / one, facts)
                    Run(folder).info()
                    for empty in ("checkpoints", "figures", "samples"):
                        (folder / empty).mkdir(exist_ok=True)
                    folder.rename(place)
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"{file} is no packed run: {error}.", hint="One is made by: seqlab pack RUN FILE.zip"
        ) from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from None
    return Run(place)


def data_of(run: Run) -> Path | None:
    """Return the file or folder of data that came with a packed run; None where none did."""
    try:
        (found,) = (run.path / DATA).iterdir()
    except (OSError, ValueError):
        return None
    return found


def _of_run(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the ordinary files of a run's folder, by their names in it; links lead elsewhere, and stay."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if path.is_file() and not path.is_symlink() and not hidden and name != PACKED:
            yield name, path


def _of_data(data: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of data, by the names that they have in a packed run."""
    if data.is_file():
        yield f"{DATA}/{data.name}", data
        return
    for path in sorted(data.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"{DATA}/{data.name}/{path.relative_to(data).as_posix()}", path


def _add(packed: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Pack a file piece by piece, and return its hash and size."""
    digest, size = hashlib.sha256(), 0
    with open_ordinary(path) as source, packed.open(name, "w", force_zip64=True) as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            target.write(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _contents(file: Path, packed: zipfile.ZipFile) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the name of the run in a file, and what it says of its files, all of which are there."""
    members = {one.filename: one for one in packed.infolist()}
    listed = [name for name in members if name.endswith(f"/{PACKED}") and name.count("/") == 1]
    if len(listed) != 1 or len(members) > MOST or len(members) < len(packed.infolist()):
        raise UsageError(
            f"{file} is no packed run: it has {'no' if not listed else 'more than one'} {PACKED}."
            if len(listed) != 1
            else f"{file} is no packed run: it holds {len(packed.infolist()):,} files.",
            hint="One is made by: seqlab pack RUN FILE.zip",
        )
    name = listed[0].partition("/")[0]
    if not STAMP.search(name) or name.startswith("."):
        raise RunFolderError(f"{file} is damaged: {name!r} is no name of a run.")
    if members[listed[0]].file_size > LONGEST:
        raise RunFolderError(f"{file} is damaged: its {PACKED} is too large to be one.")
    try:
        told = dict(json.loads(packed.read(listed[0]))["files"])
        total = sum(int(facts["bytes"]) for facts in told.values())
        hashes = [str(facts["sha256"]) for facts in told.values()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunFolderError(
            f"{file} is damaged: its {PACKED} says {type(error).__name__}: {error}."
        ) from None
    bound = min(LARGEST, TIGHTEST * file.stat().st_size)
    if total > bound or any(len(digest) != 64 for digest in hashes):
        raise RunFolderError(f"{file} is damaged: it says that it comes to {total:,} bytes.")
    for one in told:
        _require_inside(file, one)
    for member in members.values():
        kind = stat.S_IFMT(member.external_attr >> 16)
        inner = member.filename.removeprefix(f"{name}/")
        if member.filename == listed[0] or member.filename.endswith("/"):  # a folder
            continue
        if inner not in told or kind not in (0, stat.S_IFREG) or member.file_size != told[inner]["bytes"]:
            raise RunFolderError(
                f"{file} is damaged: it holds {member.filename!r}, which it does not tell of."
            )
    missing = [one for one in told if f"{name}/{one}" not in members]
    if missing or "run.json" not in told:
        raise RunFolderError(f"{file} is damaged: {(missing or ['run.json'])[0]} is missing.")
    return name, told


def _require_inside(file: Path, name: str) -> None:
    """Refuse a name that leads out of the folder, or that no file can have everywhere."""
    parts = PurePosixPath(name).parts
    odd = not parts or name != "/".join(parts) or any(part in ("..", ".") for part in parts)
    if odd or name.startswith("/") or set(name) & set("\\:\0") or any(part.startswith(".") for part in parts):
        raise RunFolderError(f"{file} is damaged: it holds {name!r}, which is no name in a run's folder.")
    path_of(name)


def _take(file: Path, packed: zipfile.ZipFile, member: str, target: Path, facts: Mapping[str, Any]) -> None:
    """Unpack a file piece by piece; it must be what was packed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with packed.open(member) as source, target.open("xb") as written:
        while size <= facts["bytes"] and (piece := source.read(_PIECE)):
            digest.update(piece)
            size += len(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    if size != facts["bytes"] or digest.hexdigest() != facts["sha256"]:
        raise RunFolderError(f"{file} is damaged: {member} is not what was packed.")
