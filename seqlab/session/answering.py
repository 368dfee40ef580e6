"""A few held-out questions and what a finished model writes to them, to be looked at."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from seqlab.contracts import PAD
from seqlab.doing import doing
from seqlab.generation.answers import best_of, questions, write_answers
from seqlab.runs import Run
from seqlab.session.opening import Session

QUESTIONS = 12


def keep_answers(run: Run, session: Session) -> None:
    """Let the model of a session answer some held-out questions, where answers are written in characters."""
    task = session.task
    if task.spec.writes is None or task.vocabulary is None or task.spec.inputs != "tokens":
        return
    with doing("answering a few held-out questions"):
        batch = next(iter(task.evaluation("test", QUESTIONS, session.experiment.seed)))
        assert batch.mask is not None
        written = best_of(write_answers(session.model, task.spec, batch, "greedy"))
        asked = questions(batch, task.spec)
        wanted = [row[counted] for row, counted in zip(batch.targets, batch.mask, strict=True)]
        decode = task.vocabulary.decode
        run.keep_answers(
            [
                {"asked": decode(_read(question)), "right": decode(right.numpy()), "written": decode(own)}
                for question, right, own in zip(asked, wanted, written, strict=True)
            ]
        )


def _read(question: Tensor) -> np.ndarray:
    symbols: np.ndarray = question[question != PAD].numpy()
    return symbols
