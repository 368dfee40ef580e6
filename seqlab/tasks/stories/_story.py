"""A story as it is told: statements, and questions that may stand between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple


class Question(NamedTuple):
    """A question about what a story has told so far.

    Attributes:
        words: of the question, without its mark.
        answer: a word, or several joined by commas.
        after: how many statements stand before it.
        supporting: the numbers, from 0, of the statements from which the answer follows, ascending.
    """

    words: str
    answer: str
    after: int
    supporting: tuple[int, ...]


@dataclass
class Story:
    """Statements in their order, without full stops, and the questions between them.

    Sentences are words with single spaces between. Names are capitalised, and no other words are.
    """

    statements: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def tell(self, statement: str) -> int:
        """Go on with a statement, and return its number."""
        self.statements.append(statement)
        return len(self.statements) - 1

    def ask(self, words: str, answer: str, supporting: Iterable[int]) -> None:
        """Go on with a question."""
        numbers = tuple(sorted(set(supporting)))
        self.questions.append(Question(words, answer, len(self.statements), numbers))


Told = tuple[int, Story]
"""A story behind the number of its kind."""


@dataclass(frozen=True)
class Tale:
    """A kind of story.

    Attributes:
        title: what is asked of the reader.
        tell: draws a story; the random numbers are Python's, which draws single ones fastest.
        answers: all that there are.
    """

    title: str
    tell: Callable[[Random], Story]
    answers: tuple[str, ...]
