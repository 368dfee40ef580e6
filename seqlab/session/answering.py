"""A few held-out questions and what a finished model writes to them, to be looked at."""

from __future__ import annotations

from seqlab.doing import doing
from seqlab.generation.answers import best_of, write_answers
from seqlab.runs import Run
from seqlab.session.opening import Session

QUESTIONS = 12


def keep_answers(run: Run, session: Session) -> None:
    """Let the model of a session answer some held-out questions, where these and the answers are texts."""
    task = session.task
    if not task.in_text:
        return
    with doing("answering a few held-out questions"):
        batch = next(iter(task.evaluation("test", QUESTIONS, session.experiment.seed)))
        assert batch.mask is not None
        written = best_of(write_answers(session.model, task.spec, batch, "greedy"))
        wanted = [row[counted].numpy() for row, counted in zip(batch.targets, batch.mask, strict=True)]
        run.keep_answers(
            [
                {"asked": question, "right": task.text_of(right), "written": task.text_of(own)}
                for question, right, own in zip(task.asked(batch), wanted, written, strict=True)
            ]
        )
