from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from seqlab.tasks.languages._reber import SYMBOLS, decode, is_legal
from seqlab.tasks.languages.continual_reber import ContinualReber


def texts(size: int = 40, length: int = 200) -> list[str]:
    return [decode(row) for row in ContinualReber(length=length).batch("train", 0, size, seed=1).inputs]


def test_a_stream_is_strings_of_the_grammar_and_nothing_between() -> None:
    for text in texts():
        *whole, rest = re.split("(?<=E)(?=B)", text)
        assert len(whole) > 5
        assert all(map(is_legal, whole))
        assert rest.startswith("B")


def test_targets_are_the_symbols_that_follow() -> None:
    batch = ContinualReber(length=50).batch("train", 0, 3, seed=1)
    assert torch.equal(batch.targets[:, :-1], batch.inputs[:, 1:])


def test_legal_is_what_comes_after_the_same_beginning_in_some_stream() -> None:
    """By brute force: the symbols that follow each beginning of a string in many streams are those, and no others."""
    task = ContinualReber(length=400)
    inputs = np.concatenate([task.batch("train", index, 100, seed=1).inputs.numpy() for index in range(5)])
    legal = task.legal(inputs)
    after: dict[str, set[str]] = {}
    told: dict[str, set[str]] = {}
    for row, allowed in zip(inputs, legal, strict=True):
        text = "".join(SYMBOLS[token] for token in row)
        for place in range(len(text) - 1):
            begun = text[text.rfind("EB", 0, place + 1) + 1 : place + 1]
            after.setdefault(begun, set()).add(text[place + 1])
            told[begun] = {SYMBOLS[symbol] for symbol in np.flatnonzero(allowed[place])}
    often = {begun for begun in after if len(begun) < 8}
    assert len(often) > 20
    for begun in often:
        assert after[begun] == told[begun], begun
    assert all(after[begun] <= told[begun] for begun in after)


@pytest.mark.parametrize(("wrong_at", "free"), [(None, 30), (0, 0), (17, 17)])
def test_error_free_is_the_number_of_symbols_before_the_first_error(wrong_at: int | None, free: int) -> None:
    task = ContinualReber(length=30)
    batch = task.batch("test", 0, 1, seed=1)
    outputs = torch.from_numpy(task.legal(batch.inputs.numpy())).float()
    if wrong_at is not None:
        outputs[:, wrong_at:] = 1 - outputs[:, wrong_at:]
    assert task.figures(task.tally(outputs, batch))["error_free"] == free


def test_a_held_out_set_has_a_million_symbols_at_most() -> None:
    long = list(ContinualReber(length=400_000).evaluation("test", 100, seed=1))
    assert [batch.inputs.shape for batch in long] == [(1, 400_000), (1, 400_000)]
    short = list(ContinualReber(length=100).evaluation("test", 100, seed=1))
    assert sum(len(batch.inputs) for batch in short) == 100
