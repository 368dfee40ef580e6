"""Captions of scenes, against what is seen on the canvas, pixel by pixel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from seqlab.contracts import BOXES, Batch
from seqlab.errors import SettingsError
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures.scene_captions import COLOURS, SHAPES, SceneCaptions

HELD_OUT = {("red", "circle"), ("green", "square"), ("blue", "triangle"), ("yellow", "cross")}
STAMPS = {
    "circle": [" ### ", "#####", "#####", "#####", " ### "],
    "square": ["#####", "#####", "#####", "#####", "#####"],
    "triangle": ["  #  ", "  #  ", " ### ", " ### ", "#####"],
    "cross": ["  #  ", "  #  ", "#####", "  #  ", "  #  "],
}


def captions(task: SceneCaptions, batch: Batch) -> list[list[str]]:
    assert batch.mask is not None
    return [
        [task.answers[word] for word in row[there].tolist()]
        for row, there in zip(batch.targets, batch.mask, strict=True)
    ]


def kinds(caption: list[str]) -> list[tuple[str, str]]:
    return list(zip(caption[:-1:3], caption[1::3], strict=True))


def test_a_caption_says_what_stands_where_from_the_largest_to_the_smallest() -> None:
    task = SceneCaptions()
    batch = task.batch("train", 0, 200, seed=1)
    assert batch.mask is not None
    lengths = set()
    for row, caption in enumerate(captions(task, batch)):
        boxes = batch.notes[BOXES][row][batch.mask[row]].tolist()
        picture = batch.context[PICTURE][row].numpy()
        ground = np.ones(picture.shape[:2], bool)
        middles, sizes = [], []
        for number, (colour, shape) in enumerate(kinds(caption)):
            top, left, bottom, right = boxes[3 * number]
            assert boxes[3 * number + 1] == boxes[3 * number]
            inside = picture[top:bottom, left:right]
            far = np.abs(inside - np.array(COLOURS[colour])).max(-1) > 0.25
            if bottom - top == 5:
                assert ["".join(" #"[not one] for one in line) for line in far] == STAMPS[shape]
            ground[top:bottom, left:right] = False
            middles.append(((top + bottom - 1) / 2, (left + right - 1) / 2))
            sizes.append(bottom - top)
            assert 0 <= top < bottom <= 24
            assert 0 <= left < right <= 24
        assert sizes == sorted(set(sizes), reverse=True)
        assert set(sizes) <= {9, 7, 5}
        assert picture[ground].max() < 0.36
        for number, (one, other) in enumerate(pairwise(middles)):
            down, right_by = other[0] - one[0], other[1] - one[1]
            assert abs(abs(down) - abs(right_by)) >= 2
            if abs(right_by) > abs(down):
                said = "left of" if right_by > 0 else "right of"
            else:
                said = "above" if down > 0 else "below"
            assert caption[3 * number + 2] == said
            assert not any(boxes[3 * number + 2])
        assert caption[-1] == "<end>"
        lengths.add(len(sizes))
    assert lengths == {1, 2, 3}


@pytest.mark.parametrize(
    ("combinations", "count"), [("known", {0}), ("held-out", {1}), ("all", {0, 1, 2, 3})]
)
def test_combinations_that_are_held_out_are_not_shown_but_where_they_are_wanted(
    combinations: str, count: set[int]
) -> None:
    task = SceneCaptions(combinations=combinations)  # type: ignore[arg-type]
    said = [kinds(caption) for caption in captions(task, task.batch("train", 0, 400, seed=1))]
    assert {sum(kind in HELD_OUT for kind in scene) for scene in said} == count
    seen = {kind for scene in said for kind in scene}
    every = {(colour, shape) for colour in COLOURS for shape in SHAPES}
    assert seen == (every - HELD_OUT if combinations == "known" else every)


def test_the_trial_of_held_out_combinations_is_of_these() -> None:
    (trial,) = (trial for trial in SceneCaptions().trials if trial.name == "held-out")
    assert (trial.task, trial.answers) == ({"combinations": "held-out"}, "greedy")


def test_no_shape_touches_another() -> None:
    task = SceneCaptions(fewest=3)
    batch = task.batch("train", 0, 100, seed=1)
    for boxes in batch.notes[BOXES].tolist():
        canvas = np.zeros((24, 24), int)
        for top, left, bottom, right in boxes[0::3]:
            canvas[top:bottom, left:right] += 1
        assert canvas.max() == 1


def test_numbers_of_shapes_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task\.fewest is 3, which is more than task\.most, 2"):
        SceneCaptions(fewest=3, most=2)
