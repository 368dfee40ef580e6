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
from seqlab.cli.seeing import Image, see_picture, sees_pictures
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.contracts import Batch
    from seqlab.runs import Run, RunInfo
    from seqlab.session.answering import Answer
    from seqlab.session.opening import Session


Story = Annotated[
    Path | None,
    typer.Option(help="A file with the statements, one on each line, that the questions are about."),
]


def answer(
    run: options.NamedRun = "latest",
    question: Annotated[
        str | None, typer.Argument(help='What is asked, such as "3. Mai 2009"; default: lines of --file.')
    ] = None,
    file: Annotated[
        Path, typer.Option(help="A file with a question on each line; - for standard input.")
    ] = Path("-"),
    story: Story = None,
    encoding: Encoding = None,
    image: Image = None,
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
    """Let a trained model answer: a date to be rewritten, a sentence to be translated, a program to be run,
    a question about a story; or say what a picture shows.

    The probability is that of writing just this answer, to its end.

    Examples: seqlab answer latest "3. Mai 2009" / seqlab answer latest --file dates.txt --beam 4 --nbest 3 /
    seqlab answer latest "Where is Mary?" --story facts.txt / seqlab answer latest --image digits.png
    """
    from seqlab.session.answering import answers_of

    beam = _beam(beam, nbest, normalise)
    _require_one_way(image, story, file)
    sought = ANSWERING if image is None else SEEING
    found = options.the_run(run, where=sought[0], kind=sought[1])
    if image is None and question is None:
        _require_lines(file, found)
    options.admit_plugins(found, model, task, anyway=anyway)
    session = open_answering(found, checkpoint, model, task, anyway=anyway, in_text=image is None)
    if image is None:
        questions, asked = _questions(found, session, question, file, story, encoding)
    else:
        questions = [str(image) if question is None else f"{image}: {question}"]
        asked = [see_picture(found, session, image, question)]
    if question is not None and image is None and beam is None and not as_json and sys.stdout.isatty():
        return _stream(session, asked[0])
    with doing("answering"):
        answers = list(
            answers_of(session.task, session.model, asked, beam=beam, nbest=nbest, normalise=normalise)
        )
    if as_json:
        return show_json({"run": found.id, "checkpoint": checkpoint, "questions": _data(questions, answers)})
    return _show(questions, answers, several=nbest > 1)


def _beam(beam: int | None, nbest: int, normalise: float) -> int | None:
    """Return how many hypotheses are followed; None where the likeliest symbol is taken each time."""
    from seqlab.errors import UsageError

    if nbest > (beam or nbest):
        raise UsageError(f"--nbest is {nbest}, but a beam of {beam} has no more than that many answers.")
    beam = beam or (nbest if nbest > 1 else None)
    if normalise and beam is None:
        raise UsageError("--normalise ranks the answers of a beam.", hint="Add --beam 4")
    return beam


def _require_one_way(image: Path | None, story: Path | None, file: Path) -> None:
    """Refuse a picture beside what questions without one come from."""
    from seqlab.errors import UsageError

    if image is not None and (story is not None or str(file) != "-"):
        other = "--file" if story is None else "--story"
        raise UsageError(f"--image and {other} are both given.", hint="Leave one out.")


def _require_lines(file: Path, run: Run) -> None:
    """Refuse to wait for questions to be typed."""
    from seqlab.errors import UsageError

    if str(file) == "-" and sys.stdin.isatty():
        raise UsageError("Nothing is asked.", hint=f'seqlab answer {run.id} "QUESTION", or --file FILE')


def _questions(
    run: Run, session: Session, question: str | None, file: Path, story: Path | None, encoding: str | None
) -> tuple[list[str], list[Batch]]:
    """Return what is asked in writing, as it was written and as the model reads it."""
    from seqlab.session.answering import questions_of

    told = "" if story is None else "\n".join([*read_story(session, story, encoding, run), ""])
    questions = [question] if question is not None else _lines(file, encoding, run)
    return questions, questions_of(session.task, [told + one for one in questions])


def answers_texts(info: RunInfo) -> bool:
    """Say whether a run's model can be asked; of runs of earlier versions, whether it writes."""
    return bool(info.extra.get("in_text", (info.extra.get("spec") or {}).get("writes")))


ANSWERING = answers_texts, "run that answers questions"
SEEING = sees_pictures, "run that sees pictures"


def open_answering(
    run: Run,
    checkpoint: options.Weights,
    model: str | None,
    task: str | None,
    *,
    anyway: bool,
    in_text: bool = True,
) -> Session:
    """Build a run's task and its trained model.

    Args:
        run: that is asked.
        checkpoint: which weights.
        model: the user's own file that the model came from, or None.
        task: likewise.
        anyway: whether to take such a file although it has changed.
        in_text: whether it is asked in writing.

    Raises:
        RunFolderError: when it is to be asked in writing, and answers no such questions.
    """
    from seqlab.session import reopen
    from seqlab.session.answering import require_answers
    from seqlab.session.trained import load_trained

    session = reopen(run, model, task, anyway=anyway)
    if in_text:
        require_answers(run, session.task)
    load_trained(run, session.model, session.experiment, checkpoint)
    return session


def read_story(session: Session, story: Path, encoding: str | None, run: Run) -> list[str]:
    """Return the statements of a file, one on each line; lines with a tab ask something, and are left out.

    Raises:
        UsageError: when the run's task asks about no statements, or the file tells none, or several stories.
    """
    from seqlab.errors import UsageError

    if not session.task.has_statements:
        raise UsageError(
            f"The task {session.experiment.task.name} asks about no statements.",
            hint=f'Leave --story out: seqlab answer {run.id} "QUESTION"',
        )
    lines = read_file(story, encoding, run).splitlines()
    told = [line for line in lines if line.strip() and "\t" not in line]
    stories = sum(line.split()[0] == "1" for line in told)
    if not told or stories > 1:
        held = "tells nothing" if not told else f"holds {stories} stories, each from a line 1 on"
        raise UsageError(f"{story} {held}.", hint="Give one story, a statement on each line.")
    return told


def _lines(file: Path, encoding: str | None, run: Run) -> list[str]:
    """Return the lines that are asked, empty ones too, which are refused with their number."""
    from seqlab.errors import TextError

    lines = read_file(file, encoding, run).splitlines()
    if not lines:
        raise TextError("There is nothing to answer.", hint="Give a question on each line.")
    return lines


def _stream(session: Session, question: Batch) -> None:
    """Print an answer while it is written, and then how probable it is."""
    from seqlab.session.answering import answer_slowly

    shown, last = "", None
    for last in answer_slowly(session.task, session.model, question):
        sys.stdout.write(harmless(last.text[len(shown) :]))
        sys.stdout.flush()
        shown = last.text
    sys.stdout.write("\n" if shown else f"{readable(shown)}\n")
    if last is not None:
        ended = "" if last.is_ended else ", cut off where an answer may not be longer"
        tell(f"Probability {probable(last.probability)}{ended}")


def _data(questions: Sequence[str], answers: Sequence[Sequence[Answer]]) -> list[dict[str, Any]]:
    return [
        {"asked": asked, "answers": [{**asdict(one), "probability": one.probability} for one in found]}
        for asked, found in zip(questions, answers, strict=True)
    ]


def _show(questions: Sequence[str], answers: Sequence[Sequence[Answer]], *, several: bool) -> None:
    rows = [
        (asked, readable(one.text), probable(one.probability), *((f"{one.score:.4f}",) if several else ()))
        for asked, found in zip(questions, answers, strict=True)
        for one in found
    ]
    show_table(("asked", "answer", "probability", *(("score",) if several else ())), rows)


def readable(text: str) -> str:
    """Return an answer as it is shown: on a terminal one without a word is said to be so."""
    return text or ("(nothing)" if sys.stdout.isatty() else "")


def probable(probability: float) -> str:
    """Write a probability so that one near 1 or near 0 can be told from it.

    >>> probable(0.99996), probable(0.999999), probable(0.25), probable(1.2e-7)
    ('0.99996', '> 0.99999', '0.25', '1.2e-07')
    """
    if 0.999995 <= probability < 1:
        return "> 0.99999"
    return f"{probability:.3g}" if probability < 0.99 else f"{probability:.5f}"
