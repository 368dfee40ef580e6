from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from seqlab.contracts import Batch
from seqlab.tasks.pictures.moving_digits import DIRECTIONS, SAME, WAYS, MovingDigits

pytest.importorskip("sklearn", reason="its digits are what moves")

Place = tuple[int, int]


def canvases(task: MovingDigits) -> dict[bytes, tuple[int, Place]]:
    """Return every frame that a test film may hold, with the class and the place of what it shows."""
    part, (rows, columns), (height, width) = task.images.parts["test"], task.images.size, task.canvas
    found = {}
    for picture, label in zip(part.pixels, part.labels.tolist(), strict=True):
        for down in range(height - rows + 1):
            for right in range(width - columns + 1):
                frame = np.zeros((height, width), np.float32)
                frame[down : down + rows, right : right + columns] = picture / np.float32(255)
                found[frame.tobytes()] = label, (down, right)
    return found


def films(task: MovingDigits, batch: Batch) -> Iterator[tuple[list[tuple[int, Place]], list[int]]]:
    """Yield of each film what its frames show and where, found by looking, and its answers."""
    known = canvases(task)
    for frames, answers in zip(batch.inputs.numpy(), batch.targets.numpy(), strict=True):
        yield [known[frame.tobytes()] for frame in frames], np.atleast_1d(answers).tolist()


def test_directions_are_those_in_which_the_digit_has_moved_and_turned_at_an_edge() -> None:
    task, turns = MovingDigits(length=9), 0
    batch = task.batch("test", 0, 40, seed=1)
    assert batch.mask is not None
    assert batch.mask.sum(0).tolist() == [0, *[40] * 8]
    for shown, answers in films(task, batch):
        assert len({label for label, _ in shown}) == 1
        places = [place for _, place in shown]
        for step in range(1, 9):
            moved = tuple(np.subtract(places[step], places[step - 1]))
            assert WAYS[answers[step]] == moved
            if step > 1:
                before = WAYS[answers[step - 1]]
                for axis in (0, 1):
                    is_at_edge = not 0 <= places[step - 1][axis] + before[axis] <= 4
                    assert moved[axis] == (-before[axis] if is_at_edge else before[axis])
                    turns += is_at_edge
    assert turns > 40
    assert set(batch.targets.flatten().tolist()) == set(range(len(DIRECTIONS)))


def test_same_is_what_is_of_the_class_of_the_first_frame() -> None:
    task, changed = MovingDigits(asks="same", length=6), 0
    for shown, answers in films(task, task.batch("test", 1, 60, seed=1)):
        labels = [label for label, _ in shown]
        assert [SAME[answer] for answer in answers[1:]] == [
            "same" if label == labels[0] else "another" for label in labels[1:]
        ]
        changed += labels[-1] != labels[0]
    assert 15 < changed < 45


def test_a_film_is_of_the_digit_that_it_shows() -> None:
    task = MovingDigits(asks="film", length=3)
    batch = task.batch("test", 0, 40, seed=1)
    assert batch.mask is not None
    assert batch.mask.nonzero()[:, 1].tolist() == [2] * 40
    for shown, answers in films(task, batch):
        assert {label for label, _ in shown} == set(answers)


def test_films_of_training_show_no_picture_of_the_test() -> None:
    task = MovingDigits(length=2)
    known = canvases(task)
    for split, is_of_test in (("train", False), ("validation", False), ("test", True)):
        frames = task.batch(split, 0, 50, seed=1).inputs.flatten(0, 1).numpy()  # type: ignore[arg-type]
        assert {frame.tobytes() in known for frame in frames} == {is_of_test}
