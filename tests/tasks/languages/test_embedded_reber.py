from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from seqlab.tasks.languages._reber import REBER, SYMBOLS, decode, is_legal, legal_next
from seqlab.tasks.languages.embedded_reber import EmbeddedReber


def strings(index: int = 0, size: int = 2000) -> list[str]:
    batch = EmbeddedReber().batch("train", index, size, seed=1)
    return [decode(row[:1]) + decode(row[1:]) + decode(last[-1:]) for row, last in whole(batch)]


def whole(batch):
    return [(row[row >= 0], wanted) for row, wanted in zip(batch.inputs, batch.targets, strict=True)]


def test_every_string_is_of_the_grammar() -> None:
    found = strings()
    assert all(map(is_legal, found))
    assert min(map(len, found)) == 9
    assert max(map(len, found)) > 20


@pytest.mark.parametrize(
    "text",
    ["BTBTXSETE", "BPBTXSEPE", "BTBPVVETE", "BPBTSSXXTVPSEPE", "BTBPTTVPXVVETE"],
)
def test_strings_that_are_legal(text: str) -> None:
    assert is_legal(text)


@pytest.mark.parametrize(
    "text", ["BTBTXSEPE", "BTBTXSET", "TBTXSETE", "BTBTTSETE", "BXBTXSEXE", "BTBTXSTE", ""]
)
def test_strings_that_are_not(text: str) -> None:
    assert not is_legal(text)


def test_both_ways_of_every_choice_are_as_likely() -> None:
    seen: dict[int, Counter[str]] = {}
    for text in strings():
        state = 0
        for symbol in text[2:-2]:
            seen.setdefault(state, Counter())[symbol] += 1
            state = REBER[state][symbol]
    for state, counts in seen.items():
        assert set(counts) == set(REBER[state])
        if len(counts) == 2:
            first, second = counts.values()
            assert abs(first - second) < 4 * (first + second) ** 0.5
    outer = Counter(text[1] for text in strings())
    assert abs(outer["T"] - outer["P"]) < 4 * 2000**0.5
    lengths = np.array([len(text) for text in strings()])
    assert (lengths == 9).mean() == pytest.approx(1 / 4, abs=0.04)  # TXS and PVV: 1/8 each


def test_legal_symbols_are_those_after_which_the_grammar_goes_on() -> None:
    """By trying, for each beginning of a string, which symbols a string of the grammar has next."""
    found = strings()
    after: dict[str, set[str]] = {}
    for text in found:
        for place in range(1, len(text)):
            after.setdefault(text[:place], set()).add(text[place])
    often = Counter(text[:place] for text in found for place in range(1, len(text)))
    batch = EmbeddedReber().batch("train", 0, 500, seed=1)
    legal = legal_next(batch.inputs.numpy())
    checked = 0
    for row, tokens in enumerate(batch.inputs):
        for step in range(len(tokens)):
            beginning = decode(tokens[: step + 1])
            if beginning and often[beginning] >= 20:
                allowed = {SYMBOLS[k] for k in np.flatnonzero(legal[row, step])}
                assert allowed == after[beginning], beginning
                checked += 1
    assert checked > 1000


def test_a_step_is_right_where_no_other_symbol_beats_a_legal_one() -> None:
    task = EmbeddedReber()
    batch = task.batch("train", 0, 50, seed=2)
    scores = torch.from_numpy(legal_next(batch.inputs.numpy())).float()
    scores += 0.01 * torch.rand(scores.shape, generator=torch.Generator().manual_seed(1))
    figures = task.figures(task.tally(scores, batch))
    assert (figures["accuracy"], figures["errors"]) == (1.0, 0)
    scores[7, -1] = 0  # the last step of one string: a symbol that is not legal scores highest
    scores[7, -1, SYMBOLS.index("B")] = 1
    figures = task.figures(task.tally(scores, batch))
    assert figures["errors"] == 1
    assert figures["accuracy"] == pytest.approx(1 - 1 / int(batch.mask.sum()))
    forgets = scores.clone()
    forgets[:, -2] = 0  # before the second t: T and P as likely
    forgets[:, -2, [SYMBOLS.index("T"), SYMBOLS.index("P")]] = torch.tensor([1.0, 0.9])
    assert 15 < task.figures(task.tally(forgets, batch))["errors"] < 35


def test_batches_of_any_size_cut_the_same_stream_of_strings() -> None:
    task = EmbeddedReber()
    one = [decode(row) for index in range(6) for row in task.batch("train", index, 3, seed=4).inputs]
    other = [decode(row) for row in task.batch("train", 0, 18, seed=4).inputs]
    assert one == other
    across = task.batch("train", 1, 700, seed=4)  # rows 700 to 1399: of two blocks
    assert [decode(row) for row in across.inputs[:3]] == [
        decode(task.batch("train", k, 1, seed=4).inputs[0]) for k in (700, 701, 702)
    ]
