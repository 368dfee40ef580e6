"""A disk that is full, at any moment: one line, nothing lost, and the run goes on when there is room."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run, list_runs
from seqlab.session import recording
from seqlab.training import Step

TRAIN = (
    "train", "hello", "training.steps=8", "training.checkpoint_every=2", "training.evaluate_every=4",
    "training.stop_when={}", "-q",
)  # fmt: skip
WRITING = ("mkdir", "replace", "rename", "write", "fsync")


class Disk:
    """A disk on which there is no room from the n-th operation on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done, self.full_at = 0, 10**9
        for name in WRITING:
            monkeypatch.setattr(os, name, self._limited(getattr(os, name)))

    def _limited(self, operation: Callable[..., object]) -> Callable[..., object]:
        def limited(*words: object, **more: object) -> object:
            self.done += 1
            if self.done >= self.full_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(words[0]))
            return operation(*words, **more)

        return limited


def results(run: Run) -> tuple[object, ...]:
    summary = {key: value for key, value in (run.summary() or {}).items() if not key.endswith("_seconds")}
    return (summary, run.metrics_path.read_bytes(), run.best_weights.read_bytes())


def test_a_full_disk_is_said_in_a_line_and_loses_nothing(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr("seqlab.session.running.PAUSE", 0.0)
    disk = Disk(monkeypatch)
    assert seqlab_command(*TRAIN).returncode == 0
    (whole,), known = [Run(entry.path) for entry in list_runs()], {list_runs()[0].id}
    last = disk.done
    assert last > 30
    resumed = 0
    for moment in random.Random(1).sample(range(2, last), 14):
        disk.done, disk.full_at = 0, moment
        done = seqlab_command(*TRAIN)  # which sees to it that there is no traceback
        disk.full_at = 10**9
        entries = [entry for entry in list_runs() if entry.id not in known]
        if done.returncode == 0:  # it was over, or what there was no room for is not needed
            assert all(entry.status == "finished" for entry in entries)
            known |= {entry.id for entry in entries}
            continue
        assert done.returncode in (1, 2), done.stderr
        assert "No space left on device" in done.stderr
        for entry in entries:
            known.add(entry.id)
            assert entry.status in ("failed", "interrupted", "running"), "it is not called finished"
            again = Run(entry.path)
            if entry.status == "running":  # this process still runs, and had no room to say that it failed
                again.update_info(status="failed")
            assert seqlab_command("resume", entry.id, "-q").returncode == 0
            assert results(again) == results(whole), f"full at operation {moment}"
            resumed += 1
    assert resumed > 5


def test_a_folder_that_is_deleted_while_its_run_trains_is_said_in_a_line(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = recording.record

    def deleting(run: Run, step: Step, log_every: int) -> bytes:
        if step.step == 4:
            shutil.rmtree(run.path)
        return record(run, step, log_every)

    monkeypatch.setattr("seqlab.session.running.record", deleting)
    done = seqlab_command(*TRAIN, "training.engine=torch", "training.log_every=1")
    assert done.returncode == 1
    assert "metrics.jsonl: No such file or directory." in done.stderr
    assert "error.txt" not in done.stderr, "there is none"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "x.json"), "x.json: Too many open files."),
        (
            MemoryError("Unable to allocate 512 GiB"),
            "There is not enough memory for this: Unable to allocate",
        ),
    ],
)
def test_what_the_machine_lacks_is_said_in_a_line(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("seqlab.runs.list_runs", fail)
    done = seqlab_command("runs")
    assert done.returncode == 1
    assert said in done.stderr
