"""`seqlab inspect`: what it says, draws and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import table
from PIL import Image

from seqlab.analysis.alignment import wanted_of
from seqlab.cli.inspect import inspect
from seqlab.cli.train import train
from seqlab.errors import SettingsError, UsageError
from seqlab.tasks.pictures.digit_captions import DigitCaptions

QUICK = ["training.steps=1", "training.test_sequences=32", "training.evaluation_sequences=32"]


@pytest.fixture
def trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Any]:
    """Yield a function that trains an experiment for a step, and then tells what inspect says of it."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))

    def of(experiment: str, **settings: Any) -> Any:
        train(experiment, QUICK, quiet=True, **settings)

        def told(**words: Any) -> dict[str, Any]:
            capsys.readouterr()
            inspect(as_json=True, **{"sequences": 32, **words})
            return dict(json.loads(capsys.readouterr().out))

        return told

    threads = torch.get_num_threads()
    yield of
    torch.set_flush_denormal(False)  # what training sets for its process
    torch.set_num_threads(threads)


def test_what_is_typed_is_read(trained: Any) -> None:
    told = trained("temporal-order")(text="BbXcXcbE")
    assert told["symbols"] == list("BbXcXcbE")
    assert list(told["panels"]) == ["h", "c", "i", "f", "g", "o"]
    assert len(told["said"]) == 8
    assert all(Path(path).is_file() for path in told["figures"])


def test_held_gates_and_lesions(trained: Any, tmp_path: Path) -> None:
    told = trained("temporal-order")
    held = told(force="f=1,i=0", output=tmp_path / "out")
    assert held["panels"]["c"] == [[0.0] * len(held["symbols"])] * 12  # nothing was ever written
    assert held["force"]["forced"] <= 1
    drawn = {path.name for path in (tmp_path / "out").iterdir()}
    end = "f1-i0-steps-0-end"  # the pictures of the gates left free are not written over
    assert drawn == {f"states-{end}.{kind}" for kind in ("png", "svg", "csv")} | {
        f"classes-{end}.{kind}" for kind in ("png", "svg")
    }
    svg = (tmp_path / "out" / f"states-{end}.svg").read_text()
    assert "held: f = 1, i = 0 from step 0 to the end" in svg
    assert [len(values) for values in told(lesions=True)["silenced"]] == [12]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"force": "z=1"}, "no gate 'z'; it has i, f, g, o"),
        ({"force": "f"}, "holds no gate at a value"),
        ({"force": "f=1", "start": 5, "stop": 5}, "holds no step"),
        ({"text": "BZE"}, "'Z' at position 1"),
        ({"example": 32}, "no example 32"),
        ({"text": "B", "example": 1}, "Leave one out"),
        ({"lesions": True, "force": "f=1"}, "Leave one out"),
    ],
)
def test_wrong_words_are_explained(trained: Any, words: dict[str, Any], said: str) -> None:
    told = trained("temporal-order")
    with pytest.raises(UsageError, match=said):
        told(**words)


@pytest.mark.parametrize(
    ("experiment", "panels"), [("hello", ["h"]), ("adding", ["h", "c", "i", "f", "g", "o"])]
)
def test_other_tasks_are_inspected(trained: Any, experiment: str, panels: list[str]) -> None:
    assert list(trained(experiment)()["panels"]) == panels


def test_a_small_task_repeats_and_shows_every_step(
    trained: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = trained("hello")
    assert told()["switches"] == []  # h e l l holds l twice, but there is no other sequence to judge by
    assert told(lesions=True)["sequences"] == 1
    inspect(output=tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:2] for line in said[1:5]] == [["0", "h"], ["1", "e"], ["2", "l"], ["3", "l"]]
    rows = list(csv.DictReader((tmp_path / "states.csv").open()))
    assert {row["quantity"] for row in rows} == {"h", "answer"}
    answers = [float(row["value"]) for row in rows if row["quantity"] == "answer" and row["step"] == "2"]
    assert len(answers) == 4
    assert sum(answers) == pytest.approx(1, abs=1e-5)


def test_a_text_too_short_for_many_sequences_is_inspected(trained: Any) -> None:
    told = trained("char-shakespeare", task="char-lm[corpus=miniature,period=16]", model="rnn")
    held = told(text="so it is", sequences=512)
    assert held["symbols"] == ["s", "o", "' '", "i", "t", "' '", "i", "s"]
    assert held["switches"] == []


def test_a_run_without_cells_is_refused(trained: Any) -> None:
    told = trained("hello", model="ngram", task="char-lm[corpus=miniature]")
    with pytest.raises(SettingsError, match="ngram counts, and has no states"):
        told()


def test_where_in_a_picture_each_word_looks(seqlab_command: Any) -> None:
    pytest.importorskip("sklearn", reason="its digits are what is described")
    small = ["model.hidden_size=4", "model.channels=2", *QUICK]
    assert seqlab_command("train", "digit-captions", "-q", *small).returncode == 0
    told = json.loads(seqlab_command("inspect", "--json", "--sequences", "8").stdout)
    assert len(told["weights"]["attention"]) == len(told["written"]) == len(told["boxes"])
    assert len(told["centres"]) == 36
    assert told["found"]["captions"] == 8
    said = seqlab_command("inspect", "--sequences", "8", "--example", "3", "--format", "png")
    task = DigitCaptions()
    (tested,) = task.evaluation("test", 32, 1)  # as many as the run was judged on
    assert f"wanted: {wanted_of(task, tested.row(3))}\n" in said.stdout
    missing = seqlab_command("inspect", "--example", "32")
    assert (missing.returncode, "no sequence 32 in the test set of 32" in missing.stderr) == (2, True)
    head, *rows = table(said.stdout.split("wanted: ")[0])
    assert head == ["what looks", "step", "written", "probability", "looks at pixel", "weight", "is of it"]
    assert {row[-1] for row in rows} <= {"yes", "no", "names nothing"}
    assert all(row[-1] == "names nothing" for row in rows if row[2] == "<end>")
    assert f"words in 8 test captions (by chance {told['found']['chance']:.1%})" in said.stdout
    assert {Path(path).name for path in told["figures"]} == {"caption.png", "caption.svg", "caption.csv"}
    for refused, message in (
        (["--input", "three"], "looks at pictures"),
        (["--lesions"], "--lesions is for networks of one cell"),
    ):
        failed = seqlab_command("inspect", *refused)
        assert (failed.returncode, message in failed.stderr) == (2, True), failed.stderr


def test_which_parts_of_a_picture_are_seen(seqlab_command: Any, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="its digits are what is looked at")
    small = ["model.hidden_size=4", "task.looks=2", *QUICK]
    assert seqlab_command("train", "glimpses", "-q", *small).returncode == 0
    told = json.loads(seqlab_command("inspect", "--json", "--sequences", "8").stdout)
    assert told["examples"] == [0, 1, 2, 3]
    for picture in told["pictures"]:
        assert len(picture["windows"]["glimpse"]) == len(picture["said"]) == 2
    assert len(told["found"]["shares"]["glimpse"]) == 2
    said = seqlab_command("inspect", "--sequences", "8", "--example", "3")
    assert said.stdout.startswith(
        "picture\tstep\tglimpse, row and column\twould say\tprobability\twanted\n3\t0\t"
    )
    assert "of 8 test pictures, step by step" in said.stdout
    assert {Path(path).name for path in told["figures"]} == {"windows.png", "windows.svg", "windows.csv"}
    failed = seqlab_command("inspect", "--input", "three")
    assert (failed.returncode, "looks at pictures" in failed.stderr) == (2, True)
    drawn = tmp_path / "one.png"
    Image.fromarray(np.pad(np.full((30, 6), 255, np.uint8), 9)).save(drawn)
    own = json.loads(seqlab_command("inspect", "--image", drawn, "--json").stdout)["pictures"]
    assert (len(own), own[0]["wanted"], len(own[0]["said"])) == (1, None, 2)
    head, *_ = table(seqlab_command("inspect", "--image", drawn, "--sequences", "8").stdout)
    assert head[-1] == "probability"  # what is wanted nobody knows
    answered = json.loads(seqlab_command("answer", "latest", "--image", drawn, "--json").stdout)
    (answer,) = answered["questions"][0]["answers"]
    assert answer["text"] == own[0]["said"][-1]
    assert answer["probability"] == pytest.approx(own[0]["probability"][-1], rel=1e-5)
