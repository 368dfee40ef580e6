"""A real quota that is hit in the middle of a run: one line, nothing lost, and the run goes on afterwards."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run, list_runs

TRAIN = (
    "train", "char-shakespeare", "--text", "text.txt", "model.hidden_size=256", "training.steps=30",
    "training.evaluate_every=10", "training.checkpoint_every=5", "training.evaluation_sequences=2",
    "training.test_sequences=2", "training.passes=null", "mixture=null", "compute.threads=1", "-q",
)  # fmt: skip
MOMENTS = 12


def btrfs(*words: str | Path) -> str:
    return subprocess.run(["btrfs", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of btrfs, whose subvolumes can have quotas, which hold for root, too."""
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("the tools of btrfs are not installed")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(256 * 2**20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, place], check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        btrfs("quota", "enable", place)
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def used(runs: Path) -> int:
    """Return the bytes that count for the quota of a folder."""
    btrfs("filesystem", "sync", runs)
    told = btrfs("qgroup", "show", "-f", "--raw", runs)
    return int(told.splitlines()[-1].split()[1])


def results(run: Run) -> tuple[bytes, bytes]:
    return run.metrics_path.read_bytes(), run.best_weights.read_bytes()


@pytest.mark.slow
def test_a_quota_hit_in_mid_run_is_said_and_loses_nothing(
    seqlab_command: Command, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.txt").write_text("To be, or not to be, that is the question.\n" * 60)

    def folder(name: str) -> dict[str, str]:
        btrfs("subvolume", "create", disk / name)
        monkeypatch.setenv("SEQLAB_RUNS_DIR", str(disk / name))
        return {"SEQLAB_RUNS_DIR": str(disk / name)}

    assert seqlab_command(*TRAIN, env=folder("whole")).returncode == 0
    (entry,) = list_runs()
    wanted, whole = results(Run(entry.path)), used(disk / "whole")
    chance, gone_on = random.Random(1), 0
    for room in (chance.randrange(whole // 4, whole) for _ in range(MOMENTS)):
        env = folder(f"up-to-{room}-bytes")
        group = f"0/{btrfs('inspect-internal', 'rootid', env['SEQLAB_RUNS_DIR']).strip()}"
        btrfs("qgroup", "limit", str(room), group, disk)
        done = seqlab_command(*TRAIN, env=env)  # which sees to it that there is no traceback
        btrfs("qgroup", "limit", "none", group, disk)
        assert done.returncode in (1, 2), done.stderr
        assert "Disk quota exceeded" in done.stderr
        for entry in list_runs():
            assert entry.status in ("failed", "interrupted", "running"), "it is not called finished"
            if entry.status == "running":  # this process still runs, and had no room to say that it failed
                Run(entry.path).update_info(status="failed")
            again = seqlab_command("resume", entry.id, "-q", env=env)
            assert again.returncode == 0, again.stderr
            assert results(Run(entry.path)) == wanted, f"with room for {room} bytes of {whole}"
            gone_on += 1
    print(
        f"The quota was hit in {MOMENTS} runs; {gone_on} had begun, were gone on with, and ended equal to the bit."
    )
    assert gone_on > MOMENTS // 3
