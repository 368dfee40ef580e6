"""`seqlab train` and `seqlab resume` as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def runs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "runs").iterdir() if (path / "run.json").is_file())


def test_hello_completes_hello(seqlab_process: Command, seqlab_command: Command, tmp_path: Path) -> None:
    result = seqlab_process("train", "hello")
    assert result.returncode == 0, result.stderr
    assert "\nhello\n" in result.stdout
    assert "solved after" in result.stdout
    assert not CONTROL.search(result.stdout + result.stderr)
    (run,) = runs(tmp_path)
    assert str(run.name) in result.stderr
    sampled = seqlab_command("sample", "--prime", "h", "--length", "4", "--temperature", "0")
    assert sampled.stdout == "hello\n"


def test_json_is_all_of_stdout(seqlab_command: Command) -> None:
    result = seqlab_command("train", "hello", "training.steps=2", "--json")
    summary = json.loads(result.stdout)
    assert summary["steps"] == 2
    assert summary["solved"] is False


def test_quiet_says_no_progress(seqlab_command: Command) -> None:
    noisy, quiet = (
        seqlab_command("train", "hello", "training.steps=2", *words) for words in ((), ("--quiet",))
    )
    assert "step 2/2" in noisy.stderr
    assert "step 2/2" not in quiet.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "helo"], "Did you mean 'hello'"),
        (["train", "hello", "--model", "lsmt"], "Did you mean 'lstm'"),
        (["train", "hello", "training.stepps=3"], "Did you mean 'steps'"),
        (["train", "hello", "training.steps=-3"], "-3"),
        (["train", "temporal-order", "--difficulty", "hrad"], "Did you mean 'hard'"),
        (["train", "hello", "--budget", "soon"], "is not a time span"),
        (["train", "hello", "--device", "tpu"], "tpu"),
        (["train", "hello", "--model", "nowhere.py"], "nowhere.py"),
        (["train", "hello", "training.stop_when={acuracy: 1}"], "Did you mean 'accuracy'"),
        (["train", "copy", "model.bidirectional=true"], "causal"),
        (["resume", "nosuchrun"], "nosuchrun"),
        (["train", "--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_explained_and_leaves_nothing(
    seqlab_command: Command, tmp_path: Path, words: list[str], said: str
) -> None:
    result = seqlab_command(*words)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list((tmp_path / "runs").glob("*"))


def test_ctrl_c_saves_and_resume_goes_on(seqlab_command: Command, tmp_path: Path) -> None:
    """The first Ctrl-C ends with 130 and the line to type; what it says can be typed."""
    words = [
        "train",
        "temporal-order",
        "training.steps=100000",
        "training.stop_when={}",
        "training.evaluate_every=100000",
    ]
    environment = {**os.environ, "SEQLAB_RUNS_DIR": str(tmp_path / "runs"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab", *words],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        time.sleep(0.1)
        if list((tmp_path / "runs").glob("*/metrics.jsonl")):
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 130
    (run,) = runs(tmp_path)
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    typed = re.search(r"seqlab (resume \S+)", stderr)
    assert typed is not None, stderr
    stopped_at = int(re.search(r"step ([\d,]+);", stderr)[1].replace(",", ""))  # type: ignore[index]
    config = (run / "config.yaml").read_text().replace("steps: 100000", f"steps: {stopped_at + 5}")
    Run(run).write_config(config)
    result = seqlab_command(*typed[1].split(), "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["steps"] == stopped_at + 5
    again = seqlab_command("resume", run.name)
    assert again.returncode == 2
    assert "finished" in again.stderr


def test_a_dry_run_saves_nothing(seqlab_command: Command, tmp_path: Path) -> None:
    result = seqlab_command("train", "hello", "--dry-run", "--json")
    assert json.loads(result.stdout)["parameters"] == 140
    assert not (tmp_path / "runs").exists()


def test_a_budget_becomes_a_number_of_steps(seqlab_command: Command, tmp_path: Path) -> None:
    result = seqlab_command("train", "hello", "training.stop_when={}", "--budget", "1s", "--json")
    summary = json.loads(result.stdout)
    (run,) = runs(tmp_path)
    assert f"steps: {summary['steps']}" in (run / "config.yaml").read_text()
    assert summary["steps"] > 10


def test_offline_without_the_corpus_it_says_so_and_records_it(
    seqlab_command: Command, tmp_path: Path
) -> None:
    environment = {"SEQLAB_OFFLINE": "1", "SEQLAB_CACHE_DIR": str(tmp_path / "cache"), "SEQLAB_DATA_DIR": ""}
    words = ["training.steps=3", "training.batch_size=4", "task.period=16", "model.hidden_size=8"]
    result = seqlab_command("train", "char-shakespeare", *words, env=environment)
    assert result.returncode == 0, result.stderr
    assert "miniature" in result.stderr
    (run,) = runs(tmp_path)
    corpus = json.loads((run / "run.json").read_text())["extra"]["corpus"]
    assert corpus["name"] == "miniature"
    assert corpus["stands_in_for"] == "shakespeare"
    summary = json.loads((run / "summary.json").read_text())
    assert list(summary["trials"]) == ["stream", "block-256", "block-64"]
    for figures in summary["trials"].values():
        assert figures["bits"] == pytest.approx(figures["nats_per_character"] / 0.6931471805599453)
    assert summary["held_out"] == summary["trials"]["stream"]


def test_a_plugin_runs_only_when_it_is_named(seqlab_command: Command, tmp_path: Path) -> None:
    """A settings file that names a Python file does not have it run."""
    cell = tmp_path / "my_cell.py"
    cell.write_text(
        "from seqlab.models import Cell, Input\n"
        "import pathlib, torch\n"
        "pathlib.Path('it-ran').touch()\n"
        "class Mine(Cell):\n"
        "    '''Mine.'''\n"
        "    def __init__(self, input_size, hidden_size):\n"
        "        super().__init__(input_size, hidden_size)\n"
        "        self.input = Input(input_size, hidden_size)\n"
        "    def step(self, x, state):\n"
        "        return (torch.tanh(self.input(x) + 0.5 * state[0]),)\n"
    )
    result = seqlab_command("train", "hello", "--model", "my_cell.py", "training.steps=2")
    assert result.returncode == 0, result.stderr
    (run,) = runs(tmp_path)
    (tmp_path / "it-ran").unlink()
    refused = seqlab_command("train", "--config", run / "config.yaml")
    assert refused.returncode == 2
    assert "--model" in refused.stderr
    assert not (tmp_path / "it-ran").exists()
    sampled = seqlab_command("sample", run.name, "--length", "2")
    assert sampled.returncode == 2
    assert not (tmp_path / "it-ran").exists()
    allowed = seqlab_command("sample", run.name, "--length", "2", "--model", "my_cell.py")
    assert allowed.returncode == 0, allowed.stderr
