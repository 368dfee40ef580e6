"""The tasks of neural Turing machines, each held against a slow oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seqlab.errors import SettingsError
from seqlab.tasks.recall.associative_recall import AssociativeRecall, recall
from seqlab.tasks.recall.copy_bits import CopyBits, copy
from seqlab.tasks.recall.dynamic_n_grams import DynamicNGrams, best_nats, estimate
from seqlab.tasks.recall.priority_sort import PrioritySort, sort


def logits(targets: torch.Tensor) -> torch.Tensor:
    return torch.where(targets > 0.5, 5.0, -5.0)


def test_bits_are_copied_at_every_length() -> None:
    task, seen = CopyBits(length=4, bits=3), set()
    for index in range(40):
        batch = task.batch("train", index, 3, seed=1)
        assert batch.mask is not None
        for row, wanted, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            assert copy(row.int().tolist()) == wanted[mask].int().tolist()
            seen.add(int(mask.sum()))
    assert seen == {1, 2, 3, 4}
    assert CopyBits(length=7, exactly=True).batch("test", 3, 2, seed=1).inputs.shape == (2, 15, 9)


def test_the_item_behind_the_one_that_is_asked_for_is_recalled() -> None:
    task, seen = AssociativeRecall(items=4, item_length=2, bits=3), set()
    for index in range(60):
        batch = task.batch("train", index, 4, seed=1)
        assert batch.mask is not None
        for row, wanted, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            assert recall(row.int().tolist()) == wanted[mask].int().tolist()
            seen.add(int(row[:, -2].sum()))
    assert seen == {2, 3, 4}


@pytest.mark.parametrize("bits", [3, 5])  # all of 32 are never drawn by chance
def test_no_two_items_of_a_sequence_are_the_same(bits: int) -> None:
    items, first = 2**bits, set[tuple[float, ...]]()
    batch = AssociativeRecall(items=items, item_length=1, bits=bits, exactly=True).batch(
        "train", 0, 99, seed=1
    )
    for row in batch.inputs:
        assert len(np.unique(row[1 : 2 * items : 2, :-2], axis=0)) == items
        first.add(tuple(row[1, :-2].tolist()))
    assert len(first) > 0.8 * items, "each item may be the first"
    with pytest.raises(SettingsError, match="only 8 different"):
        AssociativeRecall(items=9, item_length=1, bits=3)


def test_vectors_are_sorted_by_their_priorities() -> None:
    batch = PrioritySort(vectors=6, highest=4, bits=3).batch("train", 0, 20, seed=1)
    assert batch.mask is not None
    for row, wanted, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        found = sort(row[:6, :-2].int().tolist(), row[:6, -2].tolist(), 4)
        assert found == wanted[mask].int().tolist()
    with pytest.raises(SettingsError, match=r"Take task\.highest=3"):
        PrioritySort(vectors=3, highest=4)


def test_wrong_bits_are_counted_by_sequence() -> None:
    for task in (CopyBits(length=3), AssociativeRecall(items=3), PrioritySort(vectors=3, highest=2)):
        batch = task.batch("test", 0, 4, seed=1)
        outputs = logits(batch.targets)
        assert task.figures(task.tally(outputs, batch))["wrong_bits"] == 0
        outputs[0, -1, 0] *= -1
        outputs[2, -1, 1] *= -1
        assert task.figures(task.tally(outputs, batch))["wrong_bits"] == 0.5


def test_a_sequence_costs_the_cross_entropy_of_its_bits() -> None:
    task = CopyBits(length=3, bits=4, exactly=True)
    batch = task.batch("test", 0, 5, seed=1)
    nothing = torch.zeros_like(batch.targets)
    assert task.metric.name == "bits"
    assert task.figures(task.tally(nothing, batch))["bits"] == pytest.approx(3 * 4)  # a bit for each bit
    sure = (2 * batch.targets - 1) * math.log(3)  # 3/4 for the right one
    assert task.figures(task.tally(sure, batch))["bits"] == pytest.approx(12 * math.log2(4 / 3))


def test_a_held_out_set_holds_many_lengths() -> None:
    for task in (CopyBits(), AssociativeRecall()):
        batches = list(task.evaluation("validation", 200, seed=1))
        assert sum(len(batch.inputs) for batch in batches) == 200
        assert len({batch.inputs.shape[1] for batch in batches}) > 4


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_best_estimator_is_that_which_counts_bit_by_bit(order: int) -> None:
    task = DynamicNGrams(length=40, order=order)
    batch = task.batch("test", 0, 5, seed=1)
    assert batch.mask is not None
    bits = torch.cat([batch.inputs[:, :1], batch.targets], 1)[:, :, 0].long()
    judged = 0.0
    for row in bits.tolist():
        chances = estimate(row, order)
        judged -= sum(math.log(p if bit else 1 - p) for p, bit in zip(chances, row[order - 1 :], strict=True))
    assert best_nats(bits.numpy(), order).sum() == pytest.approx(judged)


def test_excess_bits_are_those_above_the_best_estimator() -> None:
    task = DynamicNGrams(length=60, order=3)
    batch = task.batch("test", 0, 8, seed=1)
    assert batch.mask is not None
    bits = torch.cat([batch.inputs[:, :1], batch.targets], 1)[:, :, 0].long().tolist()
    best = torch.zeros_like(batch.targets)
    for place, row in enumerate(bits):
        best[place, 1:, 0] = torch.tensor(estimate(row, 3)).logit()
    figures = task.figures(task.tally(best, batch))
    assert figures["excess_bits"] == pytest.approx(0, abs=1e-4)
    undecided = task.figures(task.tally(torch.zeros_like(best), batch))
    assert undecided["bits"] == pytest.approx(58)
    assert undecided["excess_bits"] == pytest.approx(58 - figures["best_bits"], abs=1e-4)


def test_the_source_follows_its_table() -> None:
    """Bits behind one context are ones with one probability: some tables nearly never, some nearly always."""
    batch = DynamicNGrams(length=2000, order=2).batch("train", 0, 40, seed=1)
    bits = torch.cat([batch.inputs[:, :1], batch.targets], 1)[:, :, 0].numpy()
    shares = [row[1:][row[:-1] == 1].mean() for row in bits if row.sum() > 200]
    early = [row[1:1000][row[:999] == 1].mean() for row in bits if row.sum() > 200]
    assert np.corrcoef(shares, early)[0, 1] > 0.98
    assert min(shares) < 0.2
    assert max(shares) > 0.8
