"""Questions in words about a picture of six shapes, some of one shape and some of how it stands to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import TextError
from seqlab.tasks._base import Task
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCES, SHARE, Metric, Trial
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import PICTURE, Form, Pixels
from seqlab.tasks.pictures._shapes import ANSWERS, COLOURS, KINDS, PLAIN, RELATIONAL, draw_scenes

KIND = "kind"
"""What is noted of each row: a place in KINDS."""

QUESTIONS = {kind: words.split() for kind, words in {**PLAIN, **RELATIONAL}.items()}
WORDS = tuple(sorted({word for words in QUESTIONS.values() for word in words} - {"{}"} | COLOURS.keys()))
LONGEST = max(map(len, QUESTIONS.values()))
ASKED: Mapping[str, tuple[str, ...]] = {"all": KINDS, "plain": tuple(PLAIN), "relational": tuple(RELATIONAL)}
SEEN = 4096
"""Questions from which the commonest answer to each kind is taken."""


class PictureQuestions(Task):
    """See a picture of six shapes and answer a question about one of them: Sort-of-CLEVR, in words.

        what shape is the red one                        square, circle
        is the red one on the left                       yes, no
        is the red one in the upper half                 yes, no
        what shape is closest to the red one             square, circle
        what shape is furthest from the red one          square, circle
        how many others have the shape of the red one    zero to five

    The first three are plain, the others relational. Each of six colours comes once, as a square or a circle,
    evenly; centres are drawn until they are far enough apart. Every question has a scene of its own, without
    end. A question without one right answer, as where a square and a circle are equally close, is not asked.

        context    picture    (B, size, size, 3), from 0 to 1, on black
        inputs     the words of the question, PAD in front
        target     the answer, at the last step

    Beside a model's figures stands the prior over answers: the commonest answer to each kind of question.

    Args:
        size: pixels of a side; shapes have 1 / 7.5 of it, and at least 5.
        asks: which questions.
        shown: whether the picture is; without it, a model has nothing but the question.
        plain_first: batches of training that ask plain questions alone, before all: which shape is meant has
            to be learned before how it stands to others.

    Source:
        Santoro et al., "A simple neural network module for relational reasoning", 2017: 9,800 pictures of
        75 x 75 for training, on white, with ten questions of each sort, as codes. The wording is our own.

    >>> task = PictureQuestions()
    >>> batch = task.batch("test", 0, size=1, seed=1)
    >>> task.asked(batch), task.answers[int(batch.targets[0])], tuple(batch.context["picture"].shape)
    (['how many others have the shape of the blue one?'], 'two', (1, 32, 32, 3))
    """

    asks_about_pictures = True
    metrics = (ACCURACY, ERRORS, SEQUENCES, LOSS, *(Metric(kind, True, SHARE, detail=True) for kind in KINDS))
    trials = tuple(Trial(asks, {"asks": asks}) for asks in ("plain", "relational"))

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=32, le=512)] = 32,
        asks: Literal["all", "plain", "relational"] = "all",
        shown: bool = True,
        plain_first: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.size, self.asks, self.plain_first = size, asks, plain_first
        self.symbols, self.answers = WORDS, ANSWERS
        self.sees = Form(size, size, 3) if shown else None
        context = {} if self.sees is None else {PICTURE: self.sees.signal}
        self.spec = Spec("tokens", len(WORDS), "classes", len(ANSWERS), causal=True, context=context)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return scenes with a question about each, as the class says."""
        stream = numpy_stream(seed, "picture-questions", split, index)
        scenes = draw_scenes(size, self.size, stream)
        kinds, asked = np.empty(size, np.int64), np.empty(size, np.int64)
        asks = "plain" if split == "train" and index < self.plain_first else self.asks
        allowed = [KINDS.index(kind) for kind in ASKED[asks]]
        open_ = np.ones(size, bool)
        while open_.any():
            kinds[open_] = stream.choice(allowed, int(open_.sum()))
            asked[open_] = stream.integers(len(COLOURS), size=int(open_.sum()))
            targets, certain = scenes.answers(kinds, asked)
            open_ = ~certain
        inputs, mask = torch.from_numpy(_in_words(kinds, asked)), torch.zeros(size, LONGEST, dtype=torch.bool)
        mask[:, -1] = True
        context = {name: torch.from_numpy(scenes.pictures()) for name in self.spec.context}
        notes = {KIND: torch.from_numpy(kinds)}
        return Batch(inputs, torch.from_numpy(targets), mask, context=context, notes=notes)

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a picture of a user's with a question about it, in the words that are known.

        Raises:
            TextError: when a word is none of these, or there are too many.
        """
        words = [word.strip("?.,!") for word in (question or "").lower().split()]
        for word in words:
            if word not in WORDS:
                raise TextError(f"{word!r} is no word of this task.", hint=f"Known: {', '.join(WORDS)}")
        if not 0 < len(words) <= LONGEST:
            raise TextError(
                f"The question has {len(words)} words; 1 to {LONGEST} are read.",
                hint="Ask for example: what shape is closest to the red one",
            )
        said = [WORDS.index(word) for word in words]
        inputs = torch.tensor([[PAD] * (LONGEST - len(said)) + said])
        mask = torch.zeros(inputs.shape, dtype=torch.bool)
        mask[:, -1] = True
        context = {name: torch.from_numpy(pixels[None]) for name in self.spec.context}
        return Batch(inputs, torch.zeros(1, dtype=torch.int64), mask, context=context)

    def asked(self, batch: Batch) -> list[str]:
        """Return the question of each row of a batch."""
        rows = batch.inputs.tolist()
        return [" ".join(WORDS[word] for word in row if word != PAD) + "?" for row in rows]

    def labels(self, batch: Batch) -> Mapping[str, list[str]]:
        """Return the answers, and which kinds of question they are to."""
        return {**super().labels(batch), KIND: [KINDS[kind] for kind in batch.notes[KIND].tolist()]}  # type: ignore[dict-item]

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as usual, and each kind by itself."""
        total = super().tally(outputs, batch)
        selected, targets = batch.select(outputs)
        right = selected.argmax(-1) == targets
        for number, kind in enumerate(KINDS):
            of_kind = batch.notes[KIND] == number
            total.update({f"asked {kind}": int(of_kind.sum()), f"right {kind}": int(right[of_kind].sum())})
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures, and the accuracy of each kind that was asked."""
        found = super().figures(total)
        del found["sequence_accuracy"]  # with one answer a question it is the accuracy
        return found | {
            kind: total[f"right {kind}"] / total[f"asked {kind}"]
            for kind in KINDS
            if total.get(f"asked {kind}")
        }

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what the commonest answer to each kind of question comes to."""
        counts = torch.full((len(KINDS), len(ANSWERS)), 0.5)
        for batch in self.evaluation("validation", SEEN, seed):
            counts.index_put_(
                (batch.notes[KIND], batch.targets), torch.ones(len(batch.targets)), accumulate=True
            )
        logs, total = (counts / counts.sum(1, keepdim=True)).log(), Counter[str]()
        for batch in self.evaluation("test", sequences, seed):
            outputs = logs[batch.notes[KIND]][:, None].expand(-1, LONGEST, -1)
            total.update(self.tally(outputs, batch))
        return Guess("prior over answers", self.figures(total))


def _in_words(kinds: Integers, asked: Integers) -> Integers:
    """Return questions as numbers of words, (B, LONGEST)."""
    table = np.full((len(KINDS), len(COLOURS), LONGEST), PAD)
    for kind, words in enumerate(QUESTIONS.values()):
        for number, colour in enumerate(COLOURS):
            said = [WORDS.index(colour if word == "{}" else word) for word in words]
            table[kind, number, -len(said) :] = said
    return table[kinds, asked]
