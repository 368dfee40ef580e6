"""Digits in black and white: which they are, how they become so, and what a picture costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures._images import load_images
from seqlab.tasks.pictures.digit_drawing import DigitDrawing

pytest.importorskip("sklearn", reason="its digits are what is drawn")


def test_pixels_are_white_with_the_probability_of_their_shade() -> None:
    task, part = DigitDrawing(turn=False, white="drawn"), load_images("digits").parts["test"]
    count = len(part)
    mean = np.zeros((8, 8))
    for index in range(40):  # a pass each
        picture = task.batch("test", index, count, 1).context[PICTURE][..., 0].numpy()
        assert set(np.unique(picture)) == {0, 1}
        mean += picture.mean(0) / 40
    assert np.abs(mean - part.pixels.mean(0) / 255).max() < 0.02
    assert not np.array_equal(
        *(task.batch("test", index, count, 1).targets.numpy().sum((0, 1)) for index in (0, 1))
    )


def test_above_a_half_is_white_and_the_picture_is_wanted_at_the_last_step() -> None:
    task, part = DigitDrawing(white="half", steps=3), load_images("digits").parts["test"]
    batch = task.batch("test", 0, len(part), 1)
    picture = batch.context[PICTURE][..., 0]
    wanted = sorted((pixels > 127).astype(np.float32).tobytes() for pixels in part.pixels)
    assert sorted(one.numpy().tobytes() for one in picture) == wanted
    selected, targets = batch.select(torch.zeros(len(part), 3, 64))
    assert torch.equal(targets, picture.flatten(1))
    assert selected.shape == targets.shape


def test_what_a_picture_costs_is_its_pixels_and_its_code() -> None:
    task = DigitDrawing(steps=2)
    batch = task.batch("test", 0, 10, 1)
    total = task.tally(torch.zeros(10, 2, 64), batch)
    figures = task.figures(total)
    assert figures["bound"] == pytest.approx(64 * np.log(2), rel=1e-5)
    assert "code" not in figures
    total["paid"] = 30.0  # type: ignore[assignment]
    figures = task.figures(total)
    assert figures["bound"] == pytest.approx(64 * np.log(2) + 3, rel=1e-5)
    assert figures["code"] == 3
    assert figures["loss"] == pytest.approx(figures["bound"] / 64)
