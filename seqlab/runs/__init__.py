"""Run folders: what training leaves behind, and all that the other commands know of it. No torch."""

from seqlab.files import replace_file
from seqlab.runs.folder import Run
from seqlab.runs.guessing import Guessed, guessed, remark
from seqlab.runs.info import RunInfo, Status
from seqlab.runs.making import create_report, create_run, sweep_unnamed
from seqlab.runs.notes import note_of, tag_run, tags_of, write_note
from seqlab.runs.owner import owning, whose
from seqlab.runs.store import (
    RunEntry,
    find_run,
    latest_run,
    list_runs,
    make_runs_dir,
    read_entry,
    restore_run,
    runs_dir,
    short_model,
    trash_dir,
    trash_run,
)
from seqlab.runs.summary import headline
from seqlab.runs.written import Written

__all__ = [
    "Guessed",
    "Run",
    "RunEntry",
    "RunInfo",
    "Status",
    "Written",
    "create_report",
    "create_run",
    "find_run",
    "guessed",
    "headline",
    "latest_run",
    "list_runs",
    "make_runs_dir",
    "note_of",
    "owning",
    "read_entry",
    "remark",
    "replace_file",
    "restore_run",
    "runs_dir",
    "short_model",
    "sweep_unnamed",
    "tag_run",
    "tags_of",
    "trash_dir",
    "trash_run",
    "whose",
    "write_note",
]  # fmt: skip
