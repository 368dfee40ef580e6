"""Forecasts of what comes next, of the task's own table and of others, and of what has come since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.errors import SeqlabError, UsageError
from seqlab.tasks.own.series import Series


def monthly(path: Path, values: list[float], first: str = "2020-01", head: str = "month,v") -> str:
    months = np.datetime64(first) + np.arange(len(values))
    path.write_text(
        "\n".join([head, *(f"{month},{value!r}" for month, value in zip(months, values, strict=True))])
    )
    return str(path)


def waves(count: int = 80) -> list[float]:
    return [10 + (step % 4) + step / 50 for step in range(count)]


def last_value(task: Series):  # type: ignore[no-untyped-def]
    """Return a model that says the last value it read; of changes, that there is none."""

    def answer(inputs: Tensor) -> Tensor:
        if task.parts.cut.differences:
            return torch.zeros(*inputs.shape[:2], task.spec.output_size)
        each = task.horizon * len(task.quantiles)
        return inputs[..., list(task.parts.targets)].repeat_interleave(each, -1)

    return answer


@pytest.mark.parametrize("differences", [False, True])
def test_a_forecast_is_in_the_units_of_the_table_and_its_times_go_on(
    tmp_path: Path, differences: bool
) -> None:
    table = monthly(tmp_path / "a.csv", waves())
    task = Series(table=table, horizon=3, window=8, differences=differences)
    (told,) = task.outlook(last_value(task))
    assert told.values == pytest.approx([waves()[-1]] * 3, rel=1e-5)
    assert told.lower == told.upper == told.values
    assert told.times == ("2026-09-01", "2026-10-01", "2026-11-01")
    assert told.before[-1] == waves()[-1]


def test_beyond_the_horizon_forecasts_are_read_and_there_is_no_interval(tmp_path: Path) -> None:
    task = Series(table=monthly(tmp_path / "a.csv", waves()), horizon=2, window=8, differences=True)
    one_more = torch.tensor([1.0, 2.0]) / torch.from_numpy(task.parts.scales.ahead[0, 0])

    def counts(inputs: Tensor) -> Tensor:
        return one_more.float().repeat_interleave(3).expand(*inputs.shape[:2], -1)

    (told,) = task.outlook(counts, steps=5)
    assert np.array(told.values) - waves()[-1] == pytest.approx([1, 2, 3, 4, 5], rel=1e-5)
    assert len(told.lower) == len(told.upper) == 2
    assert len(told.times) == 5


def test_another_table_is_read_with_the_scales_of_training(tmp_path: Path) -> None:
    task = Series(table=monthly(tmp_path / "a.csv", waves()), horizon=1, window=8)
    other = monthly(tmp_path / "b.csv", [1000.0 + step for step in range(8)], "2031-01")
    (told,) = task.outlook(last_value(task), table=other)
    assert told.values == pytest.approx([1007], rel=1e-5)
    assert told.times == ("2031-09-01",)


@pytest.mark.parametrize(
    ("head", "rows", "wrong"),
    [
        ("month,w", 20, "Unknown column 'v'"),
        ("month,v", 7, "has 7 rows; a forecast reads 8"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, head: str, rows: int, wrong: str) -> None:
    task = Series(table=monthly(tmp_path / "a.csv", waves()), window=8)
    other = monthly(tmp_path / "b.csv", waves(rows), head=head)
    with pytest.raises(SeqlabError, match=wrong):
        task.outlook(last_value(task), table=other)


def test_a_series_that_was_not_trained_on_is_refused_with_the_nearest(tmp_path: Path) -> None:
    rows = [f"{step},{shop},{step % 5}" for step in range(40) for shop in ("north", "south")]
    (tmp_path / "a.csv").write_text("\n".join(["t,shop,v", *rows]))
    (tmp_path / "b.csv").write_text("\n".join(["t,shop,v", *(row.replace("north", "nort") for row in rows)]))
    task = Series(table=str(tmp_path / "a.csv"), time="t", group="shop", window=8)
    assert [one.series for one in task.outlook(last_value(task))] == ["north", "south"]
    with pytest.raises(SeqlabError, match=r"(?s)Unknown series 'nort'.*Did you mean 'north'"):
        task.outlook(last_value(task), table=str(tmp_path / "b.csv"))


def test_to_go_on_beyond_the_horizon_all_that_is_read_must_be_forecast(tmp_path: Path) -> None:
    rows = [f"{step},{step % 5},{step % 3}" for step in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["t,a,b", *rows]))
    task = Series(table=str(tmp_path / "a.csv"), time="t", target=("b",), window=8, horizon=2)
    assert len(task.outlook(last_value(task), steps=1)[0].values) == 1
    with pytest.raises(UsageError, match=r"(?s)'a' is not.*--steps 2, or train with task.horizon=3"):
        task.outlook(last_value(task), steps=3)


def test_what_has_come_since_stands_beside_what_was_forecast(tmp_path: Path) -> None:
    task = Series(table=monthly(tmp_path / "a.csv", waves()), horizon=3, window=8)
    (told,) = task.hindsight(last_value(task), 1)
    assert told.came == pytest.approx(waves()[71:74])  # the test part begins at 68
    assert told.values == pytest.approx([waves()[70]] * 3, rel=1e-5)
    assert told.beside["naive forecast"] == pytest.approx([waves()[70]] * 3)
    assert told.beside["seasonal naive forecast"] == pytest.approx(waves()[67:70])
    assert told.before[-1] == waves()[70]
    with pytest.raises(UsageError, match="no example 9"):
        task.hindsight(last_value(task), 9)


def test_forecasts_of_a_step_are_shown_side_by_side(tmp_path: Path) -> None:
    task = Series(table=monthly(tmp_path / "a.csv", waves()), window=8)
    (told,) = task.hindsight(last_value(task), 0)
    assert told.came == pytest.approx(waves()[68:])
    assert told.values == pytest.approx(waves()[67:-1], rel=1e-5)
