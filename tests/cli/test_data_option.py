"""`seqlab train --data`: series of a user's own, from the command to what is on record."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.runs import Run

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("model.hidden_size=4", "training.steps=2", "training.evaluate_every=2", "compute.threads=1")


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Sixty days with a week in them, written as a German spreadsheet writes them."""
    path = tmp_path / "sales.csv"
    lines = [
        f"2024-{1 + day // 30:02}-{1 + day % 30:02};{math.sin(day * 2 * math.pi / 7) + day / 99:.3f};{day % 5}".replace(
            ".", ","
        )
        for day in range(29)
    ] + [
        f"2024-02-{day:02};{math.sin((day + 28) * 2 * math.pi / 7):.3f};1".replace(".", ",")
        for day in range(2, 30)
    ]
    path.write_text("\n".join(["date;sold;staff", *lines]), encoding="utf-16")
    return path


def test_a_table_is_learned_and_what_was_found_is_said_and_on_record(
    seqlab_command: Command, sales: Path, tmp_path: Path
) -> None:
    trained = seqlab_command("train", "--data", sales, "--target", "sold", "task.window=8", *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert "3 columns separated by ';', decimal commas, UTF-16, names in the first line" in trained.stderr
    assert "A season was found of 7 steps" in trained.stderr
    assert "held out: MASE" in trained.stdout
    assert "\nnaive forecast: MASE" in trained.stdout
    (folder,) = (path.parent for path in tmp_path.rglob("run.json"))
    info = Run(folder).info()
    assert info.experiment == "sales"
    assert info.extra["corpus"]["source"] == str(sales)
    assert info.data_hash == info.extra["corpus"]["sha256"]
    assert info.extra["loss_unit"] == "pinball loss"
    assert {one["name"] for one in info.extra["guess"]["held_out"]["others"]} >= {"naive forecast"}
    shown = seqlab_command("show").stdout
    assert "guess held_out.naive forecast.mase\t" in shown
    assert "others" not in shown
    sales.write_bytes(sales.read_bytes() + "2024-03-01;1;1\n".encode("utf-16-le"))
    changed = seqlab_command("judge", "latest")
    assert "sales.csv" in changed.stderr


def test_what_is_wrong_with_a_table_is_said_in_a_line(seqlab_command: Command, sales: Path) -> None:
    for words, said in (
        (["--data", sales, "--target", "sald"], "Did you mean 'sold'?"),
        (["--data", "salez.csv"], "There is no file 'salez.csv'"),
        (
            ["hello", "--data", sales],
            "hello reads no table: --data and the names of its columns are for series",
        ),
        (["--data", sales, "task.horizon=50"], "need"),
    ):
        done = seqlab_command("train", *words)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
