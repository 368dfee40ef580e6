"""The statistics of a comparison: what a handful of seeds can say, and how sure of it one may be.

Seed k gives every model the same data, so two models are compared on the differences within seeds.

What is wanted                     How                                          Function
share of seeds that solve          Wilson's interval                            :func:`wilson`
sequences until solved             Kaplan-Meier, unsolved runs censored         :func:`kaplan_meier`
mean of a metric                   Student's t interval                         :func:`mean_interval`
difference of a metric             t interval, exact sign-flip test             :func:`paired_difference`
who solves                         exact McNemar test                           :func:`mcnemar`
who solves first                   exact sign test                              :func:`first_to_solve`
several pairs at once              Holm's correction                            :func:`holm`

``benchmarks/error_rates.py`` measures how often the intervals cover and the tests raise false alarms. They
are written out here, since to import scipy.stats takes longer than a small comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import numpy_stream

LEVEL = 0.05
"""Chance of a false alarm that a test is allowed, and of a miss that an interval is."""

EXACT_UP_TO = 15
"""Pairs for which the sign-flip test goes through all 2**n flips; beyond, it draws 2**15 of them."""


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval, in the unit of what it bounds."""

    low: float
    high: float


@dataclass(frozen=True)
class Survival:
    """The Kaplan-Meier curve of runs that are not yet solved.

    Attributes:
        times: sequences at which the curve steps, from 0, increasing.
        unsolved: share of runs not solved after that many sequences; it holds until the next time.
        censored: sequences that each unsolved run saw, increasing.
        median: fewest sequences after which at most half are unsolved; None when that is not reached.
        lower_quartile: the same for at most three quarters unsolved.
        upper_quartile: the same for at most one quarter unsolved.
    """

    times: tuple[float, ...]
    unsolved: tuple[float, ...]
    censored: tuple[float, ...]
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None


@dataclass(frozen=True)
class PairedDifference:
    """First model minus second, on the seeds that both have.

    Attributes:
        pairs: number of seeds.
        mean: mean difference.
        interval: its 95 % interval; None for a single pair.
        p: of the two-sided sign-flip test.
    """

    pairs: int
    mean: float
    interval: Interval | None
    p: float


@dataclass(frozen=True)
class SignTest:
    """How many seeds speak for either model, and how surprising that is when neither is better.

    Attributes:
        first: seeds that favour the first model.
        second: seeds that favour the second; ties are in neither.
        p: two-sided, exact.
    """

    first: int
    second: int
    p: float


def wilson(successes: int, trials: int) -> Interval:
    """Return Wilson's 95 % interval of a proportion.

    With n = trials, p = successes / n and z = 1.96 it is
    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). It has width even where all or none succeed.
    With ten trials it covers the true share 95 % of the time, averaged over all true shares; at a single
    one between 83 and 99 %, because only eleven outcomes exist.

    Source: Wilson (1927); Brown, Cai & DasGupta (2001).

    >>> share = wilson(10, 10)
    >>> round(share.low, 3), round(share.high, 3)
    (0.722, 1.0)
    """
    n, p, z = trials, successes / trials, NormalDist().inv_cdf(1 - LEVEL / 2)
    centre, margin = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    low, high = (centre - margin) / (1 + z * z / n), (centre + margin) / (1 + z * z / n)
    return Interval(low if successes else 0.0, high if successes < trials else 1.0)


def kaplan_meier(sequences: Sequence[float], solved: Sequence[bool]) -> Survival:
    """Return the Kaplan-Meier estimate of the share of runs not yet solved.

    S(t) = product over solving times s <= t of (1 - solved at s / at risk at s). A run that was stopped
    unsolved says only that it takes longer than it was given: it is at risk up to there and then leaves
    (right-censored). Leaving it out, or counting its end as a solution, would make a poor model look fast.

    Args:
        sequences: for each run the sequences to solve, or, unsolved, those that it saw.
        solved: whether each run solved the task.

    Raises:
        ValueError: when there is no run, or the lengths differ.

    Source: Kaplan & Meier (1958).

    >>> curve = kaplan_meier([100, 200, 300, 300], [True, True, False, False])
    >>> curve.times, curve.unsolved
    ((0.0, 100.0, 200.0), (1.0, 0.75, 0.5))
    >>> curve.lower_quartile, curve.median, curve.upper_quartile
    (100.0, 200.0, None)
    """
    if not sequences or len(sequences) != len(solved):
        raise ValueError(
            f"kaplan_meier needs one flag a run, got {len(sequences)} runs and {len(solved)} flags"
        )
    times, done = np.asarray(sequences, float), np.asarray(solved, bool)
    steps, solved_here = np.unique(times[done], return_counts=True)
    at_risk = (times >= steps[:, None]).sum(1)
    at = np.concatenate([[0.0], steps])
    left = np.concatenate([[1.0], np.cumprod(1 - solved_here / at_risk)])

    def reached(share: float) -> float | None:
        # A product of fractions that should be one quarter may come out a rounding error above it.
        below = np.flatnonzero(left <= share + 1e-9)
        return float(at[below[0]]) if below.size else None

    censored = tuple(np.sort(times[~done]).tolist())
    return Survival(
        tuple(at.tolist()), tuple(left.tolist()), censored, reached(0.5), reached(0.75), reached(0.25)
    )


def mean_interval(
    values: Sequence[float], bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Interval | None:
    """Return Student's 95 % interval of a mean: mean ± t(n-1, 0.975) s / sqrt(n).

    Chosen by measurement. Over 2,000 simulated sets of n = 5, 7, 10 normal values the percentile bootstrap
    and BCa both cover 82, 87, 89 %, where t covers 95, 95, 94 %. The studentised bootstrap covers as well as
    t, is wider, and breaks down on values in two clumps. On bell-shaped, flat and mildly skewed values, and
    on differences of any, t covers 93 to 99 %. It covers too little when some seeds solve the task and
    others stay at chance (70 % of them solving: 81, 92, 93 %): then look at the share that solves.

    Args:
        values: one a seed.
        bounds: what a value can be at all, as (0, 1) for an accuracy; cutting there costs no coverage.

    Returns:
        None for fewer than two values. Zero width where all values are equal: no spread was seen, which is no
        promise that there is none.

    Source: Student (1908); Efron & Tibshirani (1993), An Introduction to the Bootstrap, for the others.

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> round(interval.low, 3), round(interval.high, 3)
    (-0.484, 4.484)
    """
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return Interval(values[0], values[0])
    from scipy.special import stdtrit  # Student's quantile; only here, since it takes long to import

    n, mean = len(values), float(np.mean(values))
    margin = float(stdtrit(n - 1, 1 - LEVEL / 2) * np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(max(mean - margin, bounds[0]), min(mean + margin, bounds[1]))


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> PairedDifference:
    """Compare two models on common seeds: mean difference, its t interval, and the sign-flip test.

    Args:
        first: a metric of the first model, one value a seed.
        second: the second model's, on the same seeds in the same order.
        seed: of the draws when there are too many flips to try all.

    Raises:
        ValueError: when there is no pair, or the lengths differ.

    >>> found = paired_difference([0.9, 0.8, 1.0], [0.5, 0.6, 0.7])
    >>> round(found.mean, 6), found.p
    (0.3, 0.25)
    """
    if not first or len(first) != len(second):
        raise ValueError(f"paired_difference needs pairs, got {len(first)} and {len(second)} values")
    differences = np.subtract(first, second)
    p = float(sign_flip_p(differences, seed))
    return PairedDifference(
        len(differences), float(differences.mean()), mean_interval(differences.tolist()), p
    )


def sign_flip_p(differences: NDArray[np.floating[Any]], seed: int = 0) -> NDArray[np.floating[Any]]:
    """Return the two-sided p of the paired permutation (sign-flip) test of no difference.

    If the two models are exchangeable, each difference could as well have had the other sign. p is the share
    of the 2**n ways to choose the signs whose mean is at least as far from zero as the observed one. All are
    tried up to n = 15; beyond, 2**15 are drawn and the observed one is counted with them, so p never is zero.

    The smallest p is 2**(1 - n): 0.0625 with 5 pairs, which therefore never reach 5 %. Measured over 2,000
    comparisons without a difference, p <= 0.05 comes in 0 % (n = 5), 3 % (n = 6), about 5 % (n = 10 and 20).

    Args:
        differences: (..., n), one a seed in the last dimension.
        seed: of the draws.

    Source: Fisher (1935), The Design of Experiments; Phipson & Smyth (2010) for the 1 + B.

    >>> float(sign_flip_p(np.array([1.0, 2.0, 3.0])))
    0.25
    """
    observed = np.abs(differences.sum(-1)) - 1e-12 * np.abs(differences).sum(-1)  # sums are rounded
    drawn = int(differences.shape[-1] > EXACT_UP_TO)  # the observed one is not among those that are drawn
    as_far, tried = np.full(differences.shape[:-1], float(drawn)), drawn
    for signs in _signs(differences.shape[-1], seed):
        as_far += (np.abs(differences @ signs.T) >= observed[..., None]).sum(-1)
        tried += len(signs)
    return as_far / tried


def _signs(n: int, seed: int) -> Iterator[NDArray[np.floating[Any]]]:
    """Yield ways to choose n signs, (ways, n), some at a time: all, or as many as are drawn."""
    stream = numpy_stream(seed, "sign-flip")
    total = 2 ** min(n, EXACT_UP_TO)
    for start in range(0, total, 512):
        some = np.arange(start, min(start + 512, total))
        bits = some[:, None] >> np.arange(n) if n <= EXACT_UP_TO else stream.integers(0, 2, (len(some), n))
        yield 2.0 * (bits & 1) - 1


def mcnemar(solved: Sequence[tuple[bool, bool]]) -> SignTest:
    """Test whether two models solve the same share of seeds: exact McNemar.

    Only seeds that one model solves and the other does not can tell. If the models are equally good, each
    such seed falls to either with chance 1/2. The test is conservative: with ten seeds, half of them
    solved, false alarms come in 1 %.

    Args:
        solved: for each seed, whether the first and whether the second model solved the task.

    Source: McNemar (1947).

    >>> mcnemar([(True, False)] * 6 + [(True, True)] * 2)
    SignTest(first=6, second=0, p=0.03125)
    """
    return _sign_test(list(solved).count((True, False)), list(solved).count((False, True)))


def first_to_solve(sequences: Sequence[tuple[float, float]], solved: Sequence[tuple[bool, bool]]) -> SignTest:
    """Test which of two models solves the task in fewer sequences, by counting seeds.

    A seed counts where the order is certain: both solved it at different times, or one solved it within what
    the other, unsolved, was given. Ties and seeds that neither solved are in neither count.

    Args:
        sequences: for each seed, the sequences that the first and the second model took to solve or,
            unsolved, those that they saw.
        solved: for each seed, whether the first and whether the second model solved the task.

    >>> first_to_solve([(100, 200), (300, 300), (500, 400)], [(True, True), (True, False), (False, True)])
    SignTest(first=2, second=1, p=1.0)
    """
    first = second = 0
    for (a, b), (a_solved, b_solved) in zip(sequences, solved, strict=True):
        first += a_solved and (a < b if b_solved else a <= b)
        second += b_solved and (b < a if a_solved else b <= a)
    return _sign_test(first, second)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Return the p values of m tests made at once, corrected by Holm's method.

    In rising order p(1) <= ... <= p(m), the corrected p(i) is the greatest of (m - j + 1) p(j) for j <= i, at
    most 1. Calling those <= 0.05 a difference raises any false alarm at all with chance 5 % at most.

    Source: Holm (1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = highest
    return tuple(corrected)


def seeds_needed(tests: int = 1) -> int:
    """Return the fewest seeds with which the sign-flip test can reach 5 % at all, Holm's correction included.

    >>> seeds_needed(1), seeds_needed(3)
    (6, 7)
    """
    return math.ceil(1 + math.log2(tests / LEVEL))


def _sign_test(first: int, second: int) -> SignTest:
    n = first + second
    tail = sum(math.comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    return SignTest(first, second, min(1.0, 2 * tail))
