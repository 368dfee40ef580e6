"""How often the intervals of a comparison cover, and how often its tests raise false alarms, by simulation.

    python benchmarks/error_rates.py [comparisons]

Promised are 95 % and at most 5 %. With 2,000 comparisons (the default) a figure is sure to about 1 %.
The bootstraps are shown because they were not chosen.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seqlab.comparison.statistics import holm, mcnemar, mean_interval, sign_flip_p, wilson
from seqlab.contracts import numpy_stream

Array = NDArray[np.float64]
SEEDS = (5, 7, 10, 20)
RESAMPLES = 999


def solving(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Accuracies of a model that solves the task on 70 % of its seeds and stays near chance on the others."""
    return np.where(rng.random(size) < 0.7, rng.normal(0.98, 0.01, size), rng.normal(0.55, 0.05, size))


SHAPES: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int]], Array], float]] = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "uniform": (lambda rng, size: rng.random(size), 0.5),
    "beta(8, 2)": (lambda rng, size: rng.beta(8, 2, size), 0.8),
    "exponential": (lambda rng, size: rng.exponential(size=size), 1.0),
    "70 % solve": (solving, 0.7 * 0.98 + 0.3 * 0.55),
    "difference of two such": (lambda rng, size: solving(rng, size) - solving(rng, size), 0.0),
}


def student(values: Array, rng: np.random.Generator) -> Array:
    found = [mean_interval(row) for row in values.tolist()]
    return np.array([(interval.low, interval.high) for interval in found if interval is not None])


def bootstrap(method: str) -> Callable[[Array, np.random.Generator], Array]:
    def intervals(values: Array, rng: np.random.Generator) -> Array:
        found = stats.bootstrap(
            (values,), np.mean, axis=1, n_resamples=RESAMPLES, method=method, rng=rng, batch=100
        )
        return np.stack(found.confidence_interval, axis=1)

    return intervals


def studentised(values: Array, rng: np.random.Generator) -> Array:
    """The bootstrap of (mean - true mean) / standard error."""
    intervals = []
    for row in values:
        drawn = rng.choice(row, (RESAMPLES, len(row)))
        error = row.std(ddof=1) / len(row) ** 0.5
        drawn_error = np.maximum(drawn.std(1, ddof=1) / len(row) ** 0.5, 1e-300)
        low, high = np.quantile((drawn.mean(1) - row.mean()) / drawn_error, [0.025, 0.975])
        intervals.append((row.mean() - high * error, row.mean() - low * error))
    return np.array(intervals)


METHODS = {
    "Student": student,
    "percentile": bootstrap("percentile"),
    "BCa": bootstrap("BCa"),
    "studentised": studentised,
}


def coverage(comparisons: int) -> None:
    print("Coverage of the 95 % interval of a mean (median width)")
    print(f"{'seeds':>5}  {'values':<24}" + "".join(f"{name:>18}" for name in METHODS))
    for seeds in SEEDS:
        for name, (draw, mean) in SHAPES.items():
            values = draw(numpy_stream(1, name, seeds), (comparisons, seeds))
            line = f"{seeds:>5}  {name:<24}"
            for method, intervals in METHODS.items():
                low, high = intervals(values, numpy_stream(2, method, seeds)).T
                covered = np.mean((low <= mean) & (mean <= high))
                line += f"{covered:>10.3f} ({np.median(high - low):5.2f})"
            print(line, flush=True)


def wilson_coverage() -> None:
    print("\nWilson's interval, exact coverage over 999 true shares: mean, least")
    shares = np.arange(1, 1000) / 1000
    for seeds in SEEDS:
        found = [wilson(k, seeds) for k in range(seeds + 1)]
        covered = np.array([(i.low <= shares) & (shares <= i.high) for i in found])
        chances = stats.binom.pmf(np.arange(seeds + 1)[:, None], seeds, shares)
        total = (covered * chances).sum(0)
        print(f"{seeds:>5}  {total.mean():.3f}  {total.min():.3f}")


def false_alarms(comparisons: int) -> None:
    print(
        "\nFalse alarms at 5 %: sign-flip (normal, 70 % solve), McNemar (half solve), Holm over 3 sign-flips"
    )
    for seeds in SEEDS:
        rng = numpy_stream(3, "alarms", seeds)
        size = (comparisons, seeds)
        rates = [np.mean(sign_flip_p(rng.normal(size=size)) <= 0.05)]
        rates.append(np.mean(sign_flip_p(solving(rng, size) - solving(rng, size)) <= 0.05))
        solved = (rng.random((comparisons, seeds, 2)) < 0.5).tolist()
        rates.append(np.mean([mcnemar([(a, b) for a, b in pairs]).p <= 0.05 for pairs in solved]))
        ps = sign_flip_p(rng.normal(size=(3 * comparisons, seeds))).reshape(comparisons, 3)
        rates.append(np.mean([min(holm(row)) <= 0.05 for row in ps.tolist()]))
        print(f"{seeds:>5}" + "".join(f"{rate:>8.3f}" for rate in rates), flush=True)


def main() -> None:
    warnings.simplefilter("ignore", stats.DegenerateDataWarning)
    comparisons = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    coverage(comparisons)
    wilson_coverage()
    false_alarms(comparisons)


if __name__ == "__main__":
    main()
