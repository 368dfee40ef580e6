"""Series: what is learned from, what judges, what it is compared with; the future never shows in the past."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqlab.contracts import Batch, Split
from seqlab.data.named import mackey_glass
from seqlab.errors import SeqlabError, TextError, UnknownNameError
from seqlab.models import build_model
from seqlab.settings import Component
from seqlab.tasks.own._baselines import fit
from seqlab.tasks.own.series import Series

Values = NDArray[np.float64]


def write(folder: Path, *columns: Values, name: str = "table.csv") -> str:
    rows = np.stack(columns, 1)
    lines = [",".join(f"c{number}" for number in range(rows.shape[1]))]
    lines += [",".join(f"{value!r}" for value in row) for row in rows.tolist()]
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder / name)


def noise(count: int, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(size=count)


def autoregressive(count: int) -> Values:
    x = [0.0, 0.0]
    for e in noise(count):
        x.append(1.2 * x[-1] - 0.5 * x[-2] + 3 + e)
    return np.array(x[2:])


def batches(task: Series, split: Split) -> list[Batch]:
    return [*task.evaluation(split, 10_000, 1), *(task.batch(split, index, 8, 1) for index in range(3))]


def same(one: list[Batch], other: list[Batch]) -> bool:
    return all(
        torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets)
        for a, b in zip(one, other, strict=True)
    )


def test_a_column_in_which_only_rounding_varies_is_divided_by_one(tmp_path: Path) -> None:
    constant, slope = np.full(400, 0.1), 0.1 * np.arange(400)
    constant[300:] = 0.2
    task = Series(table=write(tmp_path, noise(400), constant), target=["c0"], window=16)
    assert task.parts.read[:, 1].max() == pytest.approx(0.1)
    changes = Series(table=write(tmp_path, slope, name="slope.csv"), window=16, differences=True)
    assert (changes.parts.scales.ahead == 1).all()


@pytest.mark.parametrize("differences", [False, True])
def test_what_comes_later_changes_nothing_of_what_came_before(tmp_path: Path, differences: bool) -> None:
    before = np.cumsum(noise(400))
    after, later = before.copy(), before.copy()
    after[280:] = 7 + 100 * noise(120, 1)  # validation and test
    later[340:] = 7 + 100 * noise(60, 1)  # test alone
    known, other, third = (
        Series(table=write(tmp_path, one), window=16, horizon=3, differences=differences)
        for one in (before, after, later)
    )
    assert same(batches(known, "train"), batches(other, "train"))
    assert not same(batches(known, "validation"), batches(other, "validation"))
    assert same(batches(known, "validation"), batches(third, "validation"))
    assert not same(batches(known, "test"), batches(third, "test"))
    assert known.season == other.season
    rows = np.arange(20, 200)
    for mine, theirs in zip(known.baselines, third.baselines, strict=True):
        np.testing.assert_array_equal(mine.rule(rows * 0, rows), theirs.rule(rows * 0, rows))


def test_targets_lie_in_their_own_part_and_each_is_judged_once(tmp_path: Path) -> None:
    task = Series(table=write(tmp_path, np.arange(200.0) + noise(200)), window=10, horizon=4, interval=None)
    seen: dict[str, list[int]] = {}
    for split in ("train", "validation", "test"):
        for batch in task.evaluation(split, 10_000, 1):
            seen.setdefault(split, []).extend(task._rows(batch).tolist())
            values = batch.targets[batch.mask][:, 0].numpy() * task.parts.scales.ahead[0, 0, 0]
            wanted = task.parts.values[task._rows(batch) + 1, 0] - task.parts.scales.mean[0, 0]
            np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-4)
    assert sorted(seen["validation"]) == list(range(139, 166))  # which forecast 140 to 169
    assert sorted(seen["test"]) == list(range(169, 196))  # 170 to 199
    assert max(seen["train"]) == 135
    assert all(len(set(rows)) == len(rows) for rows in seen.values())


def test_a_forecast_is_made_from_its_window_alone(tmp_path: Path) -> None:
    task = Series(table=write(tmp_path, np.arange(100.0)), window=6, horizon=1, interval=None)
    batch = task.batch("test", 0, 3, 1)
    read = (
        batch.inputs[..., 0].double().numpy() * task.parts.scales.spread[0, 0] + task.parts.scales.mean[0, 0]
    )
    np.testing.assert_allclose(read[:, -1], batch.notes["last"].numpy(), rtol=1e-5)
    np.testing.assert_allclose(np.diff(read), 1, rtol=1e-4)


def test_figures_are_in_the_units_of_the_table(tmp_path: Path) -> None:
    x = np.cumsum(noise(300))
    small, great = (
        Series(table=write(tmp_path, factor * x), window=8, horizon=2, season=4).guess(10_000, 1)
        for factor in (1, 1000)
    )
    small, great = (
        {one.name: one.figures for one in (found, *found.others)}["naive forecast"]
        for found in (small, great)
    )
    origins = np.arange(254, 298)
    errors = np.abs(np.stack([x[origins + step] - x[origins] for step in (1, 2)]))
    assert small["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert small["rmse"] == pytest.approx((errors**2).mean() ** 0.5, rel=1e-5)
    training = x[:210]
    assert small["mase"] == pytest.approx(
        errors.mean() / np.abs(training[4:] - training[:-4]).mean(), rel=1e-5
    )
    assert small["nrmse_2"] == pytest.approx((errors[1] ** 2).mean() ** 0.5 / training.std(), rel=1e-5)
    assert great["mae"] == pytest.approx(1000 * small["mae"], rel=1e-4)
    assert great["mase"] == pytest.approx(small["mase"], rel=1e-4)


def test_the_seasonal_forecast_knows_the_season_before(tmp_path: Path) -> None:
    task = Series(
        table=write(tmp_path, np.tile([1.0, 5, 2, 9], 50) + 0.01 * noise(200)), window=16, horizon=6
    )
    assert task.season == 4
    seasonal = next(one for one in task.baselines if one.name.startswith("seasonal"))
    rows = np.array([41])  # the next is 2
    np.testing.assert_allclose(seasonal.rule(rows * 0, rows)[0, 0], [2, 9, 1, 5, 2, 9], atol=0.05)


def test_the_autoregression_is_that_of_statsmodels(tmp_path: Path) -> None:
    autoreg = pytest.importorskip("statsmodels.tsa.ar_model").AutoReg
    x = autoregressive(400)
    task = Series(table=write(tmp_path, x), window=16, interval=None)
    rows = np.arange(339, 399)
    constant, first, second = autoreg(x[:280], lags=2).fit().params
    wanted = constant + first * x[rows] + second * x[rows - 1]
    np.testing.assert_allclose(fit(task.parts, 2)(rows * 0, rows)[:, 0, 0], wanted, rtol=1e-8)


def test_nothing_is_learned_of_a_series_whose_order_was_drawn(tmp_path: Path) -> None:
    task = Series(
        table=write(tmp_path, np.random.default_rng(1).permutation(mackey_glass(1_000))),
        window=16,
        interval=None,
    )
    model = build_model(Component(name="gru", hidden_size=8), task.spec, 1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(30):
        batch = task.batch("train", step, 16, 1)
        optimiser.zero_grad()
        task.loss(model(batch.inputs)[0], batch).backward()
        optimiser.step()
    batch = next(task.evaluation("test", 256, 1))
    learned = task.figures(task.tally(model(batch.inputs)[0], batch))
    guess = task.guess(256, 1)
    assert learned["nrmse"] > 0.95
    assert guess.figures["nrmse"] > 0.95


def test_an_interval_holds_what_lies_between_its_ends(tmp_path: Path) -> None:
    task = Series(table=write(tmp_path, noise(200)), window=8, interval=0.8)
    batch = next(task.evaluation("test", 64, 1))
    wide = batch.targets + torch.tensor([-1.0, 0.0, 1.0])
    amiss = batch.targets + torch.tensor([0.5, 0.0, 1.0])
    assert task.figures(task.tally(wide, batch))["coverage"] == 1
    assert task.figures(task.tally(amiss, batch))["coverage"] == 0
    assert task.figures(task.tally(wide, batch))["mae"] == pytest.approx(0, abs=1e-6)
    short = task.loss(batch.targets - 1, batch)  # twice the mean of 0.1, 0.5 and 0.9
    assert float(short) == pytest.approx(1, rel=1e-5)


def test_several_targets_have_figures_each_and_several_series_scales_each(tmp_path: Path) -> None:
    lines = ["day,shop,a,b"]
    for day in range(1, 41):
        for shop, size in (("x", 1), ("y", 1000)):
            lines.append(f"{day},{shop},{size * (day % 5)},{day % 3 + day / 9}")
    path = tmp_path / "shops.csv"
    path.write_text("\n".join(lines))
    task = Series(table=str(path), time="day", group="shop", window=6, interval=None)
    assert task.parts.names == ("x", "y")
    assert task.columns == task.target == ("a", "b")
    np.testing.assert_allclose(task.parts.scales.mean[1, 0], 1000 * task.parts.scales.mean[0, 0])
    assert {"mae_a", "rmse_b"} <= task.guess(100, 1).figures.keys()
    assert [metric.title for metric in task.metrics][:3] == ["MASE", "MAE of a", "RMSE of a"]
    one = Series(table=str(path), time="day", group="shop", target=("b",), window=6)
    assert one.columns == ("a", "b")
    assert one.target == ("b",)


def test_rows_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("v,day\n" + "\n".join(f"{day % 7},2024-01-{day:02}" for day in range(31, 0, -1)))
    task = Series(table=str(path), window=4)
    assert task.parts.values[:3, 0].tolist() == [1, 2, 3]
    assert task.data is not None
    assert "The rows were put in the order of day." in task.data.notes
    assert "31 rows, 1 day apart" in task.data.notes[0]
    path.write_text("day,v\n" + "\n".join(f"2024-01-{day:02},{day % 7}" for day in range(1, 31) if day != 9))
    told = Series(table=str(path), window=4).data
    assert told is not None
    assert "1 rows come otherwise than 1 day after the one before" in " ".join(told.notes)


def test_gaps_are_refused_with_their_line_or_hold_the_last_value_and_are_not_judged(tmp_path: Path) -> None:
    x = noise(60).tolist()
    path = tmp_path / "g.csv"
    path.write_text("v\n" + "\n".join("" if row in (30, 55) else repr(value) for row, value in enumerate(x)))
    with pytest.raises(
        TextError, match=r"(?s)line 32, column 'v', has no value, the first of 2 gaps.*task.gaps=last"
    ):
        Series(table=str(path), window=4)
    task = Series(table=str(path), window=4, horizon=2, gaps="last")
    assert task.parts.values[30, 0] == x[29]
    rows = [row for batch in task.evaluation("test", 100, 1) for row in task._rows(batch).tolist()]
    assert sorted(rows) == [50, 51, 52, 55, 56, 57]  # 53 and 54 would forecast the gap at 55
    path.write_text("a,b\n" + "\n".join(f"{'' if row == 0 else row},{row}" for row in range(60)))
    with pytest.raises(TextError, match=r"(?s)line 2, column 'a', has no value.*No value stands before it"):
        Series(table=str(path), window=4, gaps="last")


@pytest.mark.parametrize(
    ("content", "options", "wrong"),
    [
        ("v\n1\n", {}, "has 1 row, of which the train part has"),
        ("v\n1\n2\n3\n", {"window": 8}, "too short for any window"),
        ("v\n" + "1\n2\n" * 5, {"window": 8}, "task.window=5 task.horizon=1"),
        ("v\n" + "0.1\n" * 50, {"window": 4}, "column 'v', stays at 0.1 throughout the training part"),
        ("v\n" + "1e-200\n2e-200\n" * 25, {"window": 4}, "column 'v', stays at 1e-200 throughout"),
        ("v\n" + "3\n" * 50, {"window": 4}, "column 'v', stays at 3 throughout the training part"),
        ("t,v\n" + "x,y\n" * 50, {}, "has no column of numbers: t, v"),
        ("t,v\n" + "1,2\n1,3\n", {"time": "t"}, "line 2 and line 3, have one time: 1"),
        ("t,v\n" + "1,2\n" * 30, {"target": ("w",)}, "Unknown column 'w'"),
        ("t,v\n" + "".join(f"{n},{n}\n" for n in range(9)), {"time": "t", "target": ("t",)}, "'t' says when"),
        ("t,v\n" + "1,2\n" * 30, {"time": "day"}, "Unknown column 'day'"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused(
    tmp_path: Path, content: str, options: dict[str, object], wrong: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(SeqlabError, match=wrong):
        Series(table=str(path), **options)  # type: ignore[arg-type]


def test_a_series_by_name_has_one_column_and_its_name_is_looked_for() -> None:
    with pytest.raises(UnknownNameError, match="Unknown column 'y'"):
        Series(table="mackey-glass", columns=("y",))
    with pytest.raises(UnknownNameError, match="Unknown column 'day'"):
        Series(table="mackey-glass", time="day")
    with pytest.raises(TextError, match="mackey-glass is one series"):
        Series(table="mackey-glass", group="x")
    with pytest.raises(TextError, match=r"(?s)no series, and no file, 'mackey-glas'.*'mackey-glass'"):
        Series(table="mackey-glas")


def test_the_mackey_glass_series_is_a_solution_of_its_equation() -> None:
    x = mackey_glass(400)
    slope = (-x[4:] + 8 * x[3:-1] - 8 * x[1:-3] + x[:-4])[17:] / 12  # of fourth order, at rows 19 to 397
    then, now = x[2:-19], x[19:-2]
    np.testing.assert_allclose(slope, 0.2 * then / (1 + then**10) - 0.1 * now, atol=2e-3)


@pytest.mark.parametrize(("name", "season", "apart"), [("co2", 12, "1 month"), ("sunspots", 11, "")])
def test_series_of_statsmodels_have_their_seasons(name: str, season: int, apart: str) -> None:
    pytest.importorskip("statsmodels")
    task = Series(table=name, gaps="last", window=24)
    assert task.season == season
    assert task.data is not None
    assert apart in task.data.notes[0]
