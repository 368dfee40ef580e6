"""Choosing a symbol: the distributions of temperature, top-k, top-p and min-p, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from seqlab.contracts import numpy_stream
from seqlab.errors import RunFailedError, UsageError
from seqlab.generation import Sampling
from seqlab.generation.sampling import choose, shares

SCORES = np.array([1.0, -0.5, 2.0, 0.0, 2.0, -3.0, 0.7], np.float32)
DRAWS = 40_000


def wanted(scores: np.ndarray, sampling: Sampling) -> list[float]:
    """Return the probabilities by the definitions, symbol by symbol."""
    powers = [math.exp(float(score) / sampling.temperature) for score in scores]
    likeliest = sorted(range(len(powers)), key=lambda symbol: (-powers[symbol], symbol))
    kept = likeliest[: sampling.top_k]
    mass, nucleus = 0.0, []
    for symbol in kept:
        if mass < sampling.top_p * sum(powers[s] for s in kept):
            nucleus.append(symbol)
        mass += powers[symbol]
    kept = [symbol for symbol in nucleus if powers[symbol] >= sampling.min_p * powers[nucleus[0]]]
    total = sum(powers[symbol] for symbol in kept)
    return [powers[symbol] / total if symbol in kept else 0.0 for symbol in range(len(powers))]


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1.0},
        {"temperature": 0.5},
        {"temperature": 2.5},
        {"temperature": 1.0, "top_k": 3},
        {"temperature": 1.0, "top_k": 1},
        {"temperature": 0.8, "top_p": 0.7},
        {"temperature": 1.0, "min_p": 0.2},
        {"temperature": 1.3, "top_k": 5, "top_p": 0.9, "min_p": 0.15},
    ],
)
def test_draws_follow_the_distribution(settings: dict[str, float]) -> None:
    sampling = Sampling(**settings)
    uniform = 1 - numpy_stream(1, "test").random(DRAWS)
    drawn = choose(np.tile(SCORES, (DRAWS, 1)), uniform, sampling)
    expected = np.array(wanted(SCORES, sampling))
    counts = np.bincount(drawn, minlength=len(SCORES))
    possible = expected > 0
    assert counts[~possible].sum() == 0
    if possible.sum() > 1:
        assert chisquare(counts[possible], expected[possible] * DRAWS).pvalue > 1e-3


@given(
    st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.3, 1.0, 4.0]), min_size=1, max_size=12),
    st.floats(0.05, 20),
    st.none() | st.integers(1, 14),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
def test_shares_are_those_of_the_definitions(
    scores: list[float], temperature: float, top_k: int | None, top_p: float, min_p: float
) -> None:
    share = shares(np.array(scores), Sampling(1, temperature, 1, top_k, top_p, min_p))
    near = [  # a border that is met to the last bit may fall to either side
        wanted(np.array(scores), Sampling(1, temperature, 1, top_k, p, m))
        for p in (top_p * (1 - 1e-9), min(1, top_p * (1 + 1e-9)))
        for m in (min_p * (1 - 1e-9), min(1, min_p * (1 + 1e-9)))
    ]
    assert any(np.allclose(share / share.sum(), expected, atol=1e-12) for expected in near)


@given(st.floats(0, 1, exclude_min=True), st.integers(1, 6))
def test_what_is_cut_off_is_never_chosen(uniform: float, top_k: int) -> None:
    sampling = Sampling(temperature=1, top_k=top_k)
    symbol = int(choose(SCORES, uniform, sampling))
    assert wanted(SCORES, sampling)[symbol] > 0


def test_the_ends_of_the_interval_choose_possible_symbols() -> None:
    scores = np.array([-1000.0, 0.0, 0.0, -1000.0])
    assert int(choose(scores, 1.0, Sampling(temperature=1))) == 2
    assert int(choose(scores, 2.0**-53, Sampling(temperature=1))) == 1


def test_rows_choose_as_one_does() -> None:
    generator = numpy_stream(2, "test")
    scores, uniform = generator.normal(size=(50, 9)), 1 - generator.random(50)
    for sampling in (Sampling(), Sampling(temperature=0), Sampling(top_k=3, top_p=0.8, min_p=0.1)):
        together = choose(scores, uniform, sampling)
        assert together.tolist() == [int(choose(*one, sampling)) for one in zip(scores, uniform, strict=True)]


def test_temperature_zero_takes_the_first_likeliest() -> None:
    assert int(choose(SCORES, 0.999, Sampling(temperature=0))) == 2


def test_scores_stay_as_they_are() -> None:
    scores = SCORES.astype(np.float64)
    choose(scores, 0.5, Sampling(top_k=2))
    np.testing.assert_array_equal(scores, SCORES)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    for place in (0, 6):
        scores = SCORES.copy()
        scores[place] = bad
        for sampling in (Sampling(), Sampling(temperature=0)):
            with pytest.raises(RunFailedError, match="not finite"):
                choose(scores, 0.5, sampling)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("length", -1), ("temperature", -0.1), ("temperature", 1e-9), ("temperature", math.nan),
        ("temperature", math.inf), ("seed", -1), ("top_k", 0), ("top_p", 0.0), ("top_p", 1.1),
        ("top_p", math.nan), ("min_p", -0.1), ("min_p", 1.1),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(setting: str, value: float) -> None:
    with pytest.raises(UsageError) as caught:
        Sampling(**{setting: value})
    assert f"{setting.replace('_', '-')} is {value}." == caught.value.message
    assert "must be" in (caught.value.hint or "")
