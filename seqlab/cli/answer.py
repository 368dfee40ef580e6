"""`seqlab answer`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.language_model import Encoding, Json, harmless, read_file
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.runs import Run, RunInfo
    from seqlab.session.answering import Answer
    from seqlab.session.opening import Session


def answer(
    run: options.NamedRun = "latest",
    question: Annotated[
        str | None, typer.Argument(help='What is asked, such as "3. Mai 2009"; default: lines of --file.')
    ] = None,
    file: Annotated[
        Path, typer.Option(help="A file with a question on each line; - for standard input.")
    ] = Path("-"),
    encoding: Encoding = None,
    beam: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Follow this many answers at a time; default: the likeliest symbol each."
        ),
    ] = None,
    nbest: Annotated[int, typer.Option(min=1, max=1000, help="Answers to each question, of a beam.")] = 1,
    normalise: Annotated[
        float,
        typer.Option(min=0, max=10, help="Rank a beam's answers by log p / length^NORMALISE; 0 by p."),
    ] = 0.0,
    checkpoint: options.Checkpoint = "best",
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    as_json: Json = False,
) -> None:
    """Let a trained model answer: a date to be rewritten, a sentence to be translated, a program to be run.

    The probability is that of writing just this answer, to its end.

    Examples: seqlab answer latest "3. Mai 2009" / seqlab answer latest --file dates.txt --beam 4 --nbest 3
    """
    from seqlab.errors import UsageError
    from seqlab.session.answering import answers_to

    if nbest > (beam or nbest):
        raise UsageError(f"--nbest is {nbest}, but a beam of {beam} has no more than that many answers.")
    beam = beam or (nbest if nbest > 1 else None)
    if normalise and beam is None:
        raise UsageError("--normalise ranks the answers of a beam.", hint="Add --beam 4")
    found = options.the_run(run, where=_writes, kind="run that writes answers")
    if question is None and str(file) == "-" and sys.stdin.isatty():
        raise UsageError("Nothing is asked.", hint=f'seqlab answer {found.id} "QUESTION", or --file FILE')
    options.admit_plugins(found, model, task, anyway=anyway)
    session = _open(found, checkpoint, model, task, anyway)
    questions = [question] if question is not None else _lines(file, encoding, found)
    if question is not None and beam is None and not as_json and sys.stdout.isatty():
        return _stream(session, question)
    with doing("answering"):
        answers = list(
            answers_to(session.task, session.model, questions, beam=beam, nbest=nbest, normalise=normalise)
        )
    if as_json:
        return show_json({"run": found.id, "checkpoint": checkpoint, "questions": _data(questions, answers)})
    return _show(questions, answers, several=nbest > 1)


def _writes(info: RunInfo) -> bool:
    return bool((info.extra.get("spec") or {}).get("writes"))


def _open(
    run: Run, checkpoint: options.Weights, model: str | None, task: str | None, anyway: bool
) -> Session:
    """Build a run's task and its trained model."""
    from seqlab.session import reopen
    from seqlab.session.answering import require_answers
    from seqlab.session.opening import load_trained

    session = reopen(run, model, task, anyway=anyway)
    require_answers(run, session.task)
    load_trained(run, session.model, session.experiment, checkpoint)
    return session


def _lines(file: Path, encoding: str | None, run: Run) -> list[str]:
    """Return the lines that are asked, empty ones too, which are refused with their number."""
    from seqlab.errors import TextError

    lines = read_file(file, encoding, run).splitlines()
    if not lines:
        raise TextError("There is nothing to answer.", hint="Give a question on each line.")
    return lines


def _stream(session: Session, question: str) -> None:
    """Print an answer while it is written, and then how probable it is."""
    from seqlab.session.answering import answer_slowly

    shown, last = "", None
    for last in answer_slowly(session.task, session.model, question):
        sys.stdout.write(harmless(last.text[len(shown) :]))
        sys.stdout.flush()
        shown = last.text
    sys.stdout.write("\n")
    if last is not None:
        ended = "" if last.is_ended else ", cut off where an answer may not be longer"
        tell(f"Probability {_word(last.probability)}{ended}")


def _data(questions: Sequence[str], answers: Sequence[Sequence[Answer]]) -> list[dict[str, Any]]:
    return [
        {"asked": asked, "answers": [{**asdict(one), "probability": one.probability} for one in found]}
        for asked, found in zip(questions, answers, strict=True)
    ]


def _show(questions: Sequence[str], answers: Sequence[Sequence[Answer]], *, several: bool) -> None:
    rows = [
        (asked, one.text, _word(one.probability), *((f"{one.score:.4f}",) if several else ()))
        for asked, found in zip(questions, answers, strict=True)
        for one in found
    ]
    show_table(("asked", "answer", "probability", *(("score",) if several else ())), rows)


def _word(probability: float) -> str:
    """Write a probability so that one near 1 or near 0 can be told from it.

    >>> _word(0.99996), _word(0.25), _word(1.2e-7)
    ('0.99996', '0.25', '1.2e-07')
    """
    return f"{probability:.3g}" if probability < 0.99 else f"{probability:.5f}"
