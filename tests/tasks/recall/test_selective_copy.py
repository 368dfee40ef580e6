from __future__ import annotations

import pytest
import torch

from seqlab.errors import SettingsError
from seqlab.tasks.recall.selective_copy import SelectiveCopy, pick


@pytest.mark.parametrize(("length", "symbols", "recall"), [(1, 2, 1), (9, 3, 9), (32, 8, 4)])
def test_agrees_with_the_oracle(length: int, symbols: int, recall: int) -> None:
    batch = SelectiveCopy(length=length, symbols=symbols, recall=recall).batch("train", 0, 100, seed=1)
    assert batch.mask is not None
    for row, wanted, mask in zip(batch.inputs.tolist(), batch.targets, batch.mask, strict=True):
        assert pick(row, symbols) == wanted[mask].tolist()
        assert int(mask.sum()) == recall


def test_every_place_is_as_likely() -> None:
    inputs = SelectiveCopy(length=16, recall=4).batch("train", 0, 4000, seed=1).inputs[:, :16]
    assert torch.allclose((inputs < 8).float().mean(0), torch.full((16,), 0.25), atol=0.04)


def test_more_symbols_than_steps_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task\.recall is 5, and task\.length only 4"):
        SelectiveCopy(length=4, recall=5)
