from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seqlab.tasks.pictures.sequential_digits import SequentialDigits

pytest.importorskip("sklearn", reason="its digits are what is read")


def read(picture: np.ndarray[Any, Any], by: str) -> list[list[float]]:
    """Return what is read of a picture, pixel after pixel."""
    rows = [[int(pixel) / 255 for pixel in row] for row in picture]
    return rows if by == "row" else [[pixel] for row in rows for pixel in row]


@pytest.mark.parametrize("by", ["row", "pixel"])
def test_each_picture_is_read_once_in_a_pass_and_named_at_the_end(by: Any) -> None:
    task = SequentialDigits(by=by)
    part = task.images.parts["validation"]
    known = {
        str(np.float32(read(picture, by))): label
        for picture, label in zip(part.pixels, part.labels, strict=True)
    }
    batches = list(task.evaluation("validation", 100_000, seed=3))
    found = [
        (str(row), label)
        for batch in batches
        for row, label in zip(batch.inputs.numpy(), batch.targets.tolist(), strict=True)
    ]
    assert dict(found) == known
    assert len(found) == len(part)
    batch = task.batch("train", 0, 5, seed=1)
    assert batch.mask is not None
    assert batch.mask.nonzero()[:, 1].tolist() == [batch.inputs.shape[1] - 1] * 5


def test_permuted_pixels_change_places_alike_in_every_picture() -> None:
    plain = SequentialDigits(by="pixel").batch("train", 0, 64, seed=1).inputs[..., 0]
    permuted = SequentialDigits(by="pixel", permuted=True)
    moved = permuted.batch("train", 0, 64, seed=1).inputs[..., 0]
    assert not torch.equal(moved, plain)
    assert torch.equal(moved, plain[:, torch.from_numpy(permuted.order_of_pixels)])
    assert sorted(permuted.order_of_pixels.tolist()) == list(range(64))
    rows = SequentialDigits(by="row", permuted=True).batch("train", 0, 64, seed=1).inputs
    assert torch.equal(rows.reshape(64, 64), moved)
