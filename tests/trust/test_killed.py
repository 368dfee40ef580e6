"""A process that dies at any moment leaves nothing that cannot be gone on with."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from killing import a_run, content, in_a_process

from seqlab.runs import Run, list_runs, runs_dir, sweep_unnamed
from seqlab.session import extend, go_on, train
from seqlab.session.identity import identify

OPERATIONS = ("mkdir", "rename", "replace", "write", "fsync", "unlink", "open")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked, to be killed")


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr("seqlab.session.running.PAUSE", 0.0)  # as many checkpoints as there can be
    monkeypatch.setattr("seqlab.runs.making.UNNAMED_FOR", -1.0)


def before_each_operation(act: Callable[[int], None]) -> None:
    """Have ``act`` called with the number of every operation on files, just before it."""
    number = 0

    def watched(operation: Callable[..., object]) -> Callable[..., object]:
        def first(*words: object, **more: object) -> object:
            nonlocal number
            number += 1
            act(number)
            return operation(*words, **more)

        return first

    for name in OPERATIONS:
        setattr(os, name, watched(getattr(os, name)))


def killed_at(moment: int) -> None:
    """Kill a training just before an operation on files, and see that what is there can be gone on with."""

    def work() -> None:
        before_each_operation(lambda number: os._exit(9) if number == moment else None)
        a_run()

    assert in_a_process(work) == 9
    entries = list_runs()
    assert all(entry.status in ("interrupted", "finished") and entry.problem is None for entry in entries)
    for entry in entries:
        run = Run(entry.path)
        if entry.status == "interrupted":
            train(run, go_on(run))
        assert run.info().status == "finished"
        assert not list(run.path.rglob(".*.tmp"))
    sweep_unnamed()
    assert sorted(path.name for path in runs_dir().iterdir()) == sorted(entry.id for entry in list_runs())


def operations(done: Callable[[], object] = a_run) -> int:
    """Return how many operations on files something takes."""
    count = Path("operations.txt")

    def work() -> None:
        last = 0

        def act(number: int) -> None:
            nonlocal last
            last = number

        before_each_operation(act)
        done()
        total = last
        count.write_text(str(total))

    assert in_a_process(work) == 0
    return int(count.read_text())


def check_moments(choose: Callable[[range], Iterable[int]]) -> None:
    """Kill a training before some of its operations, the first apart, which makes the folder of the runs."""
    wanted = content(a_run())  # with which the text is encoded, too
    last = operations()
    assert last > 60
    for moment in choose(range(2, last + 1)):
        before = {entry.id for entry in list_runs()}
        killed_at(moment)
        for entry in list_runs():
            if entry.id not in before:
                assert content(Run(entry.path)) == wanted, f"killed before operation {moment}"


def test_killed_before_any_operation_on_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_moments(lambda every: random.Random(1).sample(every, 6))


@pytest.mark.slow
def test_killed_before_every_operation_on_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_moments(lambda every: every)


def test_killed_while_a_finished_run_is_given_more_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole, run = tmp_path / "whole", a_run()
    shutil.copytree(run.path, whole)
    session = go_on(run)  # which holds the text, so that no process below reads it again
    last, ends = operations(lambda: extend(run, 4)), set()
    for moment in range(1, last, 3):
        shutil.rmtree(run.path)
        shutil.copytree(whole, run.path)

        def work(moment: int = moment) -> None:
            before_each_operation(lambda number: os._exit(9) if number == moment else None)
            extend(run, 4)

        assert in_a_process(work) == 9
        session = go_on(run)
        settings = identify(session.experiment, session.task, session.device)
        assert run.info().extra["fingerprint"] in (settings.fingerprint, None)
        ends.add((run.info().status, session.experiment.training.steps))
    assert ends == {("finished", 12), ("interrupted", 12), ("interrupted", 16)}
    train(run, session)
    assert (run.summary() or {})["steps"] == 16


def test_a_folder_that_gets_its_name_while_others_are_swept_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    named = a_run().path
    unnamed = named.rename(named.with_name(f".{named.name}"))

    def is_named_meanwhile(run: Run) -> None:
        run.path.rename(named)
        raise FileNotFoundError

    monkeypatch.setattr(Run, "info", is_named_meanwhile)
    assert sweep_unnamed() == []
    assert named.is_dir()
    assert not unnamed.exists()
