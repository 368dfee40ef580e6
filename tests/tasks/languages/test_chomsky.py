"""The tasks of Delétang et al. 2022: each against its oracle, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from seqlab.errors import SettingsError
from seqlab.settings import Component
from seqlab.tasks import build_task
from seqlab.tasks.languages._chomsky import LENGTHS, OfAnyLength
from seqlab.tasks.languages._expressions import SYMBOLS, value
from seqlab.tasks.languages.binary_addition import total
from seqlab.tasks.languages.binary_multiplication import product
from seqlab.tasks.languages.bucket_sort import bucket_sort
from seqlab.tasks.languages.cycle_navigation import walk
from seqlab.tasks.languages.duplicate_string import duplicate
from seqlab.tasks.languages.even_pairs import unequal_pairs
from seqlab.tasks.languages.missing_duplicate import missing
from seqlab.tasks.languages.modular_arithmetic import ModularArithmetic
from seqlab.tasks.languages.modular_arithmetic import value as plain_value
from seqlab.tasks.languages.odds_first import odds_first
from seqlab.tasks.languages.parity_check import parity
from seqlab.tasks.languages.reverse_string import reverse
from seqlab.tasks.languages.solve_equation import solve
from seqlab.tasks.languages.square_root import root
from seqlab.tasks.languages.stack_manipulation import final_stack

Answers = Callable[[Sequence[int]], list[int]]


def of_text(oracle: Callable[[str], int], symbols: Sequence[str]) -> Answers:
    return lambda tokens: [oracle("".join(symbols[token] for token in tokens))]


ORACLES: dict[str, Answers] = {
    "parity-check": lambda bits: [parity(bits)],
    "even-pairs": lambda bits: [unequal_pairs(bits)],
    "cycle-navigation": lambda steps: [walk(steps)],
    "modular-arithmetic": of_text(plain_value, ModularArithmetic.symbols),
    "reverse-string": reverse,
    "stack-manipulation": final_stack,
    "modular-arithmetic-brackets": of_text(value, SYMBOLS),
    "solve-equation": of_text(solve, SYMBOLS),
    "duplicate-string": duplicate,
    "missing-duplicate": lambda tokens: [missing(tokens)],
    "odds-first": odds_first,
    "binary-addition": total,
    "binary-multiplication": product,
    "square-root": root,
    "bucket-sort": bucket_sort,
}

names = pytest.mark.parametrize("name", ORACLES)


def task_of(name: str, **options: Any) -> OfAnyLength:
    task = build_task(Component(name=name, **options))
    assert isinstance(task, OfAnyLength)
    return task


@names
@pytest.mark.parametrize("length", [2, 3, 4, 5, 8, 17, 40])
def test_the_answers_are_those_of_the_oracle(name: str, length: int) -> None:
    task = task_of(name, length=length)
    batch = task.batch("train", 0, 40, seed=1)
    assert batch.mask is not None
    for row, targets, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        read = row[row != task.letters].tolist()
        wanted = ORACLES[name](read)
        assert targets[mask].tolist() == wanted
        first = len(read)  # answers are given at the empty symbols, from the first on
        assert mask.nonzero().flatten().tolist() == list(range(first, first + len(wanted)))
        assert len(read) in (max(length, 3), length, length - 1)


@names
def test_lengths_are_drawn_evenly_from_the_training_range(name: str) -> None:
    task = task_of(name, longest=7)
    seen = [task.batch("train", index, 1, seed=1).inputs for index in range(200)]
    lengths = np.array([(row != task.letters).sum() for row in seen])
    assert lengths.min() <= 3
    assert lengths.max() == 7


@names
def test_every_letter_and_every_answer_comes(name: str) -> None:
    """Every letter comes, and so does every answer."""
    task = task_of(name, length=21)
    batch = task.batch("train", 0, 400, seed=1)
    assert batch.mask is not None
    unused = {SYMBOLS.index("*")} if name == "solve-equation" else set()
    assert set(batch.inputs.flatten().tolist()) == set(range(task.letters + 1)) - unused
    assert set(batch.targets[batch.mask].tolist()) == set(range(task.classes))


def test_a_model_is_judged_on_as_many_sequences_of_each_length() -> None:
    seen = [batch.inputs.shape for batch in task_of("parity-check").evaluation("test", 400, seed=1)]
    assert seen == [(10, length + 1) for length in range(1, 41)]
    far = task_of("parity-check", shortest=41, longest=500)
    lengths = [batch.inputs.shape[1] - 1 for batch in far.evaluation("test", 640, seed=1)]
    assert (min(lengths), max(lengths), len(lengths)) == (41, 500, LENGTHS)
    assert sum(len(batch.inputs) for batch in far.evaluation("test", 645, seed=1)) == 645
    one = task_of("parity-check", length=9)
    assert [batch.inputs.shape for batch in one.evaluation("test", 600, seed=1)] == [(512, 10), (88, 10)]


def test_every_length_counts_the_same() -> None:
    """Of 10 bits one is wrong, of 2 bits one is wrong: 0.9 and 0.5 make 0.7, not 10 of 12."""
    task = task_of("reverse-string", longest=10)
    total = None
    for batch in [task_of("reverse-string", length=length).batch("test", 0, 1, seed=1) for length in (10, 2)]:
        outputs = 9.0 * torch.nn.functional.one_hot(batch.targets, 2).float()
        outputs[0, -1] = -outputs[0, -1]
        counted = task.tally(outputs, batch)
        total = counted if total is None else total + counted
    assert total is not None
    assert task.figures(total)["accuracy"] == pytest.approx(0.7)


def test_longer_sequences_stay_longer_whatever_is_trained_on() -> None:
    trial = next(trial for trial in OfAnyLength.trials if trial.name == "length-41-to-500")
    judged = task_of("parity-check", **{"length": 20, **trial.task}).evaluation("test", 64, 1)
    lengths = {batch.inputs.shape[1] - 1 for batch in judged}
    assert (min(lengths), max(lengths), len(lengths)) == (41, 500, 64)


def test_lengths_that_cross_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task\.shortest is 50, .* task\.longest, 40"):
        task_of("parity-check", shortest=50)
    assert task_of("parity-check", shortest=50, length=60).lengths == (60, 60)


def test_values_and_equations_are_spread_evenly() -> None:
    for name in ("modular-arithmetic", "solve-equation"):
        batch = task_of(name, length=15).batch("train", 0, 4000, seed=1)
        shares = np.bincount(batch.targets[batch.mask].numpy(), minlength=5) / 4000
        assert shares == pytest.approx(np.full(5, 0.2), abs=0.06), name
