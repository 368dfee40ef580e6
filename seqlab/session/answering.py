"""Questions and what a finished model writes to them: a few held-out ones, and those of a user's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import PAD, Batch
from seqlab.doing import doing
from seqlab.errors import RunFolderError, SeqlabError, TextError, UsageError
from seqlab.generation.answers import best_of, write_answers, write_slowly
from seqlab.generation.beam import Hypothesis
from seqlab.models import SequenceModel
from seqlab.runs import Run
from seqlab.session.opening import Session
from seqlab.tasks import Form, Task

QUESTIONS = 12
"""Held-out ones of which the answers are kept."""

AT_ONCE = 64
"""Questions of a user's that are answered side by side."""


@dataclass(frozen=True)
class Answer:
    """What a model writes to a question.

    Attributes:
        text: without what ends it.
        log_probability: of writing just this, its end included, in nats.
        score: by which several are ranked.
        is_ended: whether it came to its end before it was as long as an answer may be.
    """

    text: str
    log_probability: float
    score: float
    is_ended: bool

    @property
    def probability(self) -> float:
        """The probability of writing just this."""
        return math.exp(self.log_probability)


def keep_answers(run: Run, session: Session) -> None:
    """Let the model of a session answer some held-out questions, where these and the answers are texts."""
    task = session.task
    if not task.in_text:
        return
    with doing("answering a few held-out questions"):
        batch = next(iter(task.evaluation("test", QUESTIONS, session.experiment.seed)))
        assert batch.mask is not None
        written = best_of(write_answers(session.model, task.spec, batch, "greedy"))
        wanted = [
            row.numpy().reshape(1) if batch.targets.dim() == 1 else row[counted].numpy()
            for row, counted in zip(batch.targets, batch.mask, strict=True)
        ]
        run.keep_answers(
            [
                {"asked": question, "right": task.text_of(right), "written": task.text_of(own)}
                for question, right, own in zip(task.asked(batch), wanted, written, strict=True)
            ]
        )


def require_answers(run: Run, task: Task) -> None:
    """Refuse a run whose questions and answers are no texts.

    Raises:
        RunFolderError: saying what the run is for instead.
    """
    if not task.in_text:
        asked = '"QUESTION" ' if task.asks_about_pictures else ""
        raise RunFolderError(
            f"{run.id} writes no answers: its task, {run.info().task}, has no questions in writing.",
            hint=f"Show it a picture: seqlab answer {run.id} {asked}--image FILE"
            if task.sees is not None
            else "Train one that does: seqlab train dates. What a network says step by step is shown by "
            f"seqlab inspect {run.id}",
        )


def require_sees(run: Run, task: Task, question: str | None) -> Form:
    """Return the form of the pictures that a run's model sees.

    Raises:
        RunFolderError: when it sees none; with what the run is for instead.
        UsageError: when a question is asked that does not belong to them, or lacks.
    """
    name = run.info().task
    if task.sees is None:
        raise RunFolderError(
            f"{run.id} sees no pictures of yours: its task, {name}, has none.",
            hint="Train one that does: seqlab train digit-captions, or row-digits",
        )
    if task.asks_about_pictures and question is None:
        raise UsageError(
            f"Nothing is asked: {name} asks about each picture.",
            hint=f'seqlab answer {run.id} "QUESTION" --image FILE, or '
            f'seqlab inspect {run.id} --input "QUESTION" --image FILE',
        )
    if question is not None and not task.asks_about_pictures:
        raise UsageError(
            f"{question!r} is asked, but {name} asks nothing about a picture.",
            hint="Leave the question out: --image FILE",
        )
    return task.sees


def questions_of(task: Task, questions: Sequence[str]) -> list[Batch]:
    """Return questions as a user writes them, as batches of one row each.

    Raises:
        TextError: when a question is none of the task's, naming its number where there are several.
    """
    return [
        _ask(task, question, len(questions) > 1 and number) for number, question in enumerate(questions, 1)
    ]


def answers_of(
    task: Task,
    model: SequenceModel,
    asked: Sequence[Batch],
    *,
    beam: int | None = None,
    nbest: int = 1,
    normalise: float = 0.0,
) -> Iterator[list[Answer]]:
    """Yield a model's answers to each question, at most ``nbest``, the best first.

    Args:
        task: which the model has learned.
        model: put into evaluation mode.
        asked: batches of one row each.
        beam: hypotheses that are followed; None to write the likeliest symbol each time.
        nbest: answers to each question, of a beam.
        normalise: the exponent of the length by which a beam's answers are ranked; see
            :class:`seqlab.generation.beam.Beam`.
    """
    device = next(model.parameters()).device
    for first in range(0, len(asked), AT_ONCE):
        batch = _beside(asked[first : first + AT_ONCE]).to(device)
        found = (
            write_answers(model, task.spec, batch, "greedy")
            if beam is None
            else write_answers(model, task.spec, batch, "beam", width=beam, normalise=normalise)
        )
        for hypotheses in found:
            yield [_answer(task, one) for one in hypotheses[:nbest]]


def answer_slowly(task: Task, model: SequenceModel, asked: Batch) -> Iterator[Answer]:
    """Yield a model's likeliest answer to one question as it is written, after each symbol."""
    batch = asked.to(next(model.parameters()).device)
    for hypothesis in write_slowly(model, task.spec, batch):
        yield _answer(task, hypothesis)


def _ask(task: Task, question: str, number: int) -> Batch:
    try:
        return task.ask(question)
    except SeqlabError as error:
        place = f"Line {number}: " if number else ""
        raise TextError(place + error.message, hint=error.hint) from None


def _answer(task: Task, found: Hypothesis) -> Answer:
    symbols, writes = found.symbols, task.spec.writes
    is_ended = writes is None or (len(symbols) > 0 and int(symbols[-1]) == writes.end)
    return Answer(task.text_of(symbols), found.log_probability, found.score, is_ended)


def _beside(batches: Sequence[Batch]) -> Batch:
    """Return batches of one row each as one, with padding in front of shorter rows."""
    masks = [batch.mask for batch in batches if batch.mask is not None]
    return Batch(
        _padded([batch.inputs for batch in batches], PAD),
        _padded([batch.targets for batch in batches], 0),
        _padded(masks, 0),
        context={
            name: _padded([batch.context[name] for batch in batches], PAD) for name in batches[0].context
        },
    )


def _padded(rows: Sequence[Tensor], fill: int) -> Tensor:
    """Return tensors of one row each as one, each axis filled in front up to the longest."""
    widest = [max(sizes) for sizes in zip(*(row.shape[1:] for row in rows), strict=True)]
    return torch.cat([F.pad(row, _lacking(row, widest), value=fill) for row in rows])


def _lacking(row: Tensor, widest: Sequence[int]) -> list[int]:
    """Return what is to be filled in front of and behind each axis but the first, the last axis first."""
    lacking = [wide - own for wide, own in zip(widest, row.shape[1:], strict=True)]
    return [count for own in reversed(lacking) for count in (own, 0)]
