"""The folder of the runs: finding, listing and throwing away. Only small files are read."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seqlab.errors import RunFolderError, UnknownNameError, nearest
from seqlab.files import read_json, unsealed
from seqlab.outside import path_of
from seqlab.runs.folder import Run
from seqlab.runs.info import RunInfo, info_from
from seqlab.runs.owner import is_owned

TRASH = ".trash"
REPORTS = "reports"
STAMP = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{4}$")


@dataclass(frozen=True)
class RunEntry:
    """A folder among the runs.

    Attributes:
        id: the folder's name.
        path: the folder.
        status: the run's status, or ``damaged``, or ``foreign`` for a folder that is no run.
        info: what ``run.json`` holds; None when it cannot be read.
        summary: what ``summary.json`` holds; None when there is none or it cannot be read.
        problem: what is wrong with the folder, or None.
    """

    id: str
    path: Path
    status: str
    info: RunInfo | None = None
    summary: dict[str, Any] | None = None
    problem: str | None = None


def runs_dir() -> Path:
    """Return the folder of the runs: SEQLAB_RUNS_DIR, or ``runs`` in the current folder."""
    return path_of(os.environ.get("SEQLAB_RUNS_DIR") or "runs")


def make_runs_dir() -> None:
    """Make the folder of the runs; called before anything long begins, whose results will lie there.

    Raises:
        RunFolderError: when it cannot be made there, or cannot be written to.
    """
    with writing_to_runs_dir():
        runs_dir().mkdir(parents=True, exist_ok=True)
        if not os.access(runs_dir(), os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def trash_dir() -> Path:
    """Return the folder of the runs that were thrown away."""
    return runs_dir() / TRASH


def find_run(
    reference: str,
    *,
    where: Callable[[RunInfo], bool] | None = None,
    kind: str = "run",
    newest: bool = True,
) -> Run:
    """Return the run that a user means.

    Args:
        reference: a run's id, the beginning of one or of several (an experiment's name, say), ``latest``, or
            the path of a run folder.
        where: which runs are of use to the caller. Where several runs could be meant it decides among them;
            a run that is named outright is returned whether it fits or not, so that the caller can say why.
        kind: what such a run is called, where there is none.
        newest: whether, of several that are meant, it is the newest one; not for what changes a run.

    Raises:
        UnknownNameError: when no run is meant, with the nearest id.
        RunFolderError: when several are meant and the newest will not do, or none for ``latest``.
    """
    if reference == "latest":
        return latest_run(where, kind)[0]
    if not reference:
        raise RunFolderError("The name of the run is empty.", hint="`seqlab runs` lists them; try `latest`.")
    if "=" in reference:
        raise RunFolderError(
            f"{reference!r} is a setting where a run is named; a run has the settings that it has.",
            hint="Settings are for new runs: seqlab train, or seqlab compare.",
        )
    ids = folder_names(runs_dir())
    if reference in ids:
        return Run(runs_dir() / reference)
    path = path_of(reference)
    if (path / "run.json").is_file():
        return Run(path)
    if path.is_dir() and len(path.parts) > 1:
        raise RunFolderError(f"{reference} is no run folder: it has no run.json.")
    return Run(runs_dir() / _the_one(reference, ids, "run", where, newest))


def folder_names(parent: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without the hidden ones and the reports."""
    try:
        with os.scandir(parent) as items:
            names = [item.name for item in items if item.is_dir()]
    except OSError:
        return []
    return sorted(name for name in names if not name.startswith(".") and name != REPORTS)


def list_runs(parent: Path | None = None) -> list[RunEntry]:
    """Return every folder among the runs, newest first; what is damaged or foreign is told, never raised.

    Args:
        parent: another folder of runs, as the trash is; default: :func:`runs_dir`.

    Raises:
        RunFolderError: when a file lies in the folder's place.
    """
    parent = runs_dir() if parent is None else parent
    if parent.exists() and not parent.is_dir():
        raise RunFolderError(
            f"{parent} is a file, not a folder of runs.", hint="Set SEQLAB_RUNS_DIR to a folder."
        )
    return sorted((read_entry(parent / name) for name in folder_names(parent)), key=_age_key, reverse=True)


def read_entry(path: Path) -> RunEntry:
    """Read what a list shows of one folder; what is damaged or foreign is told, never raised."""
    run, name = Run(path), path.name
    try:
        info = info_from(unsealed(read_json(run.info_path), run.info_path))
    except FileNotFoundError:
        if STAMP.search(name):
            return RunEntry(name, path, "damaged", problem="run.json is missing")
        return RunEntry(name, path, "foreign", problem="not a run folder")
    except (RunFolderError, OSError) as error:
        return RunEntry(name, path, "damaged", problem=str(error))
    try:
        summary = run.summary(info)
    except (RunFolderError, OSError) as error:
        return RunEntry(name, path, info.status, info, problem=str(error))
    problem = "summary.json is missing" if summary is None and info.status == "finished" else None
    return RunEntry(name, path, info.status, info, summary, problem)


def trash_run(run: Run) -> Path:
    """Move a run into the trash beside it, and return where it lies now.

    Raises:
        RunFolderError: when it is still running, or cannot be moved.
    """
    if read_entry(run.path).status == "running" or is_owned(run):
        raise RunFolderError(f"The run {run.id} is still running.", hint="Stop it first.")
    return _move(run.path, run.path.parent / TRASH / run.id)


def restore_run(reference: str) -> Run:
    """Bring a run back from the trash.

    Args:
        reference: the run's id, or the beginning of one.

    Raises:
        UnknownNameError: when the trash holds no such run.
        RunFolderError: when several are meant, or a run of that name is there already.
    """
    ids = folder_names(trash_dir())
    run_id = reference if reference in ids else _the_one(reference, ids, "trashed run")
    return Run(_move(trash_dir() / run_id, runs_dir() / run_id))


def short_model(model: str) -> str:
    """Return a model's name as it stands in a folder's name: of a user's own file, the stem.

    A file that is called like a model of seqlab keeps its ending, so that the one is told from the other.

    >>> short_model("cells/my_cell.py:Mine"), short_model("lstm")
    ('my_cell', 'lstm')
    >>> short_model("cells/lstm.py")
    'lstm.py'
    """
    file, dot, _ = model.partition(".py")
    if not dot:
        return model
    from seqlab.registry import source_file  # which imports more than listing runs needs

    stem = re.split(r"[/\\]", file)[-1]
    return f"{stem}.py" if source_file("model", stem) else stem


def safe_name(name: str) -> str:
    """Make a name safe for every file system.

    >>> safe_name("lstm[hidden_size=8]"), safe_name("../x"), safe_name("예")
    ('lstm-hidden_size-8', 'x', 'unnamed')
    """
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:60] or "unnamed"


@contextmanager
def writing_to_runs_dir() -> Iterator[None]:
    """Say what cannot be written in the folder of the runs as every error is said.

    Raises:
        RunFolderError: in the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"Cannot make a run folder in {runs_dir()}: {error.strerror}.",
            hint="Set SEQLAB_RUNS_DIR to a folder that can be written.",
        ) from None


def _the_one(
    beginning: str,
    ids: Sequence[str],
    kind: str,
    where: Callable[[RunInfo], bool] | None = None,
    newest: bool = False,
) -> str:
    """Return the one id that begins so; among several, the one that fits, or the newest one.

    A beginning that is the whole name of an experiment means its runs, not those of a longer name.
    """
    matches = [name for name in ids if beginning and name.startswith(beginning)]
    if len(matches) > 1 and where is not None:
        matches = [name for name in matches if _fits(name, where)] or matches
    if len(matches) > 1 and newest:
        entries = [read_entry(runs_dir() / name) for name in matches]
        own = [entry for entry in entries if entry.info is not None and entry.info.experiment == beginning]
        return max(own or entries, key=_age_key).id
    if len(matches) > 1:
        shown = "\n  ".join(matches[:10] + ["..."] * (len(matches) > 10))
        raise RunFolderError(
            f"{beginning!r} begins the names of {len(matches)} {kind}s:\n  {shown}", hint="Type more of it."
        )
    if not matches:
        raise _unknown(beginning, ids, kind)
    return matches[0]


def _fits(name: str, where: Callable[[RunInfo], bool]) -> bool:
    info = read_entry(runs_dir() / name).info
    return info is not None and where(info)


def _age_key(entry: RunEntry) -> tuple[str, str]:
    """Return when a run was made: from run.json, else from the folder's name, else from the folder."""
    if entry.info is not None:
        return entry.info.created, entry.id
    stamp = STAMP.search(entry.id)
    try:
        if stamp is not None:
            return datetime.strptime(stamp[1], "%Y%m%d-%H%M%S").isoformat(), entry.id
        return datetime.fromtimestamp(entry.path.stat().st_mtime, UTC).isoformat(), entry.id
    except (OSError, ValueError):
        return "", entry.id


def latest_run(where: Callable[[RunInfo], bool] | None = None, kind: str = "run") -> tuple[Run, RunEntry]:
    """Return the newest run that will do, as :func:`find_run` does, and the newest of all, damaged or not.

    Raises:
        RunFolderError: when none will do.
    """
    entries = [entry for entry in list_runs() if entry.status != "foreign"]
    for entry in entries:
        if entry.info is not None and (where is None or where(entry.info)):
            return Run(entry.path), entries[0]
    raise RunFolderError(
        f"There is no {kind} in {runs_dir()}.",
        hint="`seqlab runs` lists the runs there, `seqlab train` makes one; SEQLAB_RUNS_DIR says where.",
    )


def _unknown(reference: str, ids: Sequence[str], kind: str = "run") -> UnknownNameError:
    """Say that there is no such run: the nearest is shown, also of a mistyped beginning."""
    beginnings = {name[: len(reference)]: name for name in ids}
    near = nearest(reference, ids) or beginnings.get(nearest(reference, beginnings) or "")
    error = UnknownNameError(kind, reference, ids)
    listing = f"Known {kind}s: {', '.join(ids)}." if ids else f"There is no {kind} in {runs_dir()} yet."
    if len(ids) > 10:
        listing = f"`seqlab runs --all` lists the runs in {runs_dir()}."
    error.hint = f"Did you mean {near!r}? {listing}" if near else listing
    return error


def _move(source: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise RunFolderError(f"{target} is there already.", hint="Move it away first.")
        source.rename(target)
    except OSError as error:
        raise RunFolderError(f"Cannot move {source} to {target}: {error.strerror}.") from None
    return target
