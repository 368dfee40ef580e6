"""New folders among the runs, which get their names when all is in them."""

from __future__ import annotations

import errno
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seqlab.errors import RunFolderError
from seqlab.runs.folder import Run
from seqlab.runs.info import FORMAT, RunInfo, git_commit, now, this_process, to_mapping, versions
from seqlab.runs.machine import machine
from seqlab.runs.store import REPORTS, STAMP, runs_dir, safe_name, short_model, writing_to_runs_dir

UNNAMED_FOR = 600.0
"""Seconds for which a folder without a name and without a process may be one that is just being made."""


def create_run(
    experiment: str,
    model: str,
    seed: int,
    *,
    command: str | Sequence[str],
    config_text: str,
    task: str = "",
    data_hash: str | None = None,
    extra: Mapping[str, Any] | None = None,
    fill: Callable[[Run], None] | None = None,
) -> Run:
    """Make the folder of a new run, with its ``config.yaml`` and ``run.json`` (status ``running``).

    It gets its name when all is in it, so that a run that is there can be gone on with.

    Args:
        experiment: the experiment's name.
        model: the model's name, or the path of a user's own file, of which the stem names the folder.
        seed: the seed.
        command: the command line, as text or as words.
        config_text: every setting, resolved, as YAML.
        task: the task's name.
        data_hash: of the corpus, where there is one.
        extra: additions to ``run.json``.
        fill: writes what else belongs into the folder from the beginning, and changes no more.

    Returns:
        The run; no other run, of whatever process, has its folder.

    Raises:
        RunFolderError: when no folder can be made there.
    """
    created = now()
    info = RunInfo(
        status="running",
        created=created,
        experiment=experiment,
        model=model,
        seed=seed,
        task=task,
        command=command if isinstance(command, str) else shlex.join(command),
        started=created,
        versions=versions(),
        git_commit=git_commit(),
        machine=machine(),
        data_hash=data_hash,
        process=this_process(),
        extra=dict(extra or {}),
        format=FORMAT,
    )
    stamp = datetime.fromisoformat(created).strftime("%Y%m%d-%H%M%S")
    name = f"{safe_name(experiment)}-{safe_name(short_model(model))}-s{seed}-{stamp}"
    with writing_to_runs_dir():
        run = Run(_make_folder(runs_dir(), f".{name}"))
        try:
            for folder in (run.checkpoints, run.figures, run.samples):
                folder.mkdir()
            run.write_config(config_text)
            if fill is not None:
                fill(run)
            files = run.checksums(*run.path.rglob("*"))
            run.write_info({**to_mapping(info), "files": files})
            return Run(_give_name(run.path, name))
        except BaseException:
            shutil.rmtree(run.path, ignore_errors=True)
            raise


def sweep_unnamed() -> list[Path]:
    """Delete the folders of runs that were killed before they got their names; return where they lay."""
    try:
        found = [path for path in runs_dir().iterdir() if path.name[0] == "." and STAMP.search(path.name)]
    except OSError:
        return []
    gone = []
    for path in found:
        try:
            alive = Run(path).info().status == "running"
        except (RunFolderError, OSError):
            alive = _is_new(path)
        if not alive and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path)
    return gone


def _is_new(path: Path) -> bool:
    """Say whether a folder may be one that is just being made, or has just got its name."""
    try:
        return time.time() - path.stat().st_mtime < UNNAMED_FOR
    except OSError:  # it is gone
        return True


def create_report(name: str) -> Path:
    """Make the folder of a comparison or measurement, ``reports/<name>-<UTC time>-<4 hex>``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with writing_to_runs_dir():
        return _make_folder(runs_dir() / REPORTS, f"{safe_name(name)[:100]}-{stamp}")


def _make_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        path = parent / f"{name}-{secrets.token_hex(2)}"
        try:
            path.mkdir()
        except FileExistsError:  # another run of the same second drew the same number
            continue
        return path


def _give_name(unnamed: Path, name: str) -> Path:
    """Give a folder its name and a number that no other has."""
    path = unnamed.with_name(unnamed.name.removeprefix("."))
    while True:
        try:
            return unnamed.rename(path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            path = unnamed.with_name(f"{name}-{secrets.token_hex(2)}")
