"""The task: what a batch holds of a story, passes, questions of a user's, and what guessing comes to."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from seqlab.contracts import PAD
from seqlab.errors import TextError
from seqlab.tasks._promises import perfect, wrongly
from seqlab.tasks.stories._numbers import Words
from seqlab.tasks.stories.stories import KIND, STORY, SUPPORTING, Stories

TOLD = (
    "Mary went to the kitchen. John travelled to the garden.\n3 Mary moved to the office.\n\nwhere is mary?"
)


@pytest.fixture(scope="module")
def joint() -> Stories:
    return Stories(story="all", questions=20)


def test_a_question_of_a_user_s_is_read_word_by_word() -> None:
    task = Stories(questions=50)
    batch = task.ask(TOLD)
    names = task.symbols
    story = [[names[word] for word in line if word != PAD] for line in batch.context[STORY][0].tolist()]
    assert story == [
        ["Mary", "went", "to", "the", "kitchen"],
        ["John", "travelled", "to", "the", "garden"],
        ["Mary", "moved", "to", "the", "office"],
    ]
    assert [names[word] for word in batch.inputs[0].tolist()] == ["where", "is", "Mary"]
    assert batch.mask is not None
    assert batch.mask.tolist() == [[False, False, True]]
    assert not batch.notes
    assert task.asked(batch) == [
        "Mary went to the kitchen.\nJohn travelled to the garden.\nMary moved to the office.\nWhere is Mary?"
    ]


def test_a_question_without_a_story_is_not_answered() -> None:
    with pytest.raises(TextError, match="Nothing is told before 'Where is Mary'") as refused:
        Stories(questions=50).ask("Where is Mary?")
    assert "--story" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "Mary went to the kithcen. Where is Mary?",
            "'kithcen' of 'Mary went to the kithcen' is none of the 18",
            "Did you mean 'kitchen'?",
        ),
        (
            "A 새 sings. Where is Mary?",
            "'A' of 'A 새 sings' is none of the 18",
            "Known are: Daniel John Mary",
        ),
        (" \n 3 .", "nothing to answer", ""),
    ],
)
def test_what_is_unknown_is_named(text: str, said: str, hint: str) -> None:
    with pytest.raises(TextError, match=said) as refused:
        Stories(questions=50).ask(text)
    assert hint in (refused.value.hint or "")


def test_a_long_word_is_not_shown_whole() -> None:
    with pytest.raises(TextError) as refused:
        Stories(questions=50).ask(f"{'a' * 100_000} went home. Where is Mary?")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("reading", ["sentences", "sequence"])
def test_what_is_asked_can_be_asked_again(joint: Stories, reading: str) -> None:
    task = joint if reading == "sentences" else Stories(story=14, questions=50, reading="sequence")
    batch = task.batch("train", 0, 40, 1)
    assert batch.mask is not None
    for row, text in enumerate(task.asked(batch)):
        again = task.ask(text)
        for own, part in [
            (again.inputs[0], batch.inputs[row]),
            *((again.context[name][0], batch.context[name][row]) for name in again.context),
        ]:
            assert own[own != PAD].tolist() == part[part != PAD].tolist()
        assert text.endswith("?")
        assert text[0].isupper()


def test_padding_stands_in_front_and_supporting_sentences_are_told(joint: Stories) -> None:
    for batch in (joint.batch("train", 2, 60, 1), *joint.evaluation("test", 200, 1)):
        words, supporting = batch.context[STORY] != PAD, batch.notes[SUPPORTING]
        assert bool((words[..., 1:] >= words[..., :-1]).all())
        told = words.any(-1)
        assert bool((told[:, 1:] >= told[:, :-1]).all())
        assert bool((told >= supporting).all())
        assert bool(supporting.any(1).all())
        assert batch.notes[KIND].shape == batch.targets.shape


def test_supporting_sentences_say_the_answer() -> None:
    task = Stories(story=1, questions=50)
    batch = task.batch("train", 0, 20, 1)
    for row, answer in enumerate(batch.targets.tolist()):
        (line,) = batch.context[STORY][row][batch.notes[SUPPORTING][row]].tolist()
        assert task.symbols[line[-1]] == task.answers[answer]


def test_in_one_row_the_story_stands_before_the_question() -> None:
    task = Stories(questions=50, reading="sequence")
    batch = task.ask(TOLD)
    assert not batch.context
    assert not task.spec.context
    read = " ".join(task.symbols[word] for word in batch.inputs[0].tolist())
    assert read == (
        "Mary went to the kitchen . John travelled to the garden . Mary moved to the office . where is Mary"
    )


def test_in_a_pass_every_question_comes_once_and_each_pass_in_another_order() -> None:
    task = Stories(story=3, questions=50)
    assert task.steps_of_a_pass(9) == 5
    passes = [_shown([row for index in range(5) for row in _rows(task, 5 * n + index)]) for n in range(2)]
    assert Counter(passes[0]) == Counter(passes[1])
    assert passes[0] != passes[1]
    assert len(passes[0]) == 45
    over = _shown(_rows(task, 1, size=30))  # over the end of a pass
    assert over == [*passes[0][30:], *passes[1][:15]]


def test_held_out_questions_are_as_many_as_there_are() -> None:
    task = Stories(story=2, questions=500)
    sizes = {
        split: sum(len(batch.inputs) for batch in task.evaluation(split, 10_000, 1))
        for split in ("validation", "test")
    }
    assert sizes == {"validation": 50, "test": 1000}
    assert [len(batch.inputs) for batch in task.evaluation("test", 7, 1)] == [7]


def test_of_all_kinds_those_that_fail_are_counted(joint: Stories) -> None:
    (batch,) = joint.evaluation("validation", 40, 1)
    outputs = perfect(joint, batch)
    assert joint.figures(joint.tally(outputs, batch))["failed"] == 0
    outputs[batch.notes[KIND] == 3] = wrongly(joint, batch)[batch.notes[KIND] == 3]
    figures = joint.figures(joint.tally(outputs, batch))
    assert figures["failed"] == 1
    assert (figures["story-3"], figures["story-4"]) == (0, 1)
    assert figures.keys() <= {metric.name for metric in joint.metrics}
    assert set(joint.labels(batch)[KIND]) >= {"yes or no", "counting"}
    assert not joint.batch("train", 0, 2, 1).targets.ge(len(joint.answers)).any()


def test_the_last_answer_of_a_story_is_a_guess_where_it_is_the_better_one() -> None:
    last, common = Stories(story=13, questions=50).guess(500, 1), Stories(story=6, questions=50).guess(500, 1)
    assert (last.name, common.name) == ("last-answer rule", "guessing")
    assert 0.6 < last.figures["accuracy"] < 0.8, "the one who is asked for may have moved before"
    assert "loss" in common.figures


def _rows(task: Stories, index: int, size: int = 9) -> list[tuple[torch.Tensor, torch.Tensor]]:
    batch = task.batch("train", index, size, 1)
    return list(zip(batch.context[STORY], batch.inputs, strict=True))


def _shown(rows: list[tuple[torch.Tensor, torch.Tensor]]) -> list[str]:
    return [str([part[part != PAD].tolist() for part in row]) for row in rows]


def test_of_many_known_words_not_all_are_named() -> None:
    words = Words.of([f"word{number:03}" for number in range(500)])
    with pytest.raises(TextError) as raised:
        words.numbers("wrod007")
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("Did you mean 'word007'? Known are: word000 word001 ")
    assert raised.value.hint.endswith(" word059 ...")
