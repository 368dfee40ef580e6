"""A disk that is full, read-only or gone, at any moment: one line, nothing lost, and the run goes on afterwards."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import resource
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run, list_runs
from seqlab.session import recording
from seqlab.training import Step
from seqlab.training.checkpoints import counters_of

TRAIN = (
    "train", "hello", "training.steps=8", "training.checkpoint_every=2", "training.evaluate_every=4",
    "training.stop_when={}", "-q",
)  # fmt: skip
NEW_MOUNTS, NEW_USERS, NOT_ALLOWED = 0x20000, 0x10000000, 77
LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
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


def in_own_mounts(act: Callable[[], None]) -> None:
    """Do something in a process whose mounts nobody else sees; skip where the system allows none."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            own, group = os.getuid(), os.getgid()
            if ctypes.CDLL(None).unshare(NEW_MOUNTS | NEW_USERS):
                os._exit(NOT_ALLOWED)
            for file, line in (("setgroups", "deny"), ("uid_map", f"0 {own} 1"), ("gid_map", f"0 {group} 1")):
                Path("/proc/self", file).write_text(line)
            act()
            os._exit(0)
        except subprocess.CalledProcessError as error:
            os._exit(NOT_ALLOWED if error.cmd[0] == "mount" else 1)
        except BaseException:
            os.write(tell, traceback.format_exc().encode())
        finally:
            os._exit(1)
    os.close(tell)
    with os.fdopen(told, errors="replace") as said:
        wrong = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == NOT_ALLOWED:
        pytest.skip("nothing may be mounted here")
    assert code == 0, wrong


class Failing:
    """A folder of runs whose disk fails in a certain way at the fourth step of a run, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, runs: Path, how: str) -> None:
        self.runs, self.filler, self.fails_at = runs, runs / ".filler", 0
        self.limits = {name: resource.getrlimit(name) for name in LIMITS}
        if how == "read-only":
            self.fail, self.mend, self.said = self.mount_read_only, self.unmount, "Read-only file system"
        elif how.endswith("bytes in a file"):
            self.fail, self.mend, self.said = partial(self.limit, LIMITS[0], 300), self.lift, "File too large"
        elif how.endswith("further files"):
            self.fail, self.mend, self.said = (
                partial(self.open_few, int(how[0])),
                self.lift,
                "Too many open files",
            )
        else:
            self.fail, self.mend = partial(self.fill, int(how[0])), self.filler.unlink
            self.said = "No space left on device"
        monkeypatch.setattr("seqlab.session.running.record", partial(self.record, recording.record))

    def record(self, own: Callable[..., bytes], run: Run, step: Step, log_every: int) -> bytes:
        if step.step == self.fails_at:
            self.fail()
        return own(run, step, log_every)

    def limit(self, name: int, most: int) -> None:
        resource.setrlimit(name, (most, self.limits[name][1]))

    def open_few(self, further: int) -> None:
        """Let no more files be opened than so many beyond those that are open."""
        free = os.dup(0)
        os.close(free)
        self.limit(resource.RLIMIT_NOFILE, free + further)

    def lift(self) -> None:
        for name, found in self.limits.items():
            resource.setrlimit(name, found)

    def fill(self, pages: int) -> None:
        """Leave so many pages of 4,096 bytes."""
        with suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.truncate(self.filler, self.filler.stat().st_size - 4096 * pages)

    def mount_read_only(self) -> None:
        mount("--bind", self.runs, self.runs)
        mount("-o", "remount,bind,ro", self.runs)

    def unmount(self) -> None:
        subprocess.run(["umount", self.runs], check=True)


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts and limits are those of Linux")
@pytest.mark.parametrize(
    "how",
    [
        "read-only", "300 bytes in a file", "0 further files", "1 further files", "3 pages",
        *(pytest.param(f"{pages} pages", marks=pytest.mark.slow) for pages in (0, 1, 2, 4)),
    ],
)  # fmt: skip
def test_a_disk_that_fails_in_the_middle_of_a_run_is_said_and_the_run_goes_on_when_it_is_mended(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    monkeypatch.setattr("seqlab.session.running.PAUSE", 0.0)
    words = (*TRAIN, "training.engine=torch", "training.log_every=1")

    def act() -> None:
        mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", runs)
        disk = Failing(monkeypatch, runs, how)
        assert seqlab_command(*words).returncode == 0
        (whole,) = [Run(entry.path) for entry in list_runs(runs)]
        disk.fails_at = 4
        done = seqlab_command(*words)
        disk.fails_at = 0
        disk.mend()
        assert done.returncode == 1
        assert disk.said in done.stderr
        (again,) = [Run(entry.path) for entry in list_runs(runs) if entry.id != whole.id]
        assert counters_of(again.last_checkpoint)["step"] >= 3, "the last good one is whole"
        if again.info().status == "running":  # this process still runs, and could not say that it failed
            again.update_info(status="failed")
        assert again.info().status == "failed"
        assert seqlab_command("resume", again.id, "-q").returncode == 0
        assert results(again) == results(whole)

    in_own_mounts(act)


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
