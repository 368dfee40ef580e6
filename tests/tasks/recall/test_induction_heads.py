from __future__ import annotations

import pytest
import torch

from seqlab.tasks.recall.induction_heads import InductionHeads, look_up


@pytest.mark.parametrize(("length", "symbols"), [(3, 2), (64, 16), (500, 4)])
def test_agrees_with_the_oracle(length: int, symbols: int) -> None:
    batch = InductionHeads(length=length, symbols=symbols).batch("train", 0, 200, seed=1)
    assert batch.mask is not None
    assert batch.mask[:, -1].all()
    assert int(batch.mask.sum()) == 200
    for row, wanted in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert look_up(row, symbols) == wanted
        assert row.count(symbols) == 2
        assert row[-1] == symbols


def test_the_mark_stands_anywhere_and_every_answer_is_as_likely() -> None:
    batch = InductionHeads(length=10, symbols=4).batch("train", 0, 8000, seed=1)
    places = (batch.inputs == 4).float().argmax(1)
    assert torch.allclose(places.bincount(minlength=8) / 8000, torch.full((8,), 1 / 8), atol=0.02)
    assert torch.allclose(batch.targets.bincount() / 8000, torch.full((4,), 1 / 4), atol=0.02)
