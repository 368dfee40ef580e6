"""Forecasts of what nobody knows yet, and of what has come since."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.data.clock import shown
from seqlab.data.series import Collection, Series
from seqlab.errors import TextError, UnknownNameError, UsageError
from seqlab.tasks._forecasting import Answering, Forecast, Told
from seqlab.tasks.own._baselines import Baseline
from seqlab.tasks.own._parts import Integers, Parts, Values

BEFORE = 3
"""How many times as many values as are forecast are shown in front of them."""

ROLLED = 100
"""Forecasts of a single step that are shown side by side."""


def outlook(
    parts: Parts, collection: Collection, answer: Answering, steps: int, quantiles: int
) -> list[Forecast]:
    """Return what follows the last rows of series, as a model has it.

    Beyond the horizon, forecasts are read as if they had come. Intervals end there: they know nothing of how
    uncertain is what is read then.

    Args:
        parts: of the series that were trained on, with their scales.
        collection: of which what follows is wanted.
        answer: the model.
        steps: how many.
        quantiles: that it gives of each value; the middle one is the forecast.

    Raises:
        TextError: when a series is too short to be read.
        UnknownNameError: when a series was not trained on.
        UsageError: when there are more steps than the horizon, and columns that are not forecast.
    """
    columns, targets, horizon = collection.columns, list(parts.targets), parts.cut.horizon
    unknown = [name for number, name in enumerate(columns) if number not in targets]
    if steps > horizon and unknown:
        raise UsageError(
            f"{steps} steps are asked for, and {horizon} are forecast at once. To go on, all that is read "
            f"must be forecast; {unknown[0]!r} is not.",
            hint=f"Ask for --steps {horizon}, or train with task.horizon={steps}",
        )
    which = np.array([_known(one, parts) for one in collection.series])
    values = np.stack([_recent(one, parts.cut.window) for one in collection.series])
    found: list[Values] = []
    for _ in range(0, steps, horizon):
        said = _said(parts, which, values, answer, quantiles)
        found.append(said)
        if not unknown:
            following = np.empty((len(values), horizon, len(columns)))
            following[..., targets] = np.swapaxes(said[..., quantiles // 2], 1, 2)
            values = np.concatenate([values, following], 1)[:, -parts.cut.window - 1 :]
    said = np.concatenate(found, 2)[:, :, :steps]
    return [
        Forecast(
            one.name, columns[column], collection.time, _after(collection, one, steps),
            *_told(said[number, place], horizon),
            before=_list(one.values[-BEFORE * steps :, column]),
        )
        for number, one in enumerate(collection.series)
        for place, column in enumerate(targets)
    ]  # fmt: skip


def hindsight(
    parts: Parts,
    collection: Collection,
    answer: Answering,
    baselines: Sequence[Baseline],
    example: int,
    quantiles: int,
) -> list[Forecast]:
    """Return forecasts of the test part beside what came: a horizon from one row or, where that is a step,
    :data:`ROLLED` steps, each forecast from the one before it.

    Args:
        parts: of the series.
        collection: the same.
        answer: the model.
        baselines: what else forecasts.
        example: which horizon, or which so many steps, counted from 0 at the beginning of the part.
        quantiles: as for :func:`outlook`.

    Raises:
        UsageError: when there are not so many in any series.
    """
    found: list[Forecast] = []
    for number, one in enumerate(collection.series):
        rows = _origins(parts, number, example)
        if not len(rows):
            continue
        which = np.full(len(rows), number)
        steps = np.maximum(rows[:, None] + np.arange(-parts.cut.window, 1), parts.first[number])
        said = _in_line(_said(parts, which, parts.values[steps], answer, quantiles))
        beside = {item.name: _in_line(item.rule(which, rows)) for item in baselines}
        came, start = _in_line(parts.ahead(rows)), int(rows[0] + 1 - parts.first[number])
        times = tuple(shown(one.times[start : start + came.shape[1]]))
        for place, column in enumerate(parts.targets):
            found.append(
                Forecast(
                    one.name,
                    collection.columns[column],
                    collection.time,
                    times,
                    *_told(said[place], said.shape[1]),
                    before=_list(one.values[max(0, start - BEFORE * len(times)) : start, column]),
                    came=_list(came[place]),
                    beside={name: _list(values[place]) for name, values in beside.items()},
                )
            )
    if not found:
        raise UsageError(
            f"There is no example {example}; the test part has fewer.", hint="They are counted from 0."
        )
    return found


def _said(
    parts: Parts, which: Integers, values: Values, answer: Answering, quantiles: int
) -> NDArray[np.float64]:
    """Return what a model forecasts after some values, (N, window + 1, C): (N, K, H, Q)."""
    scales, targets = parts.scales, list(parts.targets)
    seen = np.diff(values, axis=1) if parts.cut.differences else values[:, 1:]
    read = (seen - scales.read_mean[which][:, None]) / scales.read_spread[which][:, None]
    base = values[:, -1] if parts.cut.differences else scales.mean[which]
    with torch.no_grad():
        outputs = answer(torch.from_numpy(read.astype(np.float32)))[:, -1].double().cpu().numpy()
    scaled = outputs.reshape(len(which), len(targets), parts.cut.horizon, quantiles)
    return np.asarray(base[:, targets, None, None] + scaled * scales.ahead[which][..., None])


def scales_of(parts: Parts, quantiles: int) -> dict[str, list[float]]:
    """Return what one series is scaled by (see ``Task.scales``); nothing of several, or of changes."""
    scales = parts.scales
    if len(scales.mean) != 1 or parts.cut.differences:
        return {}
    factor = np.repeat(scales.ahead[0].ravel(), quantiles)
    shift = np.repeat(scales.mean[0, list(parts.targets)], len(factor) // len(parts.targets))
    read = {"read_mean": scales.read_mean[0], "read_spread": scales.read_spread[0]}
    return {
        name: values.tolist()
        for name, values in (read | {"said_factor": factor, "said_shift": shift}).items()
    }


def _known(series: Series, parts: Parts) -> int:
    """Return the number of a series among those that were trained on, whose scales it has."""
    if series.name not in parts.names:
        raise UnknownNameError("series", series.name, parts.names)
    return parts.names.index(series.name)


def _recent(series: Series, window: int) -> Values:
    """Return the last rows of a series, and one before them, from which the first of these has changed."""
    if len(series) < window:
        which = f"The series {series.name!r}" if series.name else "The series"
        raise TextError(
            f"{which} has {len(series):,} rows; a forecast reads {window:,}.",
            hint=f"Give the last {window:,} rows, or train with a smaller task.window.",
        )
    return series.values[np.maximum(np.arange(-window - 1, 0) + len(series), 0)]


def _origins(parts: Parts, series: int, example: int) -> Integers:
    """Return the rows that are forecast from: one, or many where the horizon is a step."""
    earliest, last = parts.origins("test", series)
    many = ROLLED if parts.cut.horizon == 1 else 1
    first = earliest + example * max(many, parts.cut.horizon)
    return np.arange(first, min(first + many, last + 1)) if first <= last else np.arange(0)


def _in_line(values: Values) -> Values:
    """Return forecasts (N, K, H, ...), of which N or H is 1, as they follow one another, (K, N H, ...)."""
    return np.concatenate(list(values), 1)


def _told(said: Values, horizon: int) -> tuple[Told, Told, Told]:
    """Return of quantiles (T, Q) the middle and, as far as they hold, the ends of the interval."""
    middle = _list(said[:, said.shape[1] // 2])
    if said.shape[1] == 1:
        return middle, (), ()
    ends = np.sort(said[:horizon], 1)  # which a network may have crossed
    return middle, _list(ends[:, 0]), _list(ends[:, -1])


def _after(collection: Collection, series: Series, steps: int) -> tuple[str, ...]:
    return tuple(shown(collection.clock.after(series.times[-1], steps)))


def _list(values: Values) -> Told:
    return tuple(values.tolist())
