"""Questions about shapes: scenes as published, pictures pixel by pixel, answers against loops, kinds counted apart."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD, numpy_stream
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures._shapes import ANSWERS, COLOURS, KINDS, Scenes, draw_scenes
from seqlab.tasks.pictures.picture_questions import ASKED, KIND, WORDS, PictureQuestions


def answer_by_hand(scenes: Scenes, row: int, kind: str, asked: int) -> set[str]:
    """Return all answers that are right."""
    centres, circles = scenes.centres[row].tolist(), scenes.circles[row].tolist()
    shapes = ["circle" if circle else "square" for circle in circles]
    (down, right), others = centres[asked], [number for number in range(6) if number != asked]
    apart = {number: math.dist(centres[number], centres[asked]) for number in others}
    middle = (scenes.size - 1) / 2
    return {
        "shape": lambda: {shapes[asked]},
        "left": lambda: {"yes" if right < middle else "no"},
        "upper": lambda: {"yes" if down < middle else "no"},
        "closest": lambda: {shapes[number] for number in others if apart[number] == min(apart.values())},
        "furthest": lambda: {shapes[number] for number in others if apart[number] == max(apart.values())},
        "same": lambda: {
            ("zero", "one", "two", "three", "four", "five")[sum(shapes[n] == shapes[asked] for n in others)]
        },
    }[kind]()


def test_answers_are_those_of_the_oracle_and_uncertain_where_there_are_two() -> None:
    scenes = draw_scenes(200, 32, numpy_stream(1, "scenes"))
    uncertain = 0
    for number, kind in enumerate(KINDS):
        for asked in range(6):
            found, certain = scenes.answers(np.full(200, number), np.full(200, asked))
            for row in range(200):
                right = answer_by_hand(scenes, row, kind, asked)
                assert bool(certain[row]) == (len(right) == 1)
                assert ANSWERS[found[row]] in right
                uncertain += len(right) > 1
    assert uncertain > 20


@pytest.mark.parametrize(("size", "half"), [(32, 2), (75, 5)])
def test_shapes_stand_apart_within_the_picture(size: int, half: int) -> None:
    scenes = draw_scenes(300, size, numpy_stream(1, "scenes"))
    assert (scenes.centres.min(), scenes.centres.max()) == (half, size - half - 1)
    apart = ((scenes.centres[:, :, None] - scenes.centres[:, None]) ** 2).sum(-1) + 10**6 * np.eye(6)
    assert math.sqrt(apart.min()) >= 2 * half
    assert 0.45 < scenes.circles.mean() < 0.55


def test_pictures_show_the_shapes_pixel_by_pixel() -> None:
    centres = np.array([[[5, 4], [5, 20], [20, 4], [20, 20], [12, 12], [27, 27]]])
    scenes = Scenes(centres, np.array([[True, False, True, False, True, False]]), 32)
    (picture,) = scenes.pictures()
    for down in range(32):
        for right in range(32):
            shown = (0, 0, 0)
            for (row, column), circle, colour in zip(
                centres[0].tolist(), scenes.circles[0], COLOURS.values(), strict=True
            ):
                across = (
                    math.dist((down, right), (row, column))
                    if circle
                    else max(abs(down - row), abs(right - column))
                )
                if across <= 2:
                    shown = colour
            assert (picture[down, right] * 255).round().tolist() == list(shown)


def test_questions_are_words_about_the_scene_and_every_kind_is_asked() -> None:
    task = PictureQuestions()
    batch = task.batch("train", 0, 600, 1)
    kinds, asked = batch.notes[KIND].tolist(), task.asked(batch)
    assert Counter(kinds).keys() == set(range(6))
    for kind, question, row in zip(kinds, asked, batch.inputs.tolist(), strict=True):
        words = [WORDS[word] for word in row if word != PAD]
        assert row == [PAD] * (len(row) - len(words)) + row[len(row) - len(words) :]
        assert question == " ".join(words) + "?"
        assert {"shape": "what shape is the", "same": "how many others"}.get(KINDS[kind], "") in question
        assert sum(word in COLOURS for word in words) == 1
    assert set(PictureQuestions(asks="relational").batch("train", 0, 99, 1).notes[KIND].tolist()) == {3, 4, 5}
    assert set(PictureQuestions(asks="plain").batch("train", 0, 99, 1).notes[KIND].tolist()) == {0, 1, 2}


def test_each_kind_is_counted_apart_and_the_prior_is_the_commonest_answer_to_it() -> None:
    task = PictureQuestions()
    batch = task.batch("test", 0, 400, 1)
    outputs = torch.zeros(400, batch.inputs.shape[1], 10)
    kinds = batch.notes[KIND]
    rows = torch.arange(400)
    said = torch.where(kinds == 3, batch.targets, (batch.targets + 1) % 10)
    outputs[rows, -1, said] = 1
    figures = task.figures(task.tally(outputs, batch))
    assert figures["closest"] == 1
    assert [figures[kind] for kind in ("shape", "left", "upper", "furthest", "same")] == [0] * 5
    assert figures["accuracy"] == pytest.approx(float((kinds == 3).float().mean()))
    guess = task.guess(2000, 1)
    assert guess.name == "prior over answers"
    assert 0.45 < guess.figures["closest"] < 0.56
    assert 0.27 < guess.figures["same"] < 0.36  # the commonest of a binomial over five: 10 / 32


def test_without_the_picture_there_is_nothing_but_the_question() -> None:
    shown, blind = PictureQuestions(), PictureQuestions(shown=False)
    batches = [task.batch("train", 0, 5, 1) for task in (shown, blind)]
    assert torch.equal(batches[0].inputs, batches[1].inputs)
    assert torch.equal(batches[0].targets, batches[1].targets)
    assert list(batches[0].context) == [PICTURE]
    assert not batches[1].context
    assert not blind.spec.context


def test_what_is_asked_first_of_training_is_plain() -> None:
    task, usual = PictureQuestions(plain_first=3), PictureQuestions()
    plain = {KINDS.index(kind) for kind in ASKED["plain"]}
    for index in range(3):
        assert set(task.batch("train", index, 64, 1).notes[KIND].tolist()) <= plain
        for split in ("validation", "test"):
            assert torch.equal(
                task.batch(split, index, 64, 1).targets, usual.batch(split, index, 64, 1).targets
            )
    assert torch.equal(task.batch("train", 3, 64, 1).inputs, usual.batch("train", 3, 64, 1).inputs)
