"""Run folders: what training leaves behind, and all that the other commands know of it. No torch."""

from seqlab.files import replace_file
from seqlab.runs.folder import Run
from seqlab.runs.guessing import Guessed, guessed, remark
from seqlab.runs.info import RunInfo, Status
from seqlab.runs.notes import note_of, tag_run, tags_of, write_note
from seqlab.runs.store import (
    RunEntry,
    create_report,
    create_run,
    find_run,
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

__all__ = [
    "Guessed", "Run", "RunEntry", "RunInfo", "Status", "create_report", "create_run", "find_run",
    "guessed", "headline", "list_runs", "make_runs_dir", "note_of", "read_entry", "remark",
    "replace_file", "restore_run", "runs_dir", "short_model", "tag_run", "tags_of", "trash_dir",
    "trash_run", "write_note",
]  # fmt: skip
