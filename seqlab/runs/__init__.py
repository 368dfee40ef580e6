"""Run folders: what training leaves behind, and all that the other commands know of it. No torch."""

from seqlab.runs.files import replace_file
from seqlab.runs.folder import Run
from seqlab.runs.info import RunInfo, Status
from seqlab.runs.store import (
    RunEntry,
    create_report,
    create_run,
    find_run,
    list_runs,
    read_entry,
    restore_run,
    runs_dir,
    short_model,
    trash_dir,
    trash_run,
)
from seqlab.runs.summary import headline

__all__ = [
    "Run", "RunEntry", "RunInfo", "Status", "create_report", "create_run", "find_run", "headline",
    "list_runs", "read_entry", "replace_file", "restore_run", "runs_dir", "short_model", "trash_dir",
    "trash_run",
]  # fmt: skip
