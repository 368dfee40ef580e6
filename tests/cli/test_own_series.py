"""A task of a user's own that reads a file: the file's content is part of what a run is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run

SERIES = """
class Series(Task):
    '''Say the next value of a series.'''

    def __init__(self, *, path: str = "series.csv", length: int = 5) -> None:
        self.values = np.loadtxt(path, dtype=np.float32)
        self.data = Data.of(path)
        self.length = length
        self.spec = Spec("features", 1, "values", 1, causal=True)

    def batch(self, split, index, size, seed):
        half = len(self.values) // 2
        values = self.values[:half] if split == "train" else self.values[half:]
        starts = numpy_stream(seed, "series", split, index).integers(0, len(values) - self.length, size)
        read = values[starts[:, None] + np.arange(self.length + 1)]
        return Batch(torch.from_numpy(read[:, :-1, None].copy()), torch.from_numpy(read[:, 1:].copy()))
"""
TRAIN = (
    "train", "--task", "own.py", "training.steps=6", "training.batch_size=4", "training.evaluation_sequences=8",
    "training.test_sequences=8", "training.evaluate_every=3", "model.hidden_size=3",
)  # fmt: skip


@pytest.fixture
def series(own: Callable[..., Command], tmp_path: Path) -> Command:
    (tmp_path / "series.csv").write_text("\n".join(f"{(k * k) % 7 / 7}" for k in range(60)))
    return own("from seqlab.tasks import Data\n" + SERIES)


def test_a_run_is_named_after_the_task_and_knows_its_data(series: Command, tmp_path: Path) -> None:
    assert series(*TRAIN).returncode == 0
    (run,) = (tmp_path / "runs").glob("own-lstm-s1-*")
    info = json.loads((run / "run.json").read_text())
    assert info["extra"]["corpus"]["name"] == "series.csv"
    assert info["extra"]["corpus"]["source"] == str(tmp_path / "series.csv")
    assert info["data_hash"] == info["extra"]["identity"]["data"]


def test_another_content_is_another_run(series: Command, tmp_path: Path) -> None:
    words = ("compare", "rnn", "gru", "--seeds", "1", *TRAIN[1:])
    assert series(*words).returncode == 0
    assert "2 of 2 runs had been finished before" in series(*words).stderr
    (tmp_path / "series.csv").write_text("\n".join(f"{k % 7 / 7}" for k in range(60)))
    assert "finished before" not in series(*words).stderr


def test_a_run_is_gone_on_with_on_other_data_only_if_that_is_asked_for(
    series: Command, tmp_path: Path
) -> None:
    assert series(*TRAIN).returncode == 0
    (run,) = (tmp_path / "runs").glob("own-*")
    Run(run).update_info(status="interrupted")
    (tmp_path / "series.csv").write_text("\n".join(f"{k % 7 * 100}" for k in range(60)))
    for command in ("resume", "judge"):
        refused = series(command, run.name, "--task", "own.py")
        assert refused.returncode == 2
        assert "'series.csv' here has " in refused.stderr
        assert "add --anyway" in refused.stderr
    gone_on = series("resume", run.name, "--task", "own.py", "--anyway")
    assert gone_on.returncode == 0, gone_on.stderr
    changed = json.loads((run / "run.json").read_text())["extra"]["changed"]
    assert changed == ["the data that its task reads"]


def test_a_file_that_is_missing_is_named(series: Command, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        (tmp_path / "own.py").read_text().replace("self.values = np", "self.x = lambda: np")
    )
    (tmp_path / "series.csv").unlink()
    refused = series(*TRAIN)
    assert refused.returncode == 2
    assert f"{tmp_path / 'series.csv'} cannot be read: No such file" in refused.stderr
