"""Stories as numbers: every sentence once, and questions that point into the stories they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD
from seqlab.errors import TextError, nearest
from seqlab.outside import shortened
from seqlab.tasks._passes import Integers
from seqlab.tasks._rows import side_by_side
from seqlab.tasks.stories._story import Told
from seqlab.text.vocabulary import Vocabulary

FULL_STOP = "."
"""Ends a statement where a story is read in one row."""

LISTED = 60
"""Known words that are named to whoever asks with an unknown one."""


@dataclass(frozen=True)
class Words:
    """The words of stories and questions, which are the same in small and in capital letters.

    Attributes:
        vocabulary: the words as they print.

    >>> words = Words.of(["Mary", "is", "where"])
    >>> words.numbers("Where is Mary"), words.text([2, 1, 0])
    ([2, 1, 0], 'where is Mary')
    """

    vocabulary: Vocabulary

    @classmethod
    def of(cls, words: Iterable[str]) -> Words:
        """Return words in the order of their code points."""
        return cls(Vocabulary.counted(Counter(words), "word"))

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.casefold() in self._numbers

    def numbers(self, sentence: str) -> list[int]:
        """Return the numbers of a sentence's words.

        Raises:
            TextError: naming the first one that is unknown, its sentence, and the word most like it.
        """
        try:
            return [self._numbers[word.casefold()] for word in sentence.split()]
        except KeyError:
            unknown = next(word for word in sentence.split() if word.casefold() not in self._numbers)
        near = nearest(unknown, self.vocabulary.symbols)
        inside = "" if unknown == sentence else f" of {shortened(sentence)!r}"
        raise TextError(
            f"The word {shortened(unknown)!r}{inside} is none of the {len(self)} that the task knows.",
            hint=(f"Did you mean {near!r}? " if near else "")
            + f"Known are: {' '.join(self.vocabulary.symbols[:LISTED])}"
            + " ..." * (len(self) > LISTED),
        )

    def text(self, numbers: Iterable[int]) -> str:
        """Return the sentence of some numbers."""
        return " ".join(self.vocabulary.symbols[number] for number in numbers)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word.casefold(): number for number, word in enumerate(self.vocabulary.symbols)}


@dataclass(frozen=True)
class Questions:
    """Many questions with their stories.

    Attributes:
        sentences: (U, W) words of every sentence that there is, PAD in front; the first is empty.
        told: (L,) by their rows, the statements of all stories, one story behind the other.
        begins: (N,) where in ``told`` the story of a question begins.
        ends: (N,) where what has been told before the question ends.
        asked: (N,) the rows of the questions.
        answers: (N,) classes.
        supporting: (N, K) statements from which the answers follow, counted from the beginning of the story,
            PAD in front.
        kinds: (N,) the numbers of the kinds.
    """

    sentences: Integers
    told: Integers
    begins: Integers
    ends: Integers
    asked: Integers
    answers: Integers
    supporting: Integers
    kinds: Integers

    @classmethod
    def of(cls, stories: Iterable[Told], words: Words, answers: Mapping[str, int]) -> Questions:
        """Return the questions of some stories.

        Args:
            stories: with their kinds.
            words: which they are made of.
            answers: the number of each.
        """
        rows = {"": 0}
        told: list[int] = []
        facts: list[tuple[int, int, int, int, int]] = []
        supporting: list[tuple[int, ...]] = []
        for kind, story in stories:
            begin = len(told)
            told += [rows.setdefault(statement, len(rows)) for statement in story.statements]
            for question in story.questions:
                asked = rows.setdefault(question.words, len(rows))
                facts.append((begin, begin + question.after, asked, answers[question.answer], kind))
                supporting.append(question.supporting)
        begins, ends, asked_, classes, kinds = np.array(facts, np.int64).reshape(-1, 5).T.copy()
        return cls(
            sentences=side_by_side([words.numbers(sentence) for sentence in rows]),
            told=np.array(told, np.int64),
            begins=begins,
            ends=ends,
            asked=asked_,
            answers=classes,
            supporting=side_by_side(supporting),
            kinds=kinds,
        )

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def lengths(self) -> Integers:
        """How many statements stand before each question, (N,)."""
        return self.ends - self.begins

    def question(self, which: Integers) -> Integers:
        """Return the words of some questions, (B, T), PAD in front of shorter ones."""
        return trimmed(self.sentences[self.asked[which]])

    def story(self, which: Integers) -> Integers:
        """Return what is told before some questions, (B, S, W): PAD in front of shorter sentences, and whole
        sentences of PAD in front of shorter stories; at least one sentence of one word."""
        ends, count = self.ends[which, None], max(1, int(self.lengths[which].max()))
        places = ends + np.arange(-count, 0)
        is_told = places >= self.begins[which, None]
        rows = np.where(is_told, self.told[places * is_told], 0) if len(self.told) else np.zeros_like(places)
        return trimmed(self.sentences[rows])

    def supports(self, which: Integers) -> NDArray[np.bool_]:
        """Return whether the answers follow from each sentence of :meth:`story`, (B, S)."""
        lengths = self.lengths[which]
        count = max(1, int(lengths.max()))
        numbers = self.supporting[which]
        found = np.zeros((len(which), count), bool)
        row, column = np.nonzero(numbers != PAD)
        found[row, numbers[row, column] + count - lengths[row]] = True
        return found


def trimmed(rows: Integers) -> Integers:
    """Return (..., W) without the columns that are PAD in all rows, but with one at least.

    >>> trimmed(np.array([[-1, -1, 1], [-1, 2, 3]])).tolist()
    [[-1, 1], [2, 3]]
    """
    there = (rows != PAD).any(tuple(range(rows.ndim - 1)))
    first = int(there.argmax()) if there.any() else rows.shape[-1] - 1
    return rows[..., first:]


def in_one_row(story: Integers, question: Integers, full_stop: int) -> Integers:
    """Return stories (B, S, W) with a full stop behind each statement, and the questions (B, T) behind.

    >>> in_one_row(np.array([[[-1, -1], [-1, 5]], [[3, 4], [-1, 6]]]), np.array([[7], [8]]), 0).tolist()
    [[-1, -1, -1, 5, 0, 7], [3, 4, 0, 6, 0, 8]]
    """
    stops = np.where((story != PAD).any(-1, keepdims=True), full_stop, PAD)
    row = np.concatenate([np.concatenate([story, stops], -1).reshape(len(story), -1), question], 1)
    order = np.argsort(row != PAD, axis=1, kind="stable")  # PAD first, the words as they stand
    return trimmed(np.take_along_axis(row, order, 1))


def sentences_of(text: str, known: Words) -> list[str]:
    """Return the sentences of a text as words: the end of a line, or a ``.``, ``?`` or ``!``, ends one.

    Numbers may begin it. A known word is kept as it is: one with a full stop behind it ends no sentence, and
    a number is no number of a line.

    >>> known = Words.of(["Mr.", "Bean", "2", "dogs", "left"])
    >>> sentences_of("1 Mr. Bean  left.\\n2 dogs left. 3 left?\\tyes\\t1", known)
    ['Mr. Bean left', '2 dogs left', 'left']
    """
    sentences = [""]
    for line in text.splitlines():
        for word in line.partition("\t")[0].split():
            bare = word if word in known and word != FULL_STOP else word.rstrip(".?!")
            if bare and not (not sentences[-1] and bare.isdigit() and bare not in known):
                sentences[-1] += f" {bare}" if sentences[-1] else bare
            if bare != word:
                sentences.append("")
        sentences.append("")
    return [sentence for sentence in sentences if sentence]
