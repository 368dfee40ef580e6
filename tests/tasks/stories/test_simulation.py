"""What a story's answers are, by a second simulation that reads its sentences as text."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from second_reader import Reader

from seqlab.tasks.stories._story import Story
from seqlab.tasks.stories._tales import TALES, Simulated, told

DIGEST = "73e06a7c400b139f"
"""Of the first 20 questions of each kind (seed 7): stories are the same from version to version."""

kinds = pytest.mark.parametrize("kind", TALES)


@kinds
def test_both_simulations_answer_alike(kind: int) -> None:
    for story in told(kind, 1000, 7, "read again"):
        reader, read = Reader(), 0
        for question in story.questions:
            for statement in story.statements[read : question.after]:
                reader.read(statement)
            read = question.after
            assert reader.answer(question.words) == question.answer, (story.statements[:read], question)


@kinds
def test_the_supporting_statements_are_enough(kind: int) -> None:
    for story in told(kind, 1000, 8, "read again"):
        for question in story.questions:
            reader = Reader()
            for number in question.supporting:
                reader.read(story.statements[number])
            assert reader.answer(question.words) == question.answer, (story.statements, question)
            assert max(question.supporting) < question.after


@pytest.mark.parametrize("kind", sorted(TALES.keys() - {7, 8, 16, 17}))
def test_without_the_last_supporting_statement_the_answer_is_not_known(kind: int) -> None:
    known = 0
    questions = [(story, question) for story in told(kind, 300, 9) for question in story.questions]
    for story, question in questions:
        reader = Reader()
        for number in question.supporting[:-1]:
            reader.read(story.statements[number])
        known += reader.answer(question.words) == question.answer
    # Somebody may have been there before; of coreferences the second statement alone says where.
    assert known <= 0.01 * len(questions)


def test_there_is_one_way_of_two_steps() -> None:
    """Also where rooms lie side by side and no sentence says so."""
    for story in told(19, 300, 12):
        (question,), reader = story.questions, Reader()
        for statement in story.statements:
            reader.read(statement)
        start, end = question.words.removeprefix("how do you go from the ").split(" to the ")
        places = {place[:2] for place in reader.places(start).values()}
        x, y, _ = reader.places(start)[end]
        beside = [{(a + 1, b), (a - 1, b), (a, b + 1), (a, b - 1)} for a, b in ((0, 0), (x, y))]
        assert len(places) == 5
        assert len(places & beside[0] & beside[1]) == 1


@kinds
def test_words_and_answers_are_all_known_before_a_story_is_told(kind: int) -> None:
    known = Simulated((kind,), 10)
    stories = list(told(kind, 2000, 10))
    questions = [question for story in stories for question in story.questions]
    lines = {line for story in stories for line in story.statements} | {one.words for one in questions}
    assert {word for line in lines for word in line.split()} == known.words
    assert {one.answer for one in questions} <= set(known.answers)
    assert len(questions) == 2000


def test_no_answer_is_much_commoner_than_the_task_allows() -> None:
    """A generator that forgot to draw would have one answer only."""
    for kind, tale in TALES.items():
        answers = [question.answer for story in told(kind, 1000, 11) for question in story.questions]
        commonest = max(answers.count(answer) for answer in tale.answers) / len(answers)
        assert commonest < {2: 0.66, 3: 0.6, 4: 0.66}.get(len(tale.answers), 0.5), tale.title


def test_stories_are_the_same_on_every_machine() -> None:
    text = "\n".join(_written(story) for kind in TALES for story in told(kind, 20, 7))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == DIGEST


def test_no_story_of_one_split_is_one_of_another() -> None:
    source = Simulated((3, 16), 600)
    parts = [
        {_written(story) for _, story in source.stories(split, 1)}
        for split in ("train", "validation", "test")
    ]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    counts = Counter(kind for kind, story in source.stories("validation", 1) for _ in story.questions)
    assert counts == {3: 60, 16: 60}


def _written(story: Story) -> str:
    return "\n".join([*story.statements, *map(str, story.questions)])
