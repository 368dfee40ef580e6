"""Styles, sizes and colours of a plot, and the numbers that stand in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import matplotlib
import pytest
from conftest import Command
from PIL import Image

from seqlab.figures.style import lines_of, look
from seqlab.figures.wishes import read_wishes, wishing


@pytest.fixture
def run(seqlab_command: Command, tmp_path: Path) -> Path:
    sizes = (
        "training.steps=6",
        "training.evaluate_every=2",
        "training.log_every=2",
        "training.test_sequences=8",
    )
    done = seqlab_command("train", "temporal-order", "-q", "model.hidden_size=3", *sizes)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs").glob("temporal-order-*")
    return path


def test_what_is_drawn_can_be_drawn_again_from_its_numbers(
    seqlab_command: Command, tmp_path: Path, run: Path
) -> None:
    done = seqlab_command("plot", "--data", "numbers.csv", "--label", "mine", "--output", "pictures")
    assert done.returncode == 0, done.stderr
    assert "numbers.csv" in done.stdout
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open()))
    found = [float(row["y"]) for row in rows if row["line"] == "mine, training" and "loss" in row["panel"]]
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert found == [record["loss"] for record in records if "loss" in record]


def test_a_picture_has_the_size_that_is_asked_for(seqlab_command: Command, tmp_path: Path, run: Path) -> None:
    words = ("plot", "--output", "pictures", "--format", "png")
    assert seqlab_command(*words, "--size", "10x5cm", "--style", "paper").returncode == 0
    with Image.open(tmp_path / "pictures" / "curves.png") as picture:  # of 300 dots per inch, in this style
        assert picture.size == pytest.approx((10 / 2.54 * 300, 5 / 2.54 * 300), abs=1.01)
    assert seqlab_command(*words).returncode == 0
    with Image.open(tmp_path / "pictures" / "curves.png") as picture:  # the wish is over
        assert picture.size[0] == 1125


def test_colours_and_styles_are_over_with_the_command() -> None:
    usual = lines_of(["lstm", "gru"])
    with wishing(read_wishes("paper", None, ["lstm=#010203", "gru[reset=after]=red"])):
        assert [one["color"] for one in lines_of(["lstm", "gru", "gru[reset=after]"])] == [
            "#010203", usual[1]["color"], "#ff0000",
        ]  # fmt: skip
        with look():
            assert matplotlib.rcParams["font.size"] == 8
    assert lines_of(["lstm", "gru"]) == usual
    with look():
        assert matplotlib.rcParams["font.size"] == 10


def test_a_style_file_changes_the_look_and_runs_no_other_program(tmp_path: Path) -> None:
    (tmp_path / "mine.mplstyle").write_text("font.size: 21\ntext.usetex: True\nbackend: Agg\n")
    wishes = read_wishes(str(tmp_path / "mine.mplstyle"), None, [])
    assert wishes.settings == {"font.size": 21.0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--style", "papr"), "Did you mean 'paper'?"),
        (("--style", "none.mplstyle"), "no such file"),
        (("--size", "9by6"), "Write 3.3x2.4 (inches) or 9x6cm"),
        (("--size", "900x6"), "a side has from 0.5 to 100 inches"),
        (("--colour", "lstm"), "MODEL=COLOUR"),
        (("--colour", "lstm=reddish"), "MODEL=COLOUR"),
        (("--colour", "lstn=red"), "Unknown model of --colour 'lstn'."),
        (("--data", "/dev/null/x.csv"), "'/dev/null/x.csv' cannot be written"),
    ],
)
def test_what_is_none_is_said(seqlab_command: Command, run: Path, words: tuple[str, ...], said: str) -> None:
    done = seqlab_command("plot", *words)
    assert done.returncode == 2
    assert said in done.stderr
