"""A run is trained by one process at a time; a process that has ended keeps nobody out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Command
from filelock import FileLock

from seqlab.errors import Remark, RunFolderError
from seqlab.runs import Run, owning, trash_run
from seqlab.runs.owner import is_owned

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked, to own a run")

TRAIN = ("train", "hello", "training.steps=4", "-q")


@contextmanager
def another_owner(run: Run) -> Iterator[int]:
    """Have another process own a run; yield its number."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with owning(run):
            os.write(tell, b"owned")
            signal.pause()
    assert os.read(told, 5) == b"owned"
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.fixture
def interrupted(seqlab_command: Command, tmp_path: Path) -> Run:
    assert seqlab_command(*TRAIN).returncode == 0
    (path,) = (tmp_path / "runs").iterdir()
    run = Run(path)
    run.update_info(status="interrupted")
    return run


def test_a_second_resume_is_refused_until_the_first_has_ended(
    interrupted: Run, seqlab_command: Command
) -> None:
    with another_owner(interrupted):
        assert is_owned(interrupted)
        refused = seqlab_command("resume", interrupted.id)
        assert refused.returncode == 2
        assert f"{interrupted.id} is being trained by another process, which has" in refused.stderr
        assert interrupted.info().status == "interrupted"
    assert not is_owned(interrupted)
    assert seqlab_command("resume", interrupted.id, "-q").returncode == 0


@pytest.mark.parametrize(("words", "code"), [(("rm", "latest"), 2), (("clean", "--older-than", "0s"), 0)])
def test_what_another_process_trains_is_not_thrown_away(
    interrupted: Run, seqlab_command: Command, words: tuple[str, ...], code: int
) -> None:
    with another_owner(interrupted):
        done = seqlab_command(*words)
        assert done.returncode == code
        assert f"The run {interrupted.id} is still running." in done.stderr
        assert interrupted.path.is_dir()
    assert seqlab_command(*words).returncode == 0
    assert not interrupted.path.exists()


def test_two_comparisons_at_once_do_not_train_one_run(interrupted: Run) -> None:
    with owning(interrupted):
        with pytest.raises(RunFolderError, match="is being trained by another process"), owning(interrupted):
            pass
        interrupted.update_info(status="running")
        told = f"is being trained by process {os.getpid()} of"
        with pytest.raises(RunFolderError, match=told), owning(interrupted):
            pass
        interrupted.update_info(status="interrupted")
        with pytest.raises(RunFolderError, match="still running"):
            trash_run(interrupted)


def test_where_there_are_no_locks_that_is_said(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FileLock) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    run = make(status="interrupted")
    with pytest.warns(Remark, match="knows no locks"), owning(run):
        pass


def test_what_is_being_trained_is_neither_exported_nor_packed(
    interrupted: Run, seqlab_command: Command, tmp_path: Path
) -> None:
    for words in (("export", interrupted.id), ("export", interrupted.id, "--to", "pytorch")):
        with another_owner(interrupted):
            done = seqlab_command(*words)
        assert done.returncode == 2
        assert "is being trained" in done.stderr
    with another_owner(interrupted):
        assert "is being trained" in seqlab_command("pack", interrupted.id, "run.zip").stderr
    assert not (tmp_path / "run.zip").exists()
    assert seqlab_command("export", interrupted.id).returncode == 0


def test_of_judgements_that_are_kept_at_once_none_is_lost(interrupted: Run) -> None:
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            for turn in range(8):
                interrupted.keep_judgement(f"{number}-{turn}", {"figures": {"loss": turn}})
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(interrupted.judgements()) == 32
