from __future__ import annotations

import numpy as np
import pytest

from seqlab.contracts import PAD
from seqlab.tasks.lags.temporal_order import (
    CLASSES,
    LEVELS,
    TemporalOrder,
    classify,
    decode,
    encode,
    is_legal,
)

levels = pytest.mark.parametrize("difficulty", LEVELS)


@levels
def test_agrees_with_the_oracle(difficulty: str) -> None:
    batch = TemporalOrder(difficulty=difficulty).batch("train", 0, 400, seed=1)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        text = decode(row)
        assert is_legal(text, difficulty), text
        assert classify(text) == CLASSES[target]
        assert np.array_equal(encode(text), row[row != PAD])


@levels
def test_every_length_and_position_of_the_ranges_occurs_and_no_other(difficulty: str) -> None:
    batch = TemporalOrder(difficulty=difficulty).batch("train", 0, 4000, seed=1)
    inputs = batch.inputs.numpy()
    start = (inputs == PAD).sum(1)
    relevant = np.isin(inputs, encode("XY"))
    seen = {
        "length": inputs.shape[1] - start,
        "t1": relevant.argmax(1) - start,
        "t2": inputs.shape[1] - 1 - relevant[:, ::-1].argmax(1) - start,
    }
    for name, found in seen.items():
        low, high = getattr(LEVELS[difficulty], name)
        assert set(found.tolist()) == set(range(low, high + 1))


def test_classes_lengths_and_distractors_are_uniform() -> None:
    batch = TemporalOrder(difficulty="easy").batch("train", 0, 20_000, seed=1)
    assert np.allclose(np.bincount(batch.targets) / 20_000, 1 / 4, atol=0.015)
    padding, *symbols = np.bincount(batch.inputs.flatten() + 1)
    assert abs(padding / 20_000 - 1.5) < 0.015  # 1 or 2 steps in front of 8 or 7 symbols
    distractors = np.array(symbols)[encode("abcd")]
    assert np.allclose(distractors / distractors.sum(), 1 / 4, atol=0.01)


def test_the_easy_batch_of_the_lecture_is_9_steps_wide() -> None:
    batch = TemporalOrder().batch("train", 0, 32, seed=1)
    assert batch.inputs.shape == (32, 9)
    assert batch.mask is not None
    assert batch.mask[:, -1].all()
    assert int(batch.mask.sum()) == 32


@pytest.mark.parametrize(
    ("text", "wanted"), [("BbXcXcbE", "Q"), ("BXaaYbE", "R"), ("BaYcXdE", "S"), ("BYabYcE", "U")]
)
def test_the_oracle_knows_the_classes(text: str, wanted: str) -> None:
    assert classify(text) == wanted
    assert is_legal(text, "easy")


@pytest.mark.parametrize(
    "text",
    [
        "bbXcXcbE",
        "BbXcXcbB",
        "BbXXccbE",
        "BbbXXcbE",
        "BXcXXcbE",
        "BbXcccbE",
        "BbXcXE",
        "BbXcXcbbE",
        "BBXcXcbE",
    ],
)
def test_the_oracle_refuses_what_breaks_a_rule(text: str) -> None:
    assert not is_legal(text, "easy")
