"""Series cut in time: the past trains, what follows chooses the weights, the end judges; their scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import Split
from seqlab.data.series import Collection, Series
from seqlab.errors import TextError
from seqlab.tasks.own._scaling import deviations, magnitudes, or_one

Integers = NDArray[np.int64]
Values = NDArray[np.float64]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Cut:
    """How series are cut.

    Attributes:
        window: steps of a sequence.
        horizon: steps that are forecast at once.
        validation: the share of each series, before the last part.
        test: the share of each series at its end.
        differences: whether changes are read, and forecasts count from the last value.
    """

    window: int
    horizon: int
    validation: float
    test: float
    differences: bool

    def bounds(self, length: int) -> dict[Split, tuple[int, int]]:
        """Return of each part its first row and the one behind its last.

        >>> Cut(4, 1, 0.15, 0.15, False).bounds(100)
        {'train': (0, 70), 'validation': (70, 85), 'test': (85, 100)}
        """
        test = length - round(self.test * length)
        validation = test - round(self.validation * length)
        return {"train": (0, validation), "validation": (validation, test), "test": (test, length)}

    @property
    def free(self) -> int:
        """The steps at the beginning of a sequence whose forecasts do not count: too little has been read."""
        return self.window // 2


@dataclass(frozen=True)
class Scales:
    """What numbers of each of S series are divided by, all taken from the training part.

    Attributes:
        mean: (S, C) of the values.
        spread: (S, C), their standard deviation.
        read_mean: (S, C) of what is read: values, or their changes.
        read_spread: (S, C), likewise.
        ahead: (S, K, H), the standard deviation of what is forecast of each target.
    """

    mean: Values
    spread: Values
    read_mean: Values
    read_spread: Values
    ahead: Values


@dataclass(frozen=True)
class Parts:
    """All series, one behind the other, N rows in all.

    Attributes:
        cut: how they are cut.
        names: of the series.
        values: (N, C), without gaps.
        targets: the columns that are forecast, K of C.
        first: (S,) the row where each series begins.
        bounds: of each series and part the first row and the one behind the last, among the N.
        scales: by which numbers become comparable.
        read: (N, C) float32, what a model reads, scaled.
        ends: by split (M, 2), the series and the last row of each sequence that there may be.
        counts: (N,), whether what follows a row, as far as is forecast, has no gap and lies in one series.
    """

    cut: Cut
    names: tuple[str, ...]
    values: Values
    targets: tuple[int, ...]
    first: Integers
    bounds: tuple[Mapping[Split, tuple[int, int]], ...]
    scales: Scales
    read: NDArray[np.float32]
    ends: Mapping[Split, Integers]
    counts: NDArray[np.bool_]

    def training(self, series: int) -> Values:
        """Return the rows of a series that train, (T, C)."""
        begin, end = self.bounds[series]["train"]
        return self.values[begin:end]

    def origins(self, split: Split, series: int) -> tuple[int, int]:
        """Return the first and the last row from which a forecast lies within a part of a series."""
        begin, end = self.bounds[series][split]
        earliest = self.first[series] + self.cut.free if split == "train" else begin - 1
        return int(earliest), end - 1 - self.cut.horizon

    def base(self, series: Integers, rows: Integers) -> Values:
        """Return what forecasts made at some rows (...) of the series (...) count from, (..., K)."""
        targets = list(self.targets)
        return (
            self.values[rows][..., targets]
            if self.cut.differences
            else self.scales.mean[series][..., targets]
        )

    def ahead(self, rows: Integers) -> Values:
        """Return what follows some rows (...), (..., K, H)."""
        following = rows[..., None] + 1 + np.arange(self.cut.horizon)
        found = self.values[np.minimum(following, len(self.values) - 1)][..., list(self.targets)]
        return np.ascontiguousarray(np.swapaxes(found, -1, -2))


def cut_up(collection: Collection, targets: Sequence[str], cut: Cut) -> Parts:
    """Cut the series of a collection.

    Raises:
        TextError: when a series is too short, or a target is constant where it trains.
    """
    places = {name: place for place, name in enumerate(collection.columns)}
    chosen = tuple(places[name] for name in targets)
    for one in collection.series:
        _require_long(one, cut)
    lengths = [len(one) for one in collection.series]
    first = np.cumsum([0, *lengths[:-1]])
    values = np.concatenate([one.values for one in collection.series])
    filled = np.concatenate([one.filled[:, list(chosen)].any(axis=1) for one in collection.series])
    bounds = tuple(
        {split: (begin + start, end + start) for split, (begin, end) in cut.bounds(length).items()}
        for length, start in zip(lengths, first.tolist(), strict=True)
    )
    for one, part in zip(collection.series, bounds, strict=True):
        _require_change(one.name, values[slice(*part["train"])], chosen, collection)
    changes = np.diff(values, axis=0, prepend=values[:1])
    changes[first] = 0
    seen = changes if cut.differences else values
    scales = _scales(values, seen, bounds, chosen, cut)
    which = np.repeat(np.arange(len(lengths)), lengths)
    read = ((seen - scales.read_mean[which]) / scales.read_spread[which]).astype(np.float32)
    counts = _without_gap(filled, cut.horizon)
    parts = Parts(
        cut,
        tuple(one.name for one in collection.series),
        values,
        chosen,
        first,
        bounds,
        scales,
        read,
        {},
        counts,
    )
    ends = {split: _ends(parts, split) for split in SPLITS}
    for split, found in ends.items():
        if not len(found):
            raise TextError(
                f"{collection.name} has no {cut.horizon} steps without a gap in its {split} part.",
                hint="Forecast fewer: task.horizon=1",
            )
    return Parts(**{**vars(parts), "ends": ends})


def _ends(parts: Parts, split: Split) -> Integers:
    """Return the series and the last rows of all sequences of a part in which something counts, (M, 2)."""
    found, sums = [], np.concatenate([[0], np.cumsum(parts.counts)])
    for series, start in enumerate(parts.first.tolist()):
        earliest, last = parts.origins(split, series)
        ends = np.arange(max(earliest, start + parts.cut.window - 1), last + 1)
        begins = np.maximum(ends - parts.cut.window + 1 + parts.cut.free, earliest)
        ends = ends[sums[ends + 1] > sums[begins]]
        found.append(np.stack([np.full_like(ends, series), ends], 1))
    return np.concatenate(found)


def _without_gap(filled: NDArray[np.bool_], horizon: int) -> NDArray[np.bool_]:
    sums = np.concatenate([[0], np.cumsum(filled)])
    rows = np.arange(len(filled))
    ends = np.minimum(rows + 1 + horizon, len(filled))
    return np.asarray(sums[ends] == sums[rows + 1])


def _scales(
    values: Values,
    seen: Values,
    bounds: Sequence[Mapping[Split, tuple[int, int]]],
    chosen: Sequence[int],
    cut: Cut,
) -> Scales:
    ranges = [slice(*part["train"]) for part in bounds]
    sizes = [magnitudes(values[one]) for one in ranges]  # what is seen may be differences of these

    def mean(table: Values) -> Values:
        return np.stack([table[one].mean(0) for one in ranges])

    def spread(table: Values) -> Values:
        return np.stack([or_one(deviations(table[a], size)) for a, size in zip(ranges, sizes, strict=True)])

    ahead = np.repeat(spread(values)[:, list(chosen), None], cut.horizon, 2)
    if cut.differences:
        for number, (one, size) in enumerate(zip(ranges, sizes, strict=True)):
            own, size = values[one][:, list(chosen)], size[list(chosen)]
            steps = [deviations(own[step:] - own[:-step], size) for step in range(1, cut.horizon + 1)]
            ahead[number] = or_one(np.stack(steps, 1))
    return Scales(mean(values), spread(values), mean(seen), spread(seen), ahead)


def _require_long(series: Series, cut: Cut) -> None:
    """Refuse a series whose parts are too short to learn from or to be judged on."""
    parts = {split: end - begin for split, (begin, end) in cut.bounds(len(series)).items()}
    wanted = {"train": cut.window + cut.horizon, "validation": cut.horizon, "test": cut.horizon}
    short = next((split for split in SPLITS if parts[split] < wanted[split]), None)
    if short is not None:
        which = f"The series {series.name!r}" if series.name else "The series"
        rows = f"{len(series):,} row{'' if len(series) == 1 else 's'}"
        window = min(8, parts["train"] - 1)
        enough = window >= 2 and parts["validation"] and parts["test"]
        smaller = f"Make them smaller, for example: task.window={window} task.horizon=1"
        raise TextError(
            f"{which} has {rows}, of which the {short} part has {parts[short]:,}; a window of "
            f"{cut.window} steps and a horizon of {cut.horizon} need {wanted[short]:,} there.",
            hint=(smaller if enough else "That is too short for any window: more rows are wanted")
            + ("; or leave its rows out of the table." if series.name else ""),
        )


def _require_change(series: str, training: Values, chosen: Sequence[int], collection: Collection) -> None:
    still = np.flatnonzero(deviations(training[:, list(chosen)]) == 0)
    if len(still):
        column, where = chosen[still[0]], f" of {series!r}" if series else ""
        raise TextError(
            f"{collection.name}, column {collection.columns[column]!r}{where}, stays at "
            f"{training[0, column]:g} throughout the training part: there is nothing to learn.",
            hint="Forecast another column: --target NAME",
        )
