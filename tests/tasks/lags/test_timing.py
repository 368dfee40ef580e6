from __future__ import annotations

import math

import pytest
import torch

from seqlab.errors import SettingsError
from seqlab.tasks.lags.timing import Timing, delays_of


@pytest.mark.parametrize("most", [1, 10])
def test_what_is_asked_for_at_a_spike_is_what_counting_steps_gives(most: int) -> None:
    batch = Timing(difficulty="msd", interval=7, most=most, spikes=12).batch("train", 3, 20, seed=1)
    assert batch.mask is not None
    found = set()
    for spikes, delays, mask in zip(batch.inputs[..., 0], batch.targets, batch.mask, strict=True):
        assert delays[mask].tolist() == delays_of(spikes.tolist(), 7)
        assert torch.equal(mask, spikes == 1)
        found.update(delays[mask].tolist())
    assert found == set(range(most + 1))


def test_generating_is_measuring_with_input_and_target_exchanged() -> None:
    options = {"interval": 5, "most": 3, "spikes": 6}
    measured = Timing(difficulty="msd", **options).batch("train", 0, 8, seed=1)
    generated = Timing(difficulty="gts", **options).batch("train", 0, 8, seed=1)
    assert torch.equal(generated.targets, measured.inputs[..., 0])
    for held, spikes in zip(generated.inputs[..., 0].tolist(), generated.targets.tolist(), strict=True):
        delays, at = delays_of(spikes, 5), 0
        for delay in delays:  # from the step after one spike up to the next the input says how long it takes
            assert held[at : at + 5 + delay] == [delay] * (5 + delay)
            at += 5 + delay


def test_one_row_of_a_batch_ends_with_its_last_spike() -> None:
    batch = Timing(difficulty="msd", spikes=4).batch("train", 0, 16, seed=2)
    spikes = batch.inputs[..., 0].sum(1)
    assert spikes.max() == 4
    assert bool(batch.inputs[:, -1, 0].any())


def test_the_cosine_is_the_formula_of_the_paper_at_every_step() -> None:
    batch = Timing(difficulty="pfg", interval=25, spikes=3).batch("train", 0, 2, seed=1)
    wanted = [0.5 * (1 - math.cos(2 * math.pi * t / 25)) for t in range(75)]
    assert torch.allclose(batch.targets, torch.tensor([wanted, wanted]), atol=1e-6)
    assert not batch.inputs.any()


def test_what_is_right_differs_by_form() -> None:
    off = torch.tensor([[0.4]])
    assert Timing(difficulty="gts").is_correct(off, torch.zeros(1)).item()
    assert not Timing(difficulty="pfg").is_correct(off, torch.zeros(1)).item()


@pytest.mark.parametrize(("interval", "most"), [(3, 4), (5, 12)])
def test_every_sequence_is_asked_something(interval: int, most: int) -> None:
    """The last spikes of the longer rows are cut off; the first must not be."""
    fewest = 1 - (-most // interval)
    batch = Timing(interval=interval, most=most, spikes=fewest).batch("train", 0, 500, seed=1)
    assert batch.mask is not None
    assert batch.mask.any(1).all()
    for difficulty in ("msd", "gts"):
        with pytest.raises(SettingsError, match=f"task.spikes={fewest}, or more"):
            Timing(difficulty=difficulty, interval=interval, most=most, spikes=fewest - 1)
    Timing(difficulty="pfg", interval=interval, most=most, spikes=fewest - 1)
