"""What a run records, as it comes: read by one process while another trains."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from seqlab.errors import RunFolderError
from seqlab.files import from_json
from seqlab.runs.folder import Run

Records = list[dict[str, Any]]

KEPT = 4096
"""Bytes that are read again each time: where they are others by now, so may be all before them."""


def follow(
    run: Run, every: float = 1.0, pause: Callable[[float], None] = time.sleep
) -> Iterator[tuple[bool, Records]]:
    """Yield the records so far, then those that come, until the run has ended.

    A line that is half written waits for its other half. Where a run goes on from a checkpoint, the lines
    behind that are taken back, and made again: then all records so far are yielded anew.

    Args:
        run: that may still be in training.
        every: seconds between two looks.
        pause: waits so long.

    Yields:
        Whether what was yielded before no longer holds, and the records.

    Raises:
        RunFolderError: when a line is damaged.
    """
    place, tail = 0, b""
    while True:
        ended = run.info().status != "running"  # asked first: what it wrote to its end is read below
        text = _text(run, place - len(tail))
        anew = not text.startswith(tail)
        if anew:
            place, tail, text = 0, b"", _text(run, 0)
        whole = text[len(tail) : text.rfind(b"\n") + 1]
        yield anew, _records(run, whole)
        if whole:
            place, tail = place + len(whole), whole[-KEPT:]
        if ended:
            return
        pause(every)


def _text(run: Run, place: int) -> bytes:
    """Return what stands in the file from a place on."""
    try:
        with run.metrics_path.open("rb") as file:
            file.seek(place)
            return file.read()
    except FileNotFoundError:
        return b""


def _records(run: Run, text: bytes) -> Records:
    """Return the records of whole lines."""
    found = []
    for line in filter(bytes.strip, text.splitlines()):
        try:
            record = from_json(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise RunFolderError(f"{run.metrics_path} is damaged: it holds {line[:40]!r}.")
        found.append(record)
    return found
