"""Tags and a note on a run, kept in its ``run.json``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqlab.errors import UsageError
from seqlab.runs.folder import Run
from seqlab.runs.info import RunInfo

_TAG = re.compile(r"[\w.-]{1,40}")


def tags_of(info: RunInfo) -> list[str]:
    """Return a run's tags, sorted."""
    found = info.extra.get("tags")
    return sorted(map(str, found)) if isinstance(found, list) else []


def note_of(info: RunInfo) -> str | None:
    """Return a run's note, or None."""
    found = info.extra.get("note")
    return found if isinstance(found, str) and found else None


def tag_run(run: Run, add: Sequence[str] = (), remove: Sequence[str] = ()) -> list[str]:
    """Add tags to a run and take others from it; return those that it has then.

    Raises:
        UsageError: when a tag is not a word, or one to be removed is not there.
    """
    for tag in add:
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} cannot be a tag.", hint="A tag is one word of letters, digits, hyphens and dots."
            )
    tags = tags_of(run.info())
    for tag in remove:
        if tag not in tags:
            has = f"it has {', '.join(tags)}" if tags else "it has none"
            raise UsageError(f"{run.id} has no tag {tag!r}; {has}.")
    kept = sorted({*tags, *add} - set(remove))
    run.update_info(extra={"tags": kept})
    return kept


def write_note(run: Run, text: str | None) -> None:
    """Write a run's note in the place of the one it has; None takes it away."""
    run.update_info(extra={"note": text.strip() if text else None})
