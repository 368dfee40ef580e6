"""Each figure against a case worked by hand, and the promised error rates by simulation."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from seqlab.comparison.statistics import (
    Interval,
    SignTest,
    first_to_solve,
    holm,
    kaplan_meier,
    mcnemar,
    mean_interval,
    paired_difference,
    seeds_needed,
    sign_flip_p,
    wilson,
)
from seqlab.contracts import numpy_stream

COMPARISONS = 2000


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (2, 10), (7, 9), (10, 10)])
def test_wilson_is_scipy_s(successes: int, trials: int) -> None:
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    found = wilson(successes, trials)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_covers() -> None:
    rng = numpy_stream(1, "wilson")
    intervals = [wilson(k, 10) for k in range(11)]
    shares = rng.random(COMPARISONS)
    found = [intervals[k] for k in rng.binomial(10, shares)]
    covered = [i.low <= share <= i.high for i, share in zip(found, shares, strict=True)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_kaplan_meier_by_hand() -> None:
    # One of 5 solves at 100; one leaves unsolved at 200; one of the remaining 3 solves at 300.
    curve = kaplan_meier([300, 100, 200, 400, 400], [True, True, False, False, False])
    assert curve.times == (0, 100, 300)
    assert curve.unsolved == pytest.approx((1, 4 / 5, 4 / 5 * 2 / 3))
    assert curve.censored == (200, 400, 400)
    assert (curve.lower_quartile, curve.median, curve.upper_quartile) == (300, None, None)


def test_a_run_stopped_when_another_solves_is_still_at_risk() -> None:
    assert kaplan_meier([100, 100], [True, False]).unsolved == (1.0, 0.5)


def test_quartiles_survive_rounding() -> None:
    # 14/15 * 13/14 * ... * 5/6 * 3/4 at 12 is one quarter, but above it in floating point.
    curve = kaplan_meier(list(range(1, 16)), [True] * 10 + [False] + [True] * 2 + [False] * 2)
    assert (curve.lower_quartile, curve.median, curve.upper_quartile) == (4, 8, 12)


def test_nothing_solved_reaches_no_quantile() -> None:
    curve = kaplan_meier([400, 500], [False, False])
    assert (curve.times, curve.unsolved, curve.lower_quartile) == ((0,), (1,), None)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_without_censoring_the_curve_is_the_share_left(times: list[int]) -> None:
    curve = kaplan_meier(times, [True] * len(times))
    left = [sum(time > at for time in times) / len(times) for at in curve.times]
    assert curve.unsolved == pytest.approx(left)


def test_kaplan_meier_is_unbiased_under_censoring() -> None:
    # Exponential solving times of mean 1, cut at random: leaving out the cut runs would find 0.12,
    # counting their ends as solutions 0.20, not 0.37.
    rng, found = numpy_stream(1, "censoring"), []
    for _ in range(300):
        times, cuts = rng.exponential(1, 40), rng.uniform(0.2, 2, 40)
        curve = kaplan_meier(np.minimum(times, cuts).tolist(), (times <= cuts).tolist())
        found.append(curve.unsolved[int(np.searchsorted(curve.times, 1.0, side="right")) - 1])
    assert np.mean(found) == pytest.approx(math.exp(-1), abs=0.02)


@pytest.mark.parametrize("bad", [([], []), ([1.0], [True, False])])
def test_kaplan_meier_refuses_what_does_not_match(bad: tuple[list[float], list[bool]]) -> None:
    with pytest.raises(ValueError, match="one flag a run"):
        kaplan_meier(*bad)


def test_mean_interval_by_hand() -> None:
    # Mean 2, standard deviation 1, t(2, 0.975) = 4.302653.
    found = mean_interval([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.low, found.high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), abs=1e-6)


def test_mean_interval_at_its_limits() -> None:
    assert mean_interval([0.7]) is None
    assert mean_interval([0.1, 0.1, 0.1]) == Interval(0.1, 0.1)
    cut = mean_interval([0.9, 1.0, 1.0], bounds=(0, 1))
    assert cut is not None
    assert cut.high == 1
    assert cut.low < 0.9


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("shape", ["normal", "uniform", "difference of betas"])
def test_mean_interval_covers(shape: str, seeds: int) -> None:
    rng, size = numpy_stream(1, "coverage", shape, seeds), (COMPARISONS, seeds)
    values, mean = {
        "normal": lambda: (rng.normal(size=size), 0.0),
        "uniform": lambda: (rng.random(size), 0.5),
        "difference of betas": lambda: (rng.beta(8, 2, size) - rng.beta(2, 2, size), 0.3),
    }[shape]()
    intervals = [mean_interval(row) for row in values.tolist()]
    covered = [interval is not None and interval.low <= mean <= interval.high for interval in intervals]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_paired_difference_takes_out_what_seeds_share() -> None:
    found = paired_difference([0.5, 0.7, 0.9], [0.4, 0.5, 0.6])
    assert found.mean == pytest.approx(0.2)
    assert found.interval is not None
    margin = 4.302653 * 0.1 / 3**0.5
    assert (found.interval.low, found.interval.high) == pytest.approx((0.2 - margin, 0.2 + margin), abs=1e-6)
    assert (found.pairs, found.p) == (3, 0.25)


def test_paired_difference_at_its_limits() -> None:
    one = paired_difference([0.9], [0.4])
    assert (one.pairs, one.interval, one.p) == (1, None, 1.0)
    assert paired_difference([0.5, 0.6], [0.5, 0.6]).p == 1.0
    with pytest.raises(ValueError, match="got 2 and 1"):
        paired_difference([0.5, 0.6], [0.5])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
def test_sign_flip_tries_every_flip(differences: list[int]) -> None:
    sums = [sum(flip) for flip in itertools.product(*((d, -d) for d in differences))]
    expected = np.mean([abs(total) >= abs(sum(differences)) for total in sums])
    assert float(sign_flip_p(np.array(differences, float))) == pytest.approx(expected)


def test_sign_flip_draws_when_there_are_too_many_flips() -> None:
    differences = numpy_stream(1, "many").normal(0.4, 1, 16)
    signs = 1 - 2 * ((np.arange(2**16)[:, None] >> np.arange(16)) & 1)
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12)
    drawn = float(sign_flip_p(differences))
    assert drawn == pytest.approx(exact, abs=0.01)
    assert drawn == float(sign_flip_p(differences))
    assert drawn != float(sign_flip_p(differences, seed=1))
    assert 0 < float(sign_flip_p(np.ones(40))) < 0.001


@pytest.mark.parametrize(("seeds", "low", "high"), [(5, 0, 0), (6, 0.02, 0.042), (10, 0.04, 0.06)])
def test_sign_flip_false_alarms(seeds: int, low: float, high: float) -> None:
    differences = numpy_stream(1, "alarms", seeds).normal(size=(COMPARISONS, seeds))
    assert low <= np.mean(sign_flip_p(differences) <= 0.05) <= high


def test_mcnemar_by_hand() -> None:
    # 8 and 2 of 10 discordant seeds: 2 (1 + 10 + 45) / 1024.
    pairs = [(True, False)] * 8 + [(False, True)] * 2 + [(True, True)] * 5 + [(False, False)] * 5
    assert mcnemar(pairs) == SignTest(8, 2, pytest.approx(112 / 1024))
    assert mcnemar([(True, True)] * 9) == SignTest(0, 0, 1.0)


def test_mcnemar_raises_few_false_alarms() -> None:
    solved = numpy_stream(1, "mcnemar").random((COMPARISONS, 10, 2)) < 0.5
    counts = Counter(tuple(sorted(map(tuple, seeds))) for seeds in solved.tolist())
    alarms = sum(times for seeds, times in counts.items() if mcnemar(seeds).p <= 0.05)
    assert 0 < alarms <= 0.02 * COMPARISONS


@pytest.mark.parametrize(
    ("sequences", "solved", "first", "second"),
    [
        ((100, 200), (True, True), 1, 0),
        ((200, 200), (True, True), 0, 0),
        ((200, 200), (True, False), 1, 0),
        ((300, 200), (True, False), 0, 0),  # the second was stopped before it could show
        ((300, 200), (False, True), 0, 1),
        ((100, 200), (False, False), 0, 0),
    ],
)
def test_first_to_solve_counts_what_is_certain(
    sequences: tuple[int, int], solved: tuple[bool, bool], first: int, second: int
) -> None:
    assert first_to_solve([sequences], [solved]) == SignTest(first, second, 1.0)


def test_first_to_solve_p_by_hand() -> None:
    found = first_to_solve([(1, 2)] * 6 + [(2, 1)] + [(2, 2)] * 3, [(True, True)] * 10)
    assert found == SignTest(6, 1, pytest.approx(2 * 8 / 128))


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.02, 0.5]) == pytest.approx((0.08, 0.04, 0.06, 0.5))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()


def test_holm_keeps_the_chance_of_any_false_alarm() -> None:
    ps = numpy_stream(1, "holm").random((COMPARISONS, 3))
    assert 0.04 <= np.mean([min(holm(row)) <= 0.05 for row in ps.tolist()]) <= 0.06


@pytest.mark.parametrize("pairs", [1, 3, 6, 10])
def test_seeds_needed_just_suffice(pairs: int) -> None:
    seeds = seeds_needed(pairs)
    assert pairs * 2.0 ** (1 - seeds) <= 0.05 < pairs * 2.0 ** (2 - seeds)
