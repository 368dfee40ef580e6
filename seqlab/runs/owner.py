"""One owner: a run is trained by one process at a time.

The owner holds a lock on a file in the run's folder. The system takes it back when the process ends,
however it ends, so a dead owner keeps nobody out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from seqlab.errors import Remark, RunFolderError
from seqlab.runs.folder import Run

LOCK = ".lock"


@contextmanager
def owning(run: Run) -> Iterator[None]:
    """Own a run for as long as this lasts.

    Raises:
        RunFolderError: when another process owns it, with its number and since when if it trains already.

    Warns:
        Remark: where the file system knows no locks, as some network disks do.
    """
    from filelock import FileLock, Timeout  # not where runs are only listed: it brings asyncio

    lock = FileLock(run.path / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        owner = whose(run) if run.info().status == "running" else "another process, which has just begun"
        raise RunFolderError(
            f"{run.id} is being trained by {owner}.",
            hint="Wait for it, or stop it first: Ctrl-C there saves it.",
        ) from None
    except NotImplementedError:
        warnings.warn(
            Remark(f"The disk of {run.path} knows no locks: see to it yourself that one command trains it."),
            stacklevel=3,
        )
        yield
        return
    try:
        yield
    finally:
        lock.release()


def is_owned(run: Run) -> bool:
    """Say whether a process trains a run just now."""
    if not (run.path / LOCK).is_file():
        return False
    try:
        with owning(run):
            return False
    except RunFolderError:
        return True


def whose(run: Run) -> str:
    """Return in words which process trains a run, or did so last, on which machine, since when."""
    info = run.info()
    since = (info.started or info.created)[:19].replace("T", " ")
    return f"process {info.pid} of {info.process.get('host', 'this machine')}, since {since} UTC"
