"""Forecasts that need no network: the last value, that of a season before, a linear autoregression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seqlab.tasks.own._parts import Integers, Parts, Values

CLEAR = 0.3
"""The autocorrelation from which a season is taken for one."""

FITTED_ON = 50_000
"""Rows that an autoregression is fitted to at most, evenly spaced."""

ROWS_A_WEIGHT = 10
"""Rows of the training part that there must be for each weight of an autoregression."""

Rule = Callable[[Integers, Integers], Values]
"""Takes the series (N,) and the rows (N,) that are read last; gives the forecasts from there, (N, K, H)."""


@dataclass(frozen=True)
class Baseline:
    """A way to forecast.

    Attributes:
        name: as it stands beside a figure.
        rule: the forecasts.
    """

    name: str
    rule: Rule


def season_of(values: Values) -> tuple[int, float] | None:
    """Return after how many steps a series is most like itself, with its autocorrelation; None if nowhere.

    It is the highest peak of the autocorrelation of what a straight line leaves, among those of
    :data:`CLEAR` and more that come after it has first been below 0, up to a third of the series.

    >>> season_of(np.sin(2 * np.pi * np.arange(240) / 12) + 0.1 * np.arange(240))[0]
    12
    """
    steps, size = np.arange(len(values)), len(values)
    left = values - np.polyval(np.polyfit(steps, values, 1), steps)
    spectrum = np.fft.rfft(left, 2 * size)
    products = np.fft.irfft(spectrum * spectrum.conj())[: size // 3 + 2]
    if products[0] <= 0:
        return None
    correlation = products / products[0]
    below = np.flatnonzero(correlation < 0)
    if not len(below):
        return None
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner >= correlation[:-2]) & (inner > correlation[2:])) + 1
    peaks = peaks[peaks > below[0]]
    if not len(peaks) or correlation[peaks].max() < CLEAR:
        return None
    best = int(peaks[correlation[peaks].argmax()])
    return best, float(correlation[best])


def baselines(parts: Parts, season: int) -> Iterator[Baseline]:
    """Yield the ways to forecast; the one by seasons only where a season is more than a step."""
    targets, ahead = list(parts.targets), np.arange(1, parts.cut.horizon + 1)

    def seasonal(length: int) -> Rule:
        back = -(-ahead // length) * length - ahead  # of the same place in the last season that is known

        def rule(series: Integers, rows: Integers) -> Values:
            known = np.maximum(rows[:, None] - back, parts.first[series][:, None])
            return np.swapaxes(parts.values[known][..., targets], 1, 2)

        return rule

    yield Baseline("naive forecast", seasonal(1))
    if season > 1:
        yield Baseline("seasonal naive forecast", seasonal(season))
    yield _autoregression(parts)


def _autoregression(parts: Parts) -> Baseline:
    """Return the autoregression whose number of lags is the best on the validation part."""
    series, rows = _origins(parts, "validation")
    truth = parts.ahead(rows)
    fitted = [(lags, fit(parts, lags)) for lags in _lags(parts)]
    scale = parts.scales.spread[:, list(parts.targets)][series][..., None]
    errors = [float(np.abs((rule(series, rows) - truth) / scale).mean()) for _, rule in fitted]
    lags, rule = fitted[int(np.argmin(errors))]
    return Baseline(f"autoregression of {lags} lag{'' if lags == 1 else 's'}", rule)


def fit(parts: Parts, lags: int) -> Rule:
    """Return a linear autoregression, fitted by least squares to the training parts of all series.

    Each step ahead has weights of its own, for each of the last ``lags`` values of every column, scaled, and
    a constant.
    """
    series, rows = _origins(parts, "train", lags)
    weights = np.linalg.lstsq(_design(parts, series, rows, lags), _scaled(parts, series, rows), rcond=None)[0]
    scales, chosen = parts.scales, list(parts.targets)

    def rule(series: Integers, rows: Integers) -> Values:
        found = (_design(parts, series, rows, lags) @ weights).reshape(len(rows), len(chosen), -1)
        mean, spread = scales.mean[series][:, chosen, None], scales.spread[series][:, chosen, None]
        return np.asarray(found * spread + mean)

    return rule


def _lags(parts: Parts) -> list[int]:
    """Return the numbers of lags that are tried: powers of two up to what a network is sure to have read."""
    columns, rows = parts.values.shape[1], sum(len(parts.training(one)) for one in range(len(parts.names)))
    most = min(max(1, parts.cut.free), max(1, (rows // ROWS_A_WEIGHT - 1) // columns))
    return [1 << power for power in range(most.bit_length())]


def _origins(parts: Parts, split: str, lags: int = 1) -> tuple[Integers, Integers]:
    """Return the series and the rows from which a part can be forecast with so many lags."""
    found = []
    for series, start in enumerate(parts.first.tolist()):
        earliest, last = parts.origins(split, series)  # type: ignore[arg-type]
        earliest = start + lags - 1 if split == "train" else earliest
        rows = np.arange(earliest, last + 1)
        found.append(np.stack([np.full_like(rows, series), rows]))
    series, rows = np.concatenate(found, 1)
    there = np.flatnonzero(parts.counts[rows])
    there = there[:: -(-len(there) // FITTED_ON) or 1]
    return series[there], rows[there]


def _design(parts: Parts, series: Integers, rows: Integers, lags: int) -> NDArray[np.float64]:
    mean, spread = parts.scales.mean[series], parts.scales.spread[series]
    read = sliding_window_view(parts.values, lags, 0)[rows - lags + 1]  # (N, C, lags)
    scaled = (read - mean[..., None]) / spread[..., None]
    return np.concatenate([scaled.reshape(len(rows), -1), np.ones((len(rows), 1))], 1)


def _scaled(parts: Parts, series: Integers, rows: Integers) -> NDArray[np.float64]:
    chosen = list(parts.targets)
    mean, spread = parts.scales.mean[series][:, chosen, None], parts.scales.spread[series][:, chosen, None]
    return np.asarray(((parts.ahead(rows) - mean) / spread).reshape(len(rows), -1))
