"""The tasks in docs/adding-a-task.md work as the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-task.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


PARITY, CALIBRATED, REVERSE, SERIES, TEST = blocks("python")
SETTINGS, TRIALS = blocks("yaml")


@pytest.fixture
def seqlab(tmp_path: Path, seqlab_command: Command) -> Command:
    """Write the page's files, and return what runs a command in their folder."""
    (tmp_path / "parity.py").write_text(f"{PARITY}\n\n{CALIBRATED}", encoding="utf-8")
    (tmp_path / "reverse.py").write_text(REVERSE, encoding="utf-8")
    (tmp_path / "parity.yaml").write_text(SETTINGS + TRIALS, encoding="utf-8")
    return seqlab_command


def test_it_is_learned_and_judged_on_longer_sequences(seqlab: Command) -> None:
    trained = seqlab("train", "--config", "parity.yaml", "--task", "parity.py:Parity", "--json")
    assert trained.returncode == 0, trained.stderr
    summary = json.loads(trained.stdout)
    assert summary["solved"]
    assert list(summary["trials"]) == ["length-40", "length-100", "far"]
    judged = seqlab("judge", "latest", "task.length=1000", "--task", "parity.py:Parity", "--json")
    assert json.loads(judged.stdout)["figures"]["sequence_accuracy"] > 0.99
    drawn = json.loads(seqlab("plot", "--json").stdout)["figures"]
    assert any(path.endswith("accuracy-by-length.png") for path in drawn)


def test_a_metric_of_its_own_stands_first_and_has_a_direction(seqlab: Command) -> None:
    words = ("--config", "parity.yaml", "--task", "parity.py:Calibrated", "training.stop_when={trust: 0.9}")
    trained = seqlab("train", *words)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.startswith("solved after")
    assert "held out: trust 0.9" in trained.stdout
    assert "trust 0.9" in seqlab("runs", "--sort", "trust").stdout


def test_its_answers_are_written(seqlab: Command) -> None:
    settings = ("model.name=gru", "model.hidden_size=32", "training.learning_rate=1e-2")
    task = ("--config", "parity.yaml", "--task", "reverse.py")
    trained = seqlab("train", *task, *settings, "trials={}", "--json")
    assert trained.returncode == 0, trained.stderr
    trials = json.loads(trained.stdout)["trials"]
    assert trials["greedy"]["sequence_accuracy"] > 0.99
    assert set(trials) == {"greedy", "length-6"}
    assert "loss" not in trials["greedy"]


def test_a_series_in_a_file_is_learned(seqlab: Command, tmp_path: Path) -> None:
    (tmp_path / "series.py").write_text(SERIES, encoding="utf-8")
    (tmp_path / "prices.txt").write_text("\n".join(f"{k % 5}.5" for k in range(400)), encoding="utf-8")
    words = ("training.steps=60", "training.learning_rate=1e-2", "task.length=20", "--json")
    trained = seqlab("train", "--task", "series.py", "task.path=prices.txt", *words)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["held_out"]["mse"] < 0.9, "better than the mean"


def test_its_test_passes() -> None:
    module: dict[str, object] = {"__name__": "parity"}
    exec(compile(PARITY, "parity.py", "exec"), module)
    test = re.sub(r"^from seqlab\.tasks\.basics\.parity.*\n", "", TEST)
    exec(compile(test, "test_parity.py", "exec"), module)
    module["test_agrees_with_the_oracle"]()  # type: ignore[operator]
