"""A disk that the kernel gives up in the middle of a run: what was not forced onto it is lost, and nothing else is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run
from seqlab.training.checkpoints import save_checkpoint
from seqlab.training.loop import Learner

CELL = """
from seqlab.models.recurrent.gru import GRU

class Mine(GRU):
    "A cell of one's own."
"""


def test_all_that_a_run_begins_with_is_on_the_disk_before_its_first_checkpoint(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forced, missing = set[int](), list[str]()
    fsync = os.fsync

    def noted(number: int) -> None:
        forced.add(os.fstat(number).st_ino)
        fsync(number)

    def saving(path: Path, learner: Learner) -> None:
        for name in ("config.yaml", "run.json", "vocabulary.json", "metrics.jsonl", "own/model/mine.py"):
            if (path.parents[1] / name).stat().st_ino not in forced:
                missing.append(name)
        save_checkpoint(path, learner)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr("seqlab.session.running.save_checkpoint", saving)
    (tmp_path / "mine.py").write_text(CELL)
    (tmp_path / "text.txt").write_text("To be, or not to be.\n" * 40)
    words = ("training.steps=4", "task.period=8", "mixture=null", "model.hidden_size=4", "-q")
    done = seqlab_command("train", "--text", "text.txt", "--model", "mine.py", *words)
    assert done.returncode == 0, done.stderr
    assert not missing


TRAIN = (
    "train", "char-shakespeare", "--text", "text.txt", "model.hidden_size=32", "training.steps=400",
    "training.evaluate_every=50", "training.checkpoint_every=20", "training.evaluation_sequences=2",
    "training.test_sequences=2", "training.passes=null", "mixture=null", "compute.threads=1", "-q",
)  # fmt: skip


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """Mount a file as a disk, of which errors are feigned by writing to what comes back."""
    asked = ["mount", "-o", "loop,errors=remount-ro", image, place]
    if subprocess.run(asked, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        found = subprocess.run(
            ["findmnt", "-no", "SOURCE", place], check=True, capture_output=True, text=True
        )
        yield Path("/sys/fs/ext4", Path(found.stdout.strip()).name, "trigger_fs_error")
    finally:
        subprocess.run(["umount", place], check=True)


def results(run: Run) -> tuple[bytes, bytes]:
    return run.metrics_path.read_bytes(), run.best_weights.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid(), reason="only root mounts a disk")
def test_a_disk_that_becomes_read_only_at_any_moment_loses_no_run(
    tmp_path: Path, seqlab_process: Command
) -> None:
    (tmp_path / "text.txt").write_text("To be, or not to be, that is the question.\n" * 400)
    image, place, runs = tmp_path / "disk", tmp_path / "mounted", tmp_path / "mounted" / "runs"
    place.mkdir()
    assert seqlab_process(*TRAIN).returncode == 0
    (whole,) = (tmp_path / "runs").iterdir()
    own = {"SEQLAB_RUNS_DIR": str(runs), "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    chance, stopped = random.Random(1), 0
    for moment in (chance.uniform(0, 1.5) for _ in range(6)):
        image.write_bytes(b"")
        os.truncate(image, 32 << 20)
        if subprocess.run(["mkfs.ext4", "-q", image], check=False).returncode:
            pytest.skip("no file system can be made here")
        with mounted(image, place) as fault:
            command = [sys.executable, "-m", "seqlab", *TRAIN]
            training = subprocess.Popen(
                command, cwd=tmp_path, env=os.environ | own, stderr=subprocess.PIPE, text=True
            )
            while not list(runs.glob("*/checkpoints/last.pt")) and training.poll() is None:
                time.sleep(0.02)
            time.sleep(moment)
            fault.write_text("1")
            _, said = training.communicate(timeout=120)
        if training.returncode == 0:  # it was over
            continue
        stopped += 1
        assert training.returncode == 1, said
        assert "Read-only file system" in said
        assert "Traceback" not in said
        subprocess.run(["fsck.ext4", "-fy", image], check=False, capture_output=True)
        with mounted(image, place):
            (run,) = runs.iterdir()
            resumed = seqlab_process("resume", run.name, "-q", env={"SEQLAB_RUNS_DIR": str(runs)})
            assert resumed.returncode == 0, resumed.stderr
            assert results(Run(run)) == results(Run(whole)), f"after {moment:.2f} seconds"
    print(f"The disk was given up in {stopped} runs; all were gone on with, and ended equal to the bit.")
    assert stopped
