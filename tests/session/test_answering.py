"""Answers to a user's questions: their probabilities, beams against all answers, questions side by side."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from seqlab.contracts import Split
from seqlab.errors import TextError
from seqlab.generation.answers import evaluate_written
from seqlab.models import SequenceModel, build_model, read_batch
from seqlab.session.answering import Answer, answer_slowly, answers_of, questions_of
from seqlab.settings import Component
from seqlab.tasks.pairs._pairs import Pair, Pairs, Side
from seqlab.text.vocabulary import Vocabulary
from seqlab.training.evaluation import evaluate

LETTERS, LONGEST = "xyz", 3
QUESTIONS = ["abc", "b", "caab"]
MODELS = [
    {"name": "encoder-decoder", "hidden_size": 5, "attention": "none", "cell": "lstm"},
    {"name": "encoder-decoder", "hidden_size": 5, "attention": "additive", "bidirectional": True},
    {"name": "encoder-decoder", "hidden_size": 5, "attention": "dot", "input_feeding": True},
    {"name": "transformer", "hidden_size": 8, "heads": 2, "layers": 2},
]
every_model = pytest.mark.parametrize("options", MODELS, ids=str)


class Letters(Pairs):
    """Answers of up to three letters to questions of letters."""

    def __init__(self) -> None:
        self.source, self.target = Side(Vocabulary.of("abc")), Side(Vocabulary.of(LETTERS))
        self.finish(LONGEST)

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        return [("abc", "xyz"), ("b", "y"), ("ca", "zx"), ("aaa", "")][:size]


def made(options: dict[str, object]) -> SequenceModel:
    model = build_model(Component(**options), Letters().spec, seed=3)
    for weight in model.parameters():  # so that answers differ in their probabilities
        weight.data *= 2.0
    return model.eval()


def answers_to(model: SequenceModel, questions: list[str], **how: Any) -> list[list[Answer]]:
    task = Letters()
    return list(answers_of(task, model, questions_of(task, questions), **how))


def taught(model: SequenceModel, question: str, answer: str, *, ended: bool = True) -> float:
    """Return the log-probability of an answer when its right symbols are shown."""
    task = Letters()
    code = task.target.encode(answer).astype(np.int64)
    batch = task._batch([(task.source.encode(question), code)])
    with torch.no_grad():
        logs = read_batch(model, batch)[0].log_softmax(-1)
    told = [float(logs[0, step, symbol]) for step, symbol in enumerate([*code, len(LETTERS)])]
    return sum(told if ended else told[:-1])


@every_model
def test_the_probability_of_an_answer_is_the_teacher_forced_one(options: dict[str, object]) -> None:
    model = made(options)
    for question, (answer,) in zip(QUESTIONS, answers_to(model, QUESTIONS), strict=True):
        wanted = taught(model, question, answer.text, ended=answer.is_ended)
        assert answer.log_probability == pytest.approx(wanted, abs=1e-4)
        assert answer.probability == pytest.approx(np.exp(wanted), rel=1e-3)


@every_model
@pytest.mark.parametrize("normalise", [0.0, 1.0])
def test_a_wide_beam_finds_the_best_of_all_answers(options: dict[str, object], normalise: float) -> None:
    model = made(options)
    every = ["".join(letters) for length in range(LONGEST + 1) for letters in product(LETTERS, repeat=length)]
    (found,) = answers_to(model, ["caab"], beam=200, nbest=200, normalise=normalise)
    ended = [one for one in found if one.is_ended]
    assert sorted(one.text for one in ended) == sorted(every)

    def score(answer: str) -> float:
        return taught(model, "caab", answer) / (len(answer) + 1) ** normalise

    wanted = sorted(every, key=lambda answer: -score(answer))
    assert [one.text for one in ended] == wanted
    assert [one.score for one in ended] == pytest.approx([score(answer) for answer in wanted], abs=1e-4)


@every_model
def test_a_question_is_answered_beside_others_as_alone_and_while_it_is_watched(
    options: dict[str, object],
) -> None:
    task, model = Letters(), made(options)
    together = answers_to(model, QUESTIONS, beam=3, nbest=2)
    for question, beside in zip(QUESTIONS, together, strict=True):
        (alone,) = answers_to(model, [question], beam=3, nbest=2)
        assert [one.text for one in alone] == [one.text for one in beside]
        assert [one.score for one in alone] == pytest.approx([one.score for one in beside], abs=1e-4)
        *_, last = answer_slowly(task, model, task.ask(question))
        ((greedy,),) = answers_to(model, [question])
        assert (last.text, last.is_ended) == (greedy.text, greedy.is_ended)
        assert last.log_probability == pytest.approx(greedy.log_probability, abs=1e-4)


@every_model
def test_the_share_of_right_answers_is_the_same_shown_and_written(options: dict[str, object]) -> None:
    """An answer is right as a whole if each of its symbols is the likeliest behind the right ones."""
    task, model = Letters(), made(options)
    batches = [task.batch("test", 0, 4, 1)]
    shown, written = evaluate(model, task, batches), evaluate_written(model, task, batches, "greedy")
    assert shown["sequence_accuracy"] == written["sequence_accuracy"]


def test_which_question_is_wrong_is_said_where_there_are_several() -> None:
    model = made(MODELS[0])
    with pytest.raises(TextError, match=r"Line 2: .*'q'"):
        answers_to(model, ["a", "bq"])
    with pytest.raises(TextError, match=r"^The character 'q'"):
        answers_to(model, ["bq"])
