"""Stories of people, places and things, and questions about them, answered in a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import PAD, SUPPORTING, Batch, Signal, Spec, Split
from seqlab.errors import TextError
from seqlab.outside import shortened
from seqlab.tasks._base import Task
from seqlab.tasks._guessing import Guess, constant_guess
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCES, SHARE, Metric
from seqlab.tasks._passes import Integers, in_passes, order_of_pass
from seqlab.tasks.stories._numbers import FULL_STOP, Questions, Words, in_one_row, sentences_of
from seqlab.tasks.stories._published import Published, absolute
from seqlab.tasks.stories._story import Story
from seqlab.tasks.stories._tales import TALES, Simulated

STORY, KIND = "story", "kind"
"""What the context is called, and what is noted of each row of all kinds together."""

ROWS = 512
"""Held-out questions of a batch."""

PASSED = 0.05
"""The share of wrong answers up to which a kind does not fail, as the paper counts."""

FAILED = Metric("failed", False, (0.0, float(len(TALES))), "kinds failed")
JOINT = (FAILED, *(Metric(f"story-{kind}", True, SHARE, f"story {kind}") for kind in TALES))

ORDER = ("stories", "order")
"""Of what random stream the order of a pass is."""

NONE = torch.empty(0, dtype=torch.int64)


class Stories(Task):
    """Read a story, a sentence at a time, and answer a question about it in a word.

        Mary went to the kitchen. John travelled to the garden. Mary moved to the office.
        Where is Mary?                                                              office

    There are twenty kinds of stories, each told by a small simulation. The training set is fixed: so many
    questions, read over and over, in another order each time; a tenth of them is for validation, and 1,000
    others of each kind are for the test. No two of the three share a story.

        context    story    s(1) ... s(S)     (B, S, W) words; shorter sentences have PAD in front, and
                                              shorter stories have whole sentences of it
        inputs     q(1) ... q(T)              the question
        target     the answer, at the last step; lists are one answer, their words joined by commas

    With ``reading: sequence`` there is no context: the statements, a full stop behind each, and the question
    are read in one row. The notes of a batch say which sentences support the answer, so that it follows from
    them. Words are the same in small and in capital letters.

    Beside a model's figures stands the commonest answer or, where that does better, the one that the story
    mentions last.

    Args:
        story: the kind, by its number, or ``all`` twenty at once.
        questions: for training and validation, of each kind; the paper has 1,000 and 10,000.
        reading: whether the story is known, sentence by sentence, before the question is read, or all is one
            sequence.
        file: stories in the published form of the paper's data, which the settings keep absolute; ``story``
            and ``questions`` then have no say. Beside a file ``..._train.txt``, ``..._test.txt`` is the test
            set, where it is there; else a tenth of the stories is, by a hash, and a tenth is for validation.

    Raises:
        TextError: when the file is none of this form.

    Source:
        Weston, Bordes, Chopra & Mikolov, "Towards AI-complete question answering: a set of prerequisite toy
        tasks", 2015. The rules are those of its authors' program, but where that asks less, or more, than the
        paper describes (4, 10 to 13). The wording is our own.

    >>> task = Stories(questions=100)
    >>> batch = task.ask("Mary went to the kitchen. John moved to the garden. Where is Mary?")
    >>> task.spec.context["story"].form, tuple(batch.context["story"].shape), tuple(batch.inputs.shape)
    ('tokens(sentence,word)', (1, 2, 5), (1, 3))
    """

    in_text = True
    has_statements = True
    reads = "file"

    def __init__(
        self,
        *,
        story: Annotated[int, Field(ge=1, le=20)] | Literal["all"] = 1,
        questions: Annotated[int, Field(ge=10, le=1_000_000)] = 10_000,
        reading: Literal["sentences", "sequence"] = "sentences",
        file: Annotated[str | None, AfterValidator(absolute)] = None,
    ) -> None:
        self.reading = reading
        kinds = tuple(TALES) if story == "all" else (story,)
        self.source = Simulated(kinds, questions) if file is None else Published.read(file)
        self.data = self.source.data if isinstance(self.source, Published) else None
        self.is_joint = file is None and len(kinds) > 1
        self.words = Words.of([*self.source.words, *([FULL_STOP] if reading == "sequence" else [])])
        self.vocabulary, self.symbols = self.words.vocabulary, self.words.vocabulary.symbols
        self.answers, size = self.source.answers, len(self.words)
        context = {STORY: Signal("tokens", size, ("sentence", "word"))} if reading == "sentences" else {}
        self.places = dict.fromkeys(context, self.symbols)
        self.spec = Spec("tokens", size, "classes", len(self.answers), causal=False, context=context)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy; of all kinds together also how many fail, and the accuracy of each."""
        return (ACCURACY, *(JOINT if self.is_joint else ()), ERRORS, SEQUENCES, LOSS)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` questions of a pass in which each comes once, in any order."""
        questions = _questions(self, split, seed)
        return self._batch(questions, in_passes(ORDER, len(questions), index, size, split, seed))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield so many questions as there are and are asked for."""
        for questions, which in self._held_out(split, sequences, seed):
            yield self._batch(questions, which)

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many questions are read as there are."""
        return self.source.for_training / size

    def ask(self, text: str) -> Batch:
        """Return a question of a user's, behind the statements of its story, as a batch of one row.

        Each is a sentence or a line of its own; numbers may stand in front.
        """
        *statements, question = sentences_of(text, self.words) or [""]
        if not question:
            raise TextError("There is nothing to answer: the text is empty.")
        if not statements:
            raise TextError(
                f"Nothing is told before {shortened(question)!r} from which an answer could follow.",
                hint="Statements stand before the question, or in a file: --story FILE",
            )
        story = Story(statements)
        story.ask(question, self.answers[0], ())
        questions = Questions.of([(0, story)], self.words, self._classes)
        return replace(self._batch(questions, np.zeros(1, np.int64)), notes={})

    def asked(self, batch: Batch) -> list[str]:
        """Return the story and the question of each row of a batch, a sentence a line."""
        rows = [self._sentences(batch, row) for row in range(len(batch.inputs))]
        printed = [[f"{line[0].upper()}{line[1:]}" for line in lines] for lines in rows]
        return ["\n".join([*(f"{line}." for line in lines[:-1]), f"{lines[-1]}?"]) for lines in printed]

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return the answers and, of all kinds together, which kinds they are."""
        kinds = [TALES[kind].title for kind in batch.notes[KIND].tolist()] if KIND in batch.notes else []
        return {**super().labels(batch), **({KIND: kinds} if kinds else {})}

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as usual, and each kind by itself."""
        selected, targets = batch.select(outputs)
        total = super().tally(outputs, batch)
        total.update(self._by_kind((selected.argmax(-1) == targets).cpu().numpy(), batch))
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures and, of all kinds together, those of each."""
        found = super().figures(total)
        found.pop("sequence_accuracy", None)  # with one answer a sequence it is the accuracy
        shares = {
            _of_kind(kind): total[f"correct {kind}"] / total[f"asked {kind}"]
            for kind in TALES
            if total.get(f"asked {kind}")
        }
        failed = sum(1 - share > PASSED for share in shares.values())
        return found | ({FAILED.name: failed, **shares} if shares else {})

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what comes of the commonest answer or, if that is better, of the last one in the story."""
        total = Counter[str]()
        for questions, which in self._held_out("test", sequences, seed):
            batch = self._batch(questions, which)
            said = self._last_said(questions.story(which))
            correct = said == questions.answers[which]
            total.update(sequences=len(which), targets=len(which), correct=int(correct.sum()))
            total.update(errors=int((~correct).sum()))
            total.update(self._by_kind(correct, batch))
        last = Guess("last-answer rule", self.figures(total))
        constant = constant_guess(self, sequences, seed)
        return max(constant, last, key=lambda guess: guess.figures["accuracy"])

    def _held_out(self, split: Split, sequences: int, seed: int) -> Iterator[tuple[Questions, Integers]]:
        questions = _questions(self, split, seed)
        which = order_of_pass(ORDER, len(questions), split, seed, 0)[:sequences]
        for first in range(0, len(which), ROWS):
            yield questions, which[first : first + ROWS]

    def _batch(self, questions: Questions, which: Integers) -> Batch:
        inputs, story = questions.question(which), questions.story(which)
        if self.reading == "sequence":
            inputs = in_one_row(story, inputs, *self.words.numbers(FULL_STOP))
        mask = torch.zeros(inputs.shape, dtype=torch.bool)
        mask[:, -1] = True
        notes = {SUPPORTING: torch.from_numpy(questions.supports(which))}
        if self.is_joint:
            notes[KIND] = torch.from_numpy(questions.kinds[which])
        return Batch(
            torch.from_numpy(np.ascontiguousarray(inputs)),
            torch.from_numpy(questions.answers[which]),
            mask,
            context={name: torch.from_numpy(np.ascontiguousarray(story)) for name in self.spec.context},
            notes=notes,
        )

    def _sentences(self, batch: Batch, row: int) -> list[str]:
        """Return the statements and the question of a row."""
        read = batch.inputs[row].tolist()
        if self.reading == "sequence":
            return self.words.text(number for number in read if number != PAD).split(f" {FULL_STOP} ")
        rows = [*batch.context[STORY][row].tolist(), read]
        lines = [self.words.text(number for number in line if number != PAD) for line in rows]
        return [line for line in lines if line]

    def _last_said(self, story: Integers) -> Integers:
        """Return of stories (B, S, W) the answer whose word comes last, (B,); -1 where there is none."""
        classes = [self._classes.get(word, -1) for word in self.symbols]
        said = np.array([*classes, -1])[story.reshape(len(story), -1)]  # PAD takes the last
        last = said.shape[1] - 1 - (said[:, ::-1] >= 0).argmax(1)
        found: Integers = said[np.arange(len(said)), last]
        return found

    def _by_kind(self, correct: NDArray[np.bool_], batch: Batch) -> Counter[str]:
        """Count of each kind, where there are several, how often it is asked and answered."""
        total = Counter[str]()
        for kind, is_right in zip(batch.notes.get(KIND, NONE).tolist(), correct.tolist(), strict=False):
            total[f"asked {kind}"] += 1
            total[f"correct {kind}"] += is_right
        return total

    @cached_property
    def _classes(self) -> dict[str, int]:
        return {answer: number for number, answer in enumerate(self.answers)}


@lru_cache(maxsize=32)  # seeds that are trained side by side ask in turn
def _questions(task: Stories, split: Split, seed: int) -> Questions:
    """Return all questions of a split."""
    return Questions.of(task.source.stories(split, seed), task.words, task._classes)


def _of_kind(kind: int) -> str:
    """Return what the accuracy of a kind is called."""
    return f"story-{kind}"
