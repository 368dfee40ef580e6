"""Series: forecast columns of numbers over time, of a file or by name."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, at_once, numpy_stream
from seqlab.data.named import NAMES
from seqlab.data.series import Collection, Gaps, Layout, read_series
from seqlab.data.table import absolute
from seqlab.errors import UnknownNameError, UsageError
from seqlab.settings import Names
from seqlab.tasks._base import Task
from seqlab.tasks._data import Data
from seqlab.tasks._forecasting import Answering, Forecast
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import LOSS, SEQUENCES, SHARE, Metric
from seqlab.tasks.own._baselines import Baseline, baselines, season_of
from seqlab.tasks.own._outlook import hindsight, outlook, scales_of
from seqlab.tasks.own._parts import Cut, Integers, Parts, cut_up

SERIES, LAST = "series", "last"
"""Notes of a batch: which series a row is of, and the row of the table that it reads last."""

ROWS = 256
"""Sequences that are judged at once, at most."""

LEAVES = 0.05
"""The share of validation values outside the range of training from which that is said."""

Share = Annotated[float, Field(gt=0, le=0.4)]


def _absolute(name: str) -> str:
    return name if name in NAMES else absolute(name) or name


class Series(Task):
    """Forecast the next steps of one or several series of numbers.

    A sequence is a window of ``window`` steps. After each step of its latter half the next ``horizon`` values
    of the targets are forecast at once (direct forecasts: none is made from another). Of each series the past
    trains, what follows chooses the weights, and the end judges; no window of one part holds a target of a
    later one. Every number is scaled by the mean and the standard deviation of the training part, and all
    figures but the loss are in the units of the table.

    The loss is twice the pinball loss (Koenker & Bassett 1978) of the median and of both ends of the
    interval; without an interval it is the squared error.

    Args:
        table: a file (.csv, .tsv, .txt, .jsonl, .npy, .parquet), or mackey-glass, sines, co2 or sunspots.
        columns: those that are read; none for all that hold numbers.
        target: those that are forecast; none for all that are read.
        time: the column by which rows are ordered; null for the first that holds dates, if there is one.
        group: the column that says which of several series a row belongs to.
        horizon: steps that are forecast.
        window: steps of a sequence; forecasts count after the first half has been read.
        season: steps of a season, for the seasonal baseline and MASE; null to find it in the training part.
        interval: the share of values that the forecast interval is to hold; null for none.
        differences: whether changes from step to step are read, and what is forecast is the change since the
            last value: for series that leave the range in which they were.
        gaps: whether a gap is refused, or the last value before it stands there; no forecast of one counts.
        validation: the share of each series that chooses the weights, before the last part.
        test: the share of each series at its end that judges.
        encoding: of the file, where it is not in UTF-8 and has no byte-order mark.
        header: whether the first line holds names; null to find out.
        decimal: the sign in front of decimals; null to find out.

    Raises:
        TextError: when the table cannot be read, or is too short.
        UnknownNameError: when a column is not there.

    >>> task = Series(table="sines", horizon=2, window=20, interval=0.9)
    >>> batch = task.batch("train", 0, 4, 1)
    >>> batch.inputs.shape, batch.targets.shape, int(batch.mask.sum())
    (torch.Size([4, 20, 1]), torch.Size([4, 20, 6]), 40)
    """

    reads = "table"
    forecasts = True

    def __init__(
        self,
        *,
        table: Annotated[str, AfterValidator(_absolute)] = "mackey-glass",
        columns: Names = (),
        target: Names = (),
        time: str | None = None,
        group: str | None = None,
        horizon: Annotated[int, Field(ge=1, le=1_000)] = 1,
        window: Annotated[int, Field(ge=2, le=10_000)] = 64,
        season: Annotated[int, Field(ge=1, le=1_000_000)] | None = None,
        interval: Annotated[float, Field(gt=0, lt=1)] | None = 0.9,
        differences: bool = False,
        gaps: Gaps = "refuse",
        validation: Share = 0.15,
        test: Share = 0.15,
        encoding: str | None = None,
        header: bool | None = None,
        decimal: Literal[".", ","] | None = None,
    ) -> None:
        read = tuple(dict.fromkeys((*columns, *target))) if columns else ()
        self.layout = Layout(read, time, group, gaps, encoding, header, decimal)
        self.collection = read_series(table, self.layout)
        self.columns = self.collection.columns
        if taken := next((name for name in target if name in (time, group)), None):
            raise UsageError(
                f"The column {taken!r} says when a row comes, or of which series it is; it is not forecast.",
                hint="Leave it out of --target, or name other columns with --time and --group.",
            )
        known = set(self.columns)
        if unknown := next((name for name in target if name not in known), None):
            raise UnknownNameError("column", unknown, self.columns)
        self.target = tuple(dict.fromkeys(target)) or self.columns
        self.horizon, self.interval = horizon, interval
        self.parts = cut_up(self.collection, self.target, Cut(window, horizon, validation, test, differences))
        self.quantiles = (0.5,) if interval is None else ((1 - interval) / 2, 0.5, (1 + interval) / 2)
        found = season_of(self._longest) if season is None else None
        self.scales = scales_of(self.parts, len(self.quantiles))
        self.season = season or (found[0] if found else 1)
        self.data = _data(table, self.collection, (_on_season(season, found), *_on_range(self.parts)))
        outputs = len(self.target) * horizon * len(self.quantiles)
        self.spec = Spec("features", len(self.columns), "values", outputs, causal=True)

    @property
    def metrics(self) -> Sequence[Metric]:
        """MASE, and in the units of the table MAE and RMSE; of several targets, of each."""
        single, units = len(self.target) == 1, (0.0, None)
        names = [""] if single else [f"_{name}" for name in self.target]
        own = [
            Metric(f"{kind}{name}", False, units, _called(kind, name), detail=not single)
            for name in names
            for kind in ("mae", "rmse")
        ]
        steps = [
            Metric(f"nrmse_{step}", False, units, f"NRMSE of step {step}", detail=True) for step in self._told
        ]
        coverage = (
            []
            if self.interval is None
            else [Metric("coverage", None, SHARE, f"coverage of {self.interval:.0%}")]
        )
        nrmse = Metric("nrmse", False, units, "NRMSE")
        return (Metric("mase", False, units, "MASE"), *own, nrmse, *steps, *coverage, SEQUENCES, LOSS)

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in."""
        return "squared error" if self.interval is None else "pinball loss"

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return ``size`` windows of a part, drawn at random."""
        ends = self.parts.ends[split]
        return self._windows(
            split, ends[numpy_stream(seed, "series", split, index).integers(0, len(ends), size)]
        )

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield windows in which every row of a part is forecast from once, or as many as are asked for."""
        ends = self._tiling(split)
        if len(ends) > sequences:
            ends = ends[np.linspace(0, len(ends) - 1, sequences).round().astype(np.int64)]
        rows = at_once(self.spec.output_size * self.parts.cut.window, ROWS)
        for first in range(0, len(ends), rows):
            yield self._windows(split, ends[first : first + rows])

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return twice the mean pinball loss, or the squared error, of what counts, scaled."""
        selected, targets = batch.select(outputs)
        if self.interval is None:
            return torch.nn.functional.mse_loss(selected, targets)
        short = (targets - selected).view(len(selected), -1, len(self.quantiles)).unbind(-1)
        shares = torch.tensor(self.quantiles)  # single numbers, which need not be sent to a GPU
        lost = [torch.maximum(q * part, (q - 1) * part) for q, part in zip(shares, short, strict=True)]
        return 2 * torch.stack(lost, -1).mean()

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count errors, in the units of the table and scaled, and what intervals hold."""
        selected, targets = batch.select(outputs)
        total = self._count(
            selected.double().cpu().numpy(), targets.double().cpu().numpy(), self._series(batch)
        )
        total["loss"] = float(self.loss(outputs, batch)) * total["targets"]  # type: ignore[assignment]
        total["sequences"] = len(batch.inputs)
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the figures of :attr:`metrics`."""
        count = total["forecasts"] * self.horizon
        found: dict[str, float] = {"sequences": int(total["sequences"])}
        found["mase"] = total["scaled"] / count / len(self.target)
        for number, name in enumerate(self.target):
            behind = "" if len(self.target) == 1 else f"_{name}"
            found[f"mae{behind}"] = total[f"absolute {number}"] / count
            found[f"rmse{behind}"] = (total[f"squared {number}"] / count) ** 0.5
        for name, step in {"nrmse": None, **{f"nrmse_{step}": step for step in self._told}}.items():
            within = count if step is None else total["forecasts"]
            found[name] = (total[f"normal {step}"] / within / len(self.target)) ** 0.5
        if "inside" in total:
            found["coverage"] = total["inside"] / count / len(self.target)
        if "loss" in total:
            found["loss"] = total["loss"] / total["targets"]
        return found

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return the best of the forecasts that need no network, with the others beside it."""
        totals = {baseline.name: Counter[str]() for baseline in self.baselines}
        for batch in self.evaluation("test", sequences, seed):
            series, rows = self._series(batch), self._rows(batch)
            _, targets = batch.select(batch.targets)
            for baseline in self.baselines:
                answers = self._scaled(baseline.rule(series, rows), series, rows)
                total = self._count(answers, targets.double().numpy(), series)
                total["sequences"] = len(batch.inputs)
                del total["inside"]  # of an interval that they do not give
                totals[baseline.name].update(total)
        found = [Guess(name, self.figures(total)) for name, total in totals.items()]
        best, *others = sorted(found, key=lambda guess: guess.figures["mase"])
        return replace(best, others=tuple(others))

    def outlook(
        self, answer: Answering, steps: int | None = None, table: str | None = None
    ) -> list[Forecast]:
        """Return what follows the last rows; see :meth:`Task.outlook`."""
        collection = self.collection
        if table is not None:
            collection = read_series(table, replace(self.layout, columns=self.columns))
        return outlook(self.parts, collection, answer, steps or self.horizon, len(self.quantiles))

    def hindsight(self, answer: Answering, example: int) -> list[Forecast]:
        """Return forecasts of the test part beside what came; see :meth:`Task.hindsight`."""
        return hindsight(self.parts, self.collection, answer, self.baselines, example, len(self.quantiles))

    @cached_property
    def baselines(self) -> tuple[Baseline, ...]:
        """The forecasts that need no network, fitted on the training part alone."""
        return tuple(baselines(self.parts, self.season))

    @property
    def _told(self) -> tuple[int, ...]:
        """The steps of which a figure is told by itself."""
        return (1, self.horizon) if self.horizon > 1 else ()

    @property
    def _longest(self) -> NDArray[np.float64]:
        """The training part of the longest series, its first target."""
        longest = int(np.argmax([len(one) for one in self.collection.series]))
        first: NDArray[np.float64] = self.parts.training(longest)[:, self.parts.targets[0]]
        return first

    @cached_property
    def _naive(self) -> NDArray[np.float64]:
        """The mean absolute error of the seasonal naive forecast within the training parts, (S, K)."""
        found = []
        for number in range(len(self.parts.names)):
            own = self.parts.training(number)[:, list(self.parts.targets)]
            season = self.season if self.season < len(own) else 1
            errors = np.abs(own[season:] - own[:-season]).mean(0)
            found.append(np.where(errors > 0, errors, np.abs(np.diff(own, axis=0)).mean(0)))
        return np.stack(found)

    def _tiling(self, split: Split) -> Integers:
        """Return the ends of windows whose latter halves meet each other, from the end of a part back."""
        step, ends = self.parts.cut.window - self.parts.cut.free, self.parts.ends[split]
        last = np.array([self.parts.origins(split, series)[1] for series in range(len(self.parts.names))])
        there: Integers = ends[(last[ends[:, 0]] - ends[:, 1]) % step == 0]
        return there

    def _windows(self, split: Split, ends: Integers) -> Batch:
        """Return the windows that end at some rows: inputs (B, T, C), targets (B, T, K H Q)."""
        parts, cut = self.parts, self.parts.cut
        series, last = ends[:, 0], ends[:, 1]
        rows = last[:, None] + np.arange(1 - cut.window, 1)
        earliest = np.array([parts.origins(split, one)[0] for one in range(len(parts.names))])
        mask = (rows >= earliest[series][:, None]) & parts.counts[rows] & (np.arange(cut.window) >= cut.free)
        targets = np.zeros((*rows.shape, self.spec.output_size), np.float32)
        which = np.broadcast_to(series[:, None], rows.shape)[mask]
        targets[mask] = self._scaled(parts.ahead(rows[mask]), which, rows[mask])
        return Batch(
            torch.from_numpy(parts.read[rows]),
            torch.from_numpy(targets),
            torch.from_numpy(mask),
            notes={SERIES: torch.from_numpy(series.copy()), LAST: torch.from_numpy(last.copy())},
        )

    def _scaled(self, values: NDArray[np.float64], series: Integers, rows: Integers) -> NDArray[np.float64]:
        """Return forecasts from some rows, (N, K, H), as a model is to give them: (N, K H Q)."""
        scaled = (values - self.parts.base(series, rows)[..., None]) / self.parts.scales.ahead[series]
        return np.repeat(scaled.reshape(len(rows), -1), len(self.quantiles), 1)

    def _series(self, batch: Batch) -> Integers:
        """Return of each forecast that counts which series it is of, (N,)."""
        assert batch.mask is not None
        series: Integers = (
            batch.notes[SERIES].cpu()[:, None].expand(batch.mask.shape)[batch.mask.cpu()].numpy()
        )
        return series

    def _rows(self, batch: Batch) -> Integers:
        """Return of each forecast that counts from which row it is made, (N,)."""
        assert batch.mask is not None
        steps = torch.arange(1 - self.parts.cut.window, 1)
        rows: Integers = (batch.notes[LAST].cpu()[:, None] + steps)[batch.mask.cpu()].numpy()
        return rows

    def _count(
        self, answers: NDArray[np.float64], targets: NDArray[np.float64], series: Integers
    ) -> Counter[str]:
        """Count what comes of forecasts and what was wanted, (N, K H Q) both, scaled."""
        shape = (len(answers), len(self.target), self.horizon, len(self.quantiles))
        said, wanted = answers.reshape(shape), targets.reshape(shape)[..., 0]
        errors = (said[..., shape[-1] // 2] - wanted) * self.parts.scales.ahead[series]
        normal = (errors / self.parts.scales.spread[series][:, list(self.parts.targets), None]) ** 2
        sums: dict[str, float] = {"forecasts": len(answers), "targets": targets.size}
        sums["scaled"] = float(np.abs(errors / self._naive[series][..., None]).sum())
        for number in range(len(self.target)):
            sums[f"absolute {number}"] = float(np.abs(errors[:, number]).sum())
            sums[f"squared {number}"] = float((errors[:, number] ** 2).sum())
        sums["normal None"] = float(normal.sum())
        sums |= {f"normal {step}": float(normal[..., step - 1].sum()) for step in self._told}
        if self.interval is not None:
            sums["inside"] = int(((said[..., 0] <= wanted) & (wanted <= said[..., -1])).sum())
        return Counter(sums)


def _called(kind: str, name: str) -> str:
    return f"{kind.upper()}{name.replace('_', ' of ', 1)}"


def _data(table: str, collection: Collection, notes: Sequence[str]) -> Data:
    """Return what a run records of the series."""
    told = (*collection.notes, *notes)
    if table not in NAMES:
        return replace(Data.of(table), notes=told)
    digest = hashlib.sha256(b"".join(one.values.tobytes() for one in collection.series))
    return Data(table, collection.source, digest.hexdigest(), notes=told)


def _on_season(given: int | None, found: tuple[int, float] | None) -> str:
    """Say what a season is taken to be."""
    if given is not None:
        return f"A season has {given:,} step{'' if given == 1 else 's'}."
    if found is None:
        return "No season was found in the training part, so there is no seasonal forecast to compare with."
    return f"A season was found of {found[0]:,} steps (autocorrelation {found[1]:.2f} in the training part)."


def _on_range(parts: Parts) -> Iterator[str]:
    """Say where what follows the training part leaves its range, which a network does not learn to follow."""
    beyond, count = 0, 0
    for number, bounds in enumerate(parts.bounds):
        known = parts.training(number)[:, list(parts.targets)]
        later = parts.values[slice(*bounds["validation"])][:, list(parts.targets)]
        beyond += int(((later < known.min(0)) | (later > known.max(0))).sum())
        count += later.size
    if beyond > LEAVES * count and not parts.cut.differences:
        yield (
            f"{beyond / count:.0%} of the validation part lies outside the range of the training part: "
            "task.differences=true reads changes, and follows a trend."
        )
