from __future__ import annotations

import runpy
from pathlib import Path

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


def test_a_network_that_says_all_at_once_sees_no_questions() -> None:
    script = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "slots.py"))
    task = SelectiveCopy(length=7, recall=3)
    model = script["Slots"](task.spec, hidden_size=5, layers=2, slots=3)
    model.initialise(torch.Generator().manual_seed(1))
    inputs = task.batch("train", 0, 4, seed=1).inputs
    whole, _ = model(inputs)
    for at in (3, 7, 8):  # among what is read, between that and the questions, and among the questions
        first, state = model(inputs[:, :at])
        rest, _ = model(inputs[:, at:], state)
        assert torch.allclose(torch.cat([first, rest], 1), whole, atol=1e-6)
    hidden, _ = model.cells[0](model.embedding(inputs[:, :7]), model.cells[0].start(4))
    hidden, _ = model.cells[1](model.norms[0](hidden), model.cells[1].start(4))
    said = model.say(torch.nn.functional.gelu(model.narrow(model.norms[1](hidden[:, -1]))))
    assert torch.allclose(whole[:, 7:].flatten(1), said, atol=1e-6)
