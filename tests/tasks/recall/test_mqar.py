from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.tasks.recall.mqar import MQAR, recall


@pytest.mark.parametrize(("length", "pairs", "symbols"), [(4, 1, 4), (64, 4, 256), (64, 16, 64), (61, 3, 9)])
def test_agrees_with_the_oracle(length: int, pairs: int, symbols: int) -> None:
    batch = MQAR(length=length, pairs=pairs, symbols=symbols).batch("train", 0, 100, seed=1)
    assert batch.mask is not None
    for row, wanted, mask in zip(batch.inputs.tolist(), batch.targets, batch.mask, strict=True):
        asked = {step: int(wanted[step]) for step in np.flatnonzero(mask).tolist()}
        assert recall(row, pairs) == asked
        assert len(asked) == pairs
        keys, values = row[: 2 * pairs : 2], row[1 : 2 * pairs : 2]
        assert len(set(keys)) == len(set(values)) == pairs
        assert all(1 <= key < symbols // 2 for key in keys)
        assert all(symbols // 2 <= value < symbols for value in values)
        assert all((step - 2 * pairs) % 2 == 0 for step in asked)


def test_a_place_is_drawn_with_the_weight_of_the_power_law() -> None:
    """With one pair, the share of place g is g^(0.01 - 1) over the sum of all."""
    batch = MQAR(length=34, pairs=1).batch("train", 0, 40_000, seed=1)
    assert batch.mask is not None
    weights = np.arange(1, 17) ** (0.01 - 1.0)
    found = batch.mask[:, 2::2].float().mean(0).numpy()
    assert np.abs(found - weights / weights.sum()).max() < 0.01


def test_random_filler_leaves_no_blanks_but_the_same_questions() -> None:
    plain, filled = (MQAR(filler=filler).batch("train", 0, 50, seed=1) for filler in ("blank", "random"))
    assert plain.mask is not None
    assert filled.mask is not None
    assert (plain.inputs == 0).float().mean() > 0.7
    assert (filled.inputs == 0).float().mean() < 0.05
    assert filled.mask.sum() == plain.mask.sum()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"length": 64, "pairs": 17}, "room for 16 that"),
        ({"length": 64, "pairs": 8, "symbols": 16}, "only 7 are keys"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(options: dict[str, int], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        MQAR(**options)
    assert caught.value.hint is not None
    name, _, value = caught.value.hint.removeprefix("Take task.").split(",")[0].partition("=")
    MQAR(**{**options, name: int(value)})
