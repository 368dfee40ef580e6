"""`seqlab ask`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqlab.cli import options
from seqlab.cli.answer import Story, answers_texts, open_answering, probable, read_story
from seqlab.cli.console import say, tell
from seqlab.cli.language_model import Encoding, harmless

if TYPE_CHECKING:
    from seqlab.session.opening import Session

SHOWN = 3
"""Answers that are shown, the likeliest first."""


def ask(
    run: options.NamedRun = "latest",
    story: Story = None,
    encoding: Encoding = None,
    checkpoint: options.Checkpoint = "best",
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
) -> None:
    """Tell a trained model a story, line by line, and ask about it; or ask one question after the other.

    Of a task with stories a line that ends in a question mark is asked, every other is told, and an empty one
    begins a new story. Of other tasks each line is asked. Ctrl-D ends.

    Examples: seqlab ask latest / seqlab ask latest --story facts.txt
    """
    found = options.the_run(run, where=answers_texts, kind="run that answers questions")
    options.admit_plugins(found, model, task, anyway=anyway)
    session = open_answering(found, checkpoint, model, task, anyway=anyway)
    told = [] if story is None else read_story(session, story, encoding, found)
    for line in _typed(session):
        told = _hear(session, told, line.strip())


def _typed(session: Session) -> Iterator[str]:
    """Yield lines of standard input; on a terminal it is said what may be typed, and when."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    tell("Tell it something, or ask with a ? at the end. " * session.task.has_statements + "Ctrl-D ends.")
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
            return
        yield line


def _hear(session: Session, told: list[str], line: str) -> list[str]:
    """Answer a line that asks something; return what has been told so far, this line included."""
    from seqlab.errors import SeqlabError

    task = session.task
    if not line:
        if told:
            tell("A new story begins.")
        return []
    try:
        if task.has_statements and not line.endswith("?"):
            task.ask(f"{line}\n{line}")  # which says what is unknown in it
            return [*told, line]
        _answer(session, [*told, line])
    except SeqlabError as error:
        tell(" ".join(filter(None, [error.message, error.hint])))
    return told


def _answer(session: Session, lines: list[str]) -> None:
    from seqlab.session.answering import answers_of, questions_of

    asked = questions_of(session.task, ["\n".join(lines)])
    (answers,) = answers_of(session.task, session.model, asked, beam=SHOWN, nbest=SHOWN)
    say(harmless(", ".join(f"{one.text} ({probable(one.probability)})" for one in answers)))
