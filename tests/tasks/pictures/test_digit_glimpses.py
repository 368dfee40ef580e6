"""Digits somewhere on a canvas: one digit of its split, where the notes say, asked for at the last look."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.contracts import BOXES
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures._images import load_images
from seqlab.tasks.pictures.digit_glimpses import DigitGlimpses

pytest.importorskip("sklearn", reason="its digits are what is looked at")


def test_a_canvas_shows_one_digit_of_its_split_where_the_notes_say() -> None:
    task = DigitGlimpses(looks=3)
    part = load_images("digits").parts["test"]
    known = {pixels.tobytes(): label for pixels, label in zip(part.pixels, part.labels, strict=True)}
    batch = task.batch("test", 0, len(part), seed=1)
    canvases = (batch.context[PICTURE][..., 0].numpy() * 255).round().astype(np.uint8)
    seen = []
    for canvas, boxes, label in zip(canvases, batch.notes[BOXES].tolist(), batch.targets[:, 0], strict=True):
        assert boxes == [boxes[0]] * 3
        top, left, bottom, right = boxes[0]
        digit = canvas[top:bottom, left:right]
        assert digit.shape == (8, 8)
        assert canvas.sum() == digit.sum()  # nothing else is there
        seen.append(digit.tobytes())
        assert known[seen[-1]] == label
    assert sorted(seen) == sorted(known)  # in a pass each is shown once
    tops, lefts = batch.notes[BOXES][:, 0, 0], batch.notes[BOXES][:, 0, 1]
    for places in (tops, lefts):
        assert (places.min(), places.max()) == (0, 16)
    assert batch.inputs.tolist() == [[0, 0, 0]] * len(part)
    assert batch.mask is None
    assert batch.targets.tolist() == [[label] * 3 for label in batch.targets[:, 0].tolist()]


def test_the_answer_after_the_last_look_is_judged_and_all_are_learned_from() -> None:
    task = DigitGlimpses(looks=3)
    batch = task.batch("test", 0, 40, seed=1)
    right = torch.nn.functional.one_hot(batch.targets, 10) * 9.0
    late, early = right.clone(), right.clone()
    late[:, :-1], early[:, -1] = 0, 0
    assert task.figures(task.tally(late, batch))["accuracy"] == 1
    assert task.figures(task.tally(early, batch))["accuracy"] < 0.3
    losses = [task.figures(task.tally(outputs, batch))["loss"] for outputs in (right, late, early)]
    assert losses == pytest.approx([0.0011, 0.0011, 2.3026], abs=1e-4)
    assert task.loss(late, batch).item() == pytest.approx((2 * 2.3026 + 0.0011) / 3, abs=1e-3)


def test_a_picture_of_a_users_is_looked_at_as_often() -> None:
    task = DigitGlimpses(looks=3)
    assert task.sees is not None
    assert (task.sees.rows, task.sees.columns, task.sees.features) == (24, 24, 1)
    pixels = np.zeros((24, 24, 1), np.float32)
    batch = task.see(pixels)
    assert batch.inputs.shape == (1, 3)
    assert batch.context[PICTURE].shape == (1, 24, 24, 1)


def test_without_room_the_canvas_is_the_picture_and_training_turns_it() -> None:
    task, still = DigitGlimpses(room=1), DigitGlimpses(room=1, turn=False)
    shown = [one.batch("train", 2, 50, 7).context[PICTURE] for one in (task, still)]
    assert shown[0].shape == (50, 8, 8, 1)
    part = load_images("digits").parts["train"]
    known = {pixels.tobytes() for pixels in part.pixels}
    turned, kept = (
        [bytes((one * 255).round().to(torch.uint8).numpy().tobytes()) in known for one in pictures]
        for pictures in shown
    )
    assert all(kept)
    assert sum(turned) < 5
    for split in ("validation", "test"):
        same = [one.batch(split, 0, 9, 1).context[PICTURE] for one in (task, still)]  # type: ignore[arg-type]
        assert torch.equal(*same)


def test_a_larger_room_is_cut_to_whole_pixels() -> None:
    assert DigitGlimpses(room=2.2).canvas == (17, 17)
