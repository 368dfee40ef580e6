"""`seqlab compare` as it is typed: what it prints and keeps, Ctrl-C, refusals. What it computes: tests/comparison."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Command

from seqlab.errors import RunFailedError

SMALL = ["model.hidden_size=4", "training.steps=12", "training.evaluate_every=6", "training.evaluation_sequences=16",
         "training.test_sequences=32"]  # fmt: skip


def test_table_verdict_pictures_and_record(seqlab_command: Command, tmp_path: Path) -> None:
    words = ["compare", "rnn", "lstm", "--seeds", "3", *SMALL]
    first = seqlab_command(*words)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0].split("\t")[0] == "model"
    assert [line.split("\t")[0] for line in lines[1:3]] == ["rnn", "lstm"]
    assert "claim" in first.stdout  # three seeds are too few for one
    picture = tmp_path / next(line for line in lines if line.endswith(".png"))
    assert picture.is_file()
    assert first.stderr.count("12 steps, not solved") == 6

    facts = json.loads((picture.parent / "comparison.json").read_text())
    assert facts["command"] == f"seqlab {' '.join(words)}"
    assert [row["model"] for row in facts["table"]] == ["rnn", "lstm"]
    assert [model["runs"] for model in facts["models"]] == [3, 3]
    assert facts["settings"]["training.steps"] == 12
    assert facts["differing"][1]["settings"]["model.name"] == "lstm"
    assert [(run["model"], run["seed"]) for run in facts["runs"]][:3] == [("rnn", 1), ("lstm", 1), ("rnn", 2)]
    assert all((picture.parent / run["path"] / "summary.json").is_file() for run in facts["runs"])
    for figure in facts["figures"]:
        assert (picture.parent / figure["png"]).read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (picture.parent / figure["svg"]).read_text()
    with (picture.parent / "comparison.csv").open() as file:
        assert [line["model"] for line in csv.DictReader(file)] == ["rnn", "lstm"]


def test_the_table_is_there_before_anything_is_drawn(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RunFailedError("No space left for pictures.")

    monkeypatch.setattr("seqlab.figures.comparison.keep", full)
    result = seqlab_command("compare", "rnn", "--seeds", "2", *SMALL)
    assert result.returncode == 1
    assert [line.split("\t")[0] for line in result.stdout.splitlines()[:2]] == ["model", "rnn"]
    assert "No space left for pictures." in result.stderr


def test_a_seed_in_a_comparison_is_the_seed_trained_by_itself(
    seqlab_command: Command, tmp_path: Path
) -> None:
    pytest.importorskip("numba")
    assert seqlab_command("compare", "gru", "--seeds", "3", *SMALL).returncode == 0
    alone = seqlab_command("train", "temporal-order", "--model", "gru", "--seed", "2", *SMALL)
    assert "fused engine" in alone.stderr.splitlines()[0]
    one, other = sorted(tmp_path.glob("runs/temporal-order-gru-s2-*"))
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    assert json.loads((one / "run.json").read_text())["extra"]["engine"] == "fused"


def test_a_ladder_of_a_sweep_as_csv(seqlab_command: Command, tmp_path: Path) -> None:
    result = seqlab_command(
        "compare", "rnn", "--difficulty", "easy,normal", "--grid", "training.learning_rate=1e-3,1e-2",
        "--seeds", "1", "--csv", *SMALL,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = list(csv.DictReader(result.stdout.splitlines()))
    assert [(line["level"], line["model"]) for line in lines] == [
        ("easy", "rnn learning_rate=1e-3"),
        ("easy", "rnn learning_rate=1e-2"),
        ("normal", "rnn learning_rate=1e-3"),
        ("normal", "rnn learning_rate=1e-2"),
    ]
    (facts,) = (
        json.loads(path.read_text()) for path in (tmp_path / "runs" / "reports").glob("*/comparison.json")
    )
    assert [figure["name"] for figure in facts["figures"]] == ["success-by-level"]
    headlines = [line for line in facts["verdict"].splitlines() if not line.startswith("- ")]
    assert [line.split(":")[0] for line in headlines] == ["easy", "normal"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize(
    ("engine", "steps", "ended"),
    [pytest.param("torch", 700, 1, marks=pytest.mark.slow), ("fused", 20_000, 0)],
)
def test_after_ctrl_c_the_same_line_goes_on(
    engine: str, steps: int, ended: int, tmp_path: Path, seqlab_command: Command
) -> None:
    """One process: torch trains one seed after the other, the fused engine both together."""
    if engine == "fused":
        pytest.importorskip("numba")
    words = [
        "compare", "rnn", "--seeds", "2", "--jobs", "1", "--json",
        f"training.engine={engine}", f"training.steps={steps}", f"training.evaluate_every={steps // 35}",
        "training.stop_when={}", "training.log_every=10",
        "training.evaluation_sequences=16", "training.test_sequences=16",
    ]  # fmt: skip
    source = str(Path(__file__).parents[2])
    settings = {"SEQLAB_RUNS_DIR": str(tmp_path / "runs"), "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    env = {**os.environ, **settings}
    with subprocess.Popen(
        [sys.executable, "-m", "seqlab", *words],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and not _second_run_trains(tmp_path):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=600)
    assert process.returncode == 130, stderr
    assert f"{ended} of 2 runs are finished, {2 - ended} begun and saved" in stderr.decode()
    assert _statuses(tmp_path) == (["finished"] if ended else ["interrupted"]) + ["interrupted"]
    again = seqlab_command(*words)
    assert again.returncode == 0, again.stderr
    runs = json.loads(again.stdout)["runs"]
    assert [run["reused"] for run in runs] == [bool(ended), False]
    assert _statuses(tmp_path) == ["finished", "finished"]  # gone on with, in the same folder


def _second_run_trains(folder: Path) -> bool:
    found = sorted(folder.glob("runs/temporal-order-rnn-s2-*/metrics.jsonl"))
    return bool(found) and len(found[0].read_bytes().splitlines()) > 3


def _statuses(folder: Path) -> list[str]:
    runs = sorted(folder.glob("runs/temporal-order-rnn-s*/run.json"))
    return [json.loads(path.read_text())["status"] for path in runs]


def test_wrong_usage(seqlab_command: Command) -> None:
    result = seqlab_command("compare", "rnn", "lsmt")
    assert result.returncode == 2
    assert "Did you mean 'lstm'" in result.stderr
    assert "Traceback" not in result.stderr
