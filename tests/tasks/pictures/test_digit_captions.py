from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from seqlab.contracts import BOXES, Split
from seqlab.errors import SettingsError
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures._turning import turned
from seqlab.tasks.pictures.digit_captions import DigitCaptions

pytest.importorskip("sklearn", reason="its digits are what is described")


def known(task: DigitCaptions, split: Split) -> dict[bytes, str]:
    part = task.images.parts[split]
    return {
        (picture / np.float32(255)).tobytes(): task.images.names[label]
        for picture, label in zip(part.pixels, part.labels, strict=True)
    }


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_caption_names_the_digits_that_are_seen_from_left_to_right(split: Split) -> None:
    task, counts, others = DigitCaptions(turn=False), set(), set[bytes]()
    names = known(task, split)
    for other in {"train", "validation", "test"} - {split}:
        others |= known(task, other).keys()  # type: ignore[arg-type]
    batch = task.batch(split, 0, 200, seed=1)
    assert batch.mask is not None
    lefts = []
    for row in range(200):
        canvas, boxes = batch.context[PICTURE][row, ..., 0].numpy(), batch.notes[BOXES][row].tolist()
        there = [box for box in boxes if any(box)]
        seen = [
            np.ascontiguousarray(canvas[top:bottom, left:right]).tobytes()
            for top, left, bottom, right in there
        ]
        assert others.isdisjoint(seen)
        said = [task.answers[word] for word in batch.targets[row][batch.mask[row]].tolist()]
        assert said == [*(names[picture] for picture in seen), "<end>"]
        read = [task.symbols[word] for word in batch.inputs[row][batch.mask[row]].tolist()]
        assert read == ["<begin>", *said[:-1]]
        assert (batch.inputs[row][~batch.mask[row]] == -1).all()
        assert all(one[3] <= other[1] for one, other in pairwise(there))
        for top, left, bottom, right in there:
            canvas[top:bottom, left:right] = 0
        assert not canvas.any()
        counts.add(len(there))
        lefts.append((there[0][1], 48 - there[-1][3]))
    assert counts == {3, 4, 5}
    before, behind = np.mean(lefts, 0)
    assert abs(before - behind) < 1.5  # no side is emptier


def test_training_digits_are_turned_and_held_out_ones_are_not() -> None:
    plain, augmented = DigitCaptions(turn=False), DigitCaptions()
    for split, is_turned in (("train", True), ("validation", False), ("test", False)):
        one, other = (task.batch(split, 0, 4, 1) for task in (plain, augmented))  # type: ignore[arg-type]
        assert (one.context[PICTURE] != other.context[PICTURE]).any() == is_turned


def test_turning_is_bilinear() -> None:
    """Against a loop over pixels, each of which is looked up where it comes from."""
    pixels = np.random.default_rng(1).integers(0, 256, (3, 4, 5), np.uint8)
    found = turned(pixels, 30, 1.5, np.random.default_rng(2))
    stream = np.random.default_rng(2)
    angles, (downs, rights) = stream.uniform(-30, 30, 3), stream.uniform(-1.5, 1.5, (2, 3))

    def at(picture: int, row: int, column: int) -> int:
        return int(pixels[picture, row, column]) if 0 <= row < 4 and 0 <= column < 5 else 0

    for picture in range(3):
        cos, sin = (f(math.radians(angles[picture])) for f in (math.cos, math.sin))
        for row in range(4):
            for column in range(5):
                y = cos * (row - 1.5) - sin * (column - 2) + downs[picture] + 1.5
                x = sin * (row - 1.5) + cos * (column - 2) + rights[picture] + 2
                top, left = math.floor(y), math.floor(x)
                expected = sum(
                    (1 - abs(y - r)) * (1 - abs(x - c)) * at(picture, r, c)
                    for r in (top, top + 1)
                    for c in (left, left + 1)
                )
                assert abs(int(found[picture, row, column]) - expected) <= 0.5 + 1e-9
    assert np.array_equal(turned(pixels, 0, 0, np.random.default_rng(1)), pixels)


def test_numbers_of_digits_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task\.fewest is 4, which is more than task\.most, 3"):
        DigitCaptions(fewest=4, most=3)
