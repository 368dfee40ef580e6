"""Patches against an oracle that goes pixel by pixel, and noise that belongs to a picture."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from seqlab.contracts import torch_stream
from seqlab.models.pictures._noise import drawn_for, keys_of
from seqlab.models.pictures._patches import patches, windows


def between(picture: Tensor, down: float, right: float) -> Tensor:
    """Return a picture (R, C, features) between its pixels; beyond them all is 0."""
    total = torch.zeros(picture.shape[2], dtype=picture.dtype)
    for row in (math.floor(down), math.floor(down) + 1):
        for column in (math.floor(right), math.floor(right) + 1):
            if 0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]:
                total += (1 - abs(down - row)) * (1 - abs(right - column)) * picture[row, column]
    return total


def patch_by_hand(picture: Tensor, centre: tuple[float, float], width: int, scale: int, zoom: int) -> Tensor:
    each, side = zoom**scale, width * zoom**scale
    found = torch.zeros(width, width, picture.shape[2], dtype=picture.dtype)
    for row in range(width):
        for column in range(width):
            for a in range(each):
                for b in range(each):
                    down = centre[0] + row * each + a - (side - 1) / 2
                    right = centre[1] + column * each + b - (side - 1) / 2
                    found[row, column] += between(picture, down, right) / each**2
    return found


@pytest.mark.parametrize(("width", "scales", "zoom"), [(1, 1, 2), (3, 3, 2), (2, 2, 4)])
def test_patches_are_those_of_the_oracle(width: int, scales: int, zoom: int) -> None:
    draw = torch_stream(1, "patches")
    picture = torch.randn(3, 7, 9, 2, generator=draw, dtype=torch.float64)
    centres = torch.tensor([[3.0, 4.0], [0.25, 7.6], [-2.5, 12.0]], dtype=torch.float64)
    found = patches(picture, centres, width, scales, zoom)
    assert found.shape == (3, scales, width, width, 2)
    for row in range(3):
        for scale in range(scales):
            by_hand = patch_by_hand(picture[row], tuple(centres[row].tolist()), width, scale, zoom)  # type: ignore[arg-type]
            torch.testing.assert_close(found[row, scale], by_hand)


def test_a_patch_about_a_pixel_is_cut_out_of_the_picture() -> None:
    picture = torch.arange(30.0).view(1, 5, 6, 1)
    found = patches(picture, torch.tensor([[2.0, 3.0]]), 3, 1, 2)
    torch.testing.assert_close(found[0, 0, ..., 0], picture[0, 1:4, 2:5, 0])
    assert windows(torch.tensor([2.0, 3.0]), 3, 1, 2).tolist() == [[1, 2, 4, 5]]


def test_what_is_drawn_belongs_to_a_picture_and_a_step() -> None:
    pictures = torch.rand(40, 5, 6, 1, generator=torch_stream(1, "pictures"))
    pictures[7, 4, 2, 0] = (pictures[6, 4, 2, 0] + 0.5) % 1
    keys = keys_of(pictures)
    assert len(keys.unique()) == 40
    assert torch.equal(keys_of(pictures[5:6]), keys[5:6])
    steps = torch.zeros(40, dtype=torch.int64)
    drawn = drawn_for(keys, steps, 500, torch.randn)
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1) < 0.03
    assert torch.equal(drawn_for(keys[3:4], steps[:1], 500, torch.randn), drawn[3:4])
    later = drawn_for(keys, steps + 1, 500, torch.randn)
    both = torch.corrcoef(torch.cat([drawn, later])) - torch.eye(80)
    assert both.abs().max() < 0.25  # 3,160 pairs of rows that have nothing to do with one another
