"""``run.json``: what a run is, where and when it ran, and whether it still does."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

from seqlab import __version__
from seqlab.errors import RunFolderError
from seqlab.runs.shapes import EXTRA, MAYBE, misfit

FORMAT = 2
"""The format of run folders that is written. This and earlier ones are read; 1 had no checksums."""

Status = Literal["running", "finished", "failed", "interrupted"]


@dataclass(frozen=True)
class RunInfo:
    """What ``run.json`` holds. Times are UTC in ISO 8601.

    Attributes:
        status: running, finished, failed or interrupted.
        created: when the folder was made.
        experiment: the experiment's name.
        model: the model as it was named: a registered name or a user's own file.
        seed: the seed.
        task: the task's name.
        command: the command line, quoted for a shell.
        started: when the run began, or last went on.
        ended: when it came to its end, or None.
        versions: of python, seqlab, torch and numpy.
        git_commit: of the seqlab checkout, with ``+changes`` when files differ from it; None when installed.
        machine: ``cpu``, ``cores`` and ``platform``.
        data_hash: of the corpus, or None.
        process: ``pid``, ``host``, ``boot`` and ``began`` of the process that runs it; see :func:`is_alive`.
        extra: additions: the device, precision and engine taken.
        files: SHA-256 of the files in the folder that change no more, by their names.
        format: of the folder; see :data:`FORMAT`.
    """

    status: Status
    created: str
    experiment: str
    model: str
    seed: int
    task: str = ""
    command: str = ""
    started: str | None = None
    ended: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    data_hash: str | None = None
    process: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    format: int = 1

    @property
    def pid(self) -> int | None:
        """The process that runs it, or ran it last."""
        return self.process.get("pid")


FIELDS = frozenset(item.name for item in dataclasses.fields(RunInfo))
_SHAPES: Mapping[str, Any] = {
    **dict.fromkeys(("status", "created", "experiment", "model", "task", "command"), str),
    **dict.fromkeys(("started", "ended", "git_commit", "data_hash"), MAYBE),
    **dict.fromkeys(("versions", "machine", "process", "files"), dict),
    **dict.fromkeys(("seed", "format"), int),
    "extra": EXTRA,
}


def remarks_on_data(info: RunInfo) -> list[str]:
    """Return what is to be said of the data that a run was trained on: what stands in for it, its notes."""
    data = info.extra.get("corpus") or {}
    instead = [str(data.get("reason"))] if data.get("stands_in_for") else []
    return [*instead, *map(str, data.get("notes") or ())]


def info_from(data: Mapping[str, Any]) -> RunInfo:
    """Check what ``run.json`` holds; keys that are not known here are passed over.

    A run that says ``running`` though its process is gone is ``interrupted``.

    Raises:
        RunFolderError: when a key is missing or holds something of the wrong kind.
    """
    known = {key: value for key, value in data.items() if key in FIELDS}
    if isinstance(known.get("format"), int) and known["format"] > FORMAT:
        raise RunFolderError(
            f"A newer version of seqlab made this run: its format is {known['format']}, and {__version__} "
            f"reads those up to {FORMAT}.",
            hint="pip install --upgrade seqlab",
        )
    for key in ("status", "created", "experiment", "model", "seed"):
        if key not in known:
            raise RunFolderError(f"run.json lacks {key!r}.")
    for key, value in known.items():
        wrong = misfit(value, _SHAPES[key], key)
        if wrong is not None:
            raise RunFolderError(f"run.json holds {wrong[1]!r} as {wrong[0]!r}.")
    if known["status"] not in get_args(Status):
        raise RunFolderError(f"run.json holds the unknown status {known['status']!r}.")
    if known["status"] == "running" and not is_alive(known.get("process", {})):
        known["status"] = "interrupted"
    return RunInfo(**known)


def now() -> str:
    """Return the time as it stands in run folders: UTC, ISO 8601, always of the same length."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other, on this host and on others."""
    return {"pid": os.getpid(), "host": platform.node(), "boot": _boot(), "began": _began(os.getpid())}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Say whether a process still runs; of a process that cannot be asked about, assume it.

    A process of another host cannot be asked about. One of this host is gone when the host was started again
    since, when no process has its number, or when the process of that number began at another time.
    """
    pid = process.get("pid")
    if not isinstance(pid, int) or pid <= 0 or process.get("host") != platform.node():
        return True
    if process.get("boot") != _boot():
        return False
    if process.get("began") is not None:
        return bool(_began(pid) == process["began"])
    if os.name != "posix":  # there, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _began(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the host started; None when it is gone, or untold."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # the name may hold anything
        ended = words[0] in "ZX"  # a process that its parent has not collected yet
        return None if ended else int(words[19])
    except (OSError, ValueError, IndexError):
        return None


@cache
def _boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


@cache
def versions() -> dict[str, str]:
    """Return the versions of what computes, without importing it."""
    found = {"python": platform.python_version(), "seqlab": __version__}
    for package in ("torch", "numpy", "numba"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def git_commit() -> str | None:
    """Return the commit of the seqlab checkout, with ``+changes`` when files differ; None when installed.

    It is asked once in a process: what is loaded stays.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    words = ["git", "--no-optional-locks", "-C", str(root)]
    words += ["describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=+changes"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=2, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def to_mapping(info: RunInfo) -> dict[str, Any]:
    """Return the information as plain data, for JSON."""
    return dataclasses.asdict(info)
