"""`seqlab forecast`, and `seqlab inspect` of a model that forecasts: what is printed, written and refused."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("model.hidden_size=4", "training.steps=2", "training.evaluate_every=2", "compute.threads=1")


@pytest.fixture
def trained(seqlab_command: Command, tmp_path: Path) -> Path:
    """A run on sixty days, and a table of twenty others."""
    for name, first, days in (("days.csv", 0, 60), ("later.csv", 100, 20)):
        lines = [f"{first + day},{day % 7 + day / 30:.2f}" for day in range(days)]
        (tmp_path / name).write_text("\n".join(["day,sold", *lines]), encoding="utf-8")
    done = seqlab_command(
        "train", "--data", tmp_path / "days.csv", "--time", "day", "task.window=8", "task.horizon=3", *SMALL
    )
    assert done.returncode == 0, done.stderr
    assert "seqlab forecast days-lstm" in done.stderr
    return tmp_path


def test_a_forecast_is_a_table_whose_times_go_on(seqlab_command: Command, trained: Path) -> None:
    told = seqlab_command("forecast")
    assert told.returncode == 0, told.stderr
    head, *rows = csv.reader(io.StringIO(told.stdout))
    assert head == ["day", "column", "forecast", "lower", "upper"]
    assert [row[:2] for row in rows] == [["60", "sold"], ["61", "sold"], ["62", "sold"]]
    assert all(float(row[3]) <= float(row[4]) for row in rows)
    more = seqlab_command(
        "forecast", "--data", trained / "later.csv", "--steps", "5", "--out", trained / "out.csv"
    )
    assert more.returncode == 0, more.stderr
    assert "3 steps are forecast at once" in more.stderr
    _, *rows = csv.reader((trained / "out.csv").open(encoding="utf-8"))
    assert [row[0] for row in rows] == ["120", "121", "122", "123", "124"]
    assert [row[3] == "" for row in rows] == [False, False, False, True, True]
    (forecast,) = json.loads(seqlab_command("forecast", "--json").stdout)["forecasts"]
    assert forecast["times"] == ["60", "61", "62"]


def test_what_does_not_fit_is_refused_by_name(seqlab_command: Command, trained: Path) -> None:
    wrong = trained / "wrong.csv"
    wrong.write_text("day,sale\n" + "\n".join(f"{day},1" for day in range(20)), encoding="utf-8")
    for words, said in (
        (["--data", wrong], "Unknown column 'sold'."),
        (["--data", trained / "latr.csv"], f"Did you mean '{trained / 'later.csv'}'?"),
        (["--out", trained / "no" / "such" / "folder.csv"], "its folder is not there"),
        (["--data", trained / "later.csv", "--out", trained / "later.csv"], "would write over"),
    ):
        done = seqlab_command("forecast", "latest", *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_no_command_writes_over_the_table_that_was_learned_from(
    seqlab_command: Command, trained: Path
) -> None:
    before = (trained / "days.csv").read_bytes()
    for words in (("forecast", "latest", "--out"), ("plot", "--data"), ("export", "latest", "--output")):
        done = seqlab_command(*words, "days.csv")
        assert done.returncode == 2
        assert f"{words[-1]} would write over 'days.csv', which is read." in done.stderr
    assert (trained / "days.csv").read_bytes() == before


def test_a_run_that_forecasts_nothing_is_refused(seqlab_command: Command, trained: Path) -> None:
    other = seqlab_command("train", "hello", "training.steps=2", "--json")
    done = seqlab_command("forecast", json.loads(other.stdout)["run"])
    assert done.returncode == 2
    assert "The task hello forecasts no series." in done.stderr
    assert seqlab_command("forecast").returncode == 0  # latest is the one that does


def test_inspect_draws_what_came_beside_what_was_forecast(seqlab_command: Command, trained: Path) -> None:
    seen = seqlab_command("inspect", "--format", "png", "--output", trained / "pictures")
    assert seen.returncode == 0, seen.stderr
    assert "seasonal naive forecast" in seen.stdout
    assert (trained / "pictures" / "forecasts.png").is_file()
    head, first, *_ = csv.reader((trained / "pictures" / "forecasts.csv").open(encoding="utf-8"))
    assert head[:6] == ["day", "column", "forecast", "lower", "upper", "came"]
    assert first[0] == "51"
    refused = seqlab_command("inspect", "--input", "abc")
    assert refused.returncode == 2
    assert "reads numbers" in refused.stderr
