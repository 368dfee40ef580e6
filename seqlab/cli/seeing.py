"""Pictures of a user's, shown to a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli.console import tell

if TYPE_CHECKING:
    from seqlab.contracts import Batch
    from seqlab.runs import Run, RunInfo
    from seqlab.session import Session

Image = Annotated[
    Path | None,
    typer.Option("--image", help="A picture, PNG or JPEG, which is resized to what the model sees."),
]


def sees_pictures(info: RunInfo) -> bool:
    """Say whether a run's model can be shown a picture."""
    return bool(info.extra.get("sees"))


def see_picture(run: Run, session: Session, image: Path, question: str | None = None) -> Batch:
    """Return a picture of a user's as the model of a run sees it, and say what was done to it.

    Raises:
        RunFolderError: when the model sees no pictures.
        UsageError: when there is a question that does not belong to them, or none where one does.
        TextError: when the file is no picture, or the question none of the task's.
    """
    from seqlab.session.answering import require_sees
    from seqlab.session.seeing import see_file

    seen = see_file(image, require_sees(run, session.task, question))
    tell(f"{image}: {'; '.join(seen.how)}")
    return session.task.see(seen.pixels, question)
