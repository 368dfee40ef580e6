"""Many processes over one folder of runs, and a clock that steps back: no run is lost, and none is taken for damaged."""

from __future__ import annotations

import itertools
import os
import secrets
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from seqlab.runs import (
    Run,
    choosing,
    create_run,
    find_run,
    list_runs,
    making,
    sweep_unnamed,
    trash_dir,
    trash_run,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

TRAIN = ("train", "hello", "training.steps=4", "training.engine=torch", "-q")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def at_once(work: Callable[[int], object], meanwhile: Callable[[], object], tmp_path: Path) -> None:
    """Do something in some processes, each with its number, and something else here until all have ended."""
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            try:
                work(number)
                os._exit(0)
            except BaseException:
                (tmp_path / f"error-{number}").write_text(traceback.format_exc())
            finally:
                os._exit(1)
        children.append(child)
    while children:
        meanwhile()
        ended = [child for child in children if os.waitpid(child, os.WNOHANG)[0]]
        children = [child for child in children if child not in ended]
    assert [path.read_text() for path in tmp_path.glob("error-*")] == []


def new(seed: int, status: str = "failed") -> Run:
    run = create_run("hello", "rnn", seed, command="seqlab train", config_text="seed: 1\n")
    run.update_info(status=status)
    return run


def test_eight_processes_make_runs_in_one_second_while_all_are_listed_and_swept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    monkeypatch.setattr(making, "now", lambda: "2026-01-02T03:04:05.000000+00:00")
    drawn = secrets.token_hex
    monkeypatch.setattr(
        making.secrets, "token_hex", lambda count: f"{int(drawn(1), 16) % 64:04x}"
    )  # names meet

    def work(number: int) -> None:
        for _ in range(4):
            new(seed=1)

    def look() -> None:
        assert all(entry.problem is None for entry in list_runs())
        assert sweep_unnamed() == []

    at_once(work, look, tmp_path)
    assert [entry.status for entry in list_runs()] == ["failed"] * 32
    assert len(list(folder.iterdir())) == 32


def test_what_others_throw_away_meanwhile_is_no_error(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, *_ = [new(seed=seed) for seed in range(4)]
    plan_cleaning = choosing.plan_cleaning

    def another_is_faster(*words: Any, **more: Any) -> choosing.Cleaning:
        plan = plan_cleaning(*words, **more)
        trash_run(taken)
        return plan

    monkeypatch.setattr(choosing, "plan_cleaning", another_is_faster)
    done = seqlab_command("clean", "--failed")
    assert done.returncode == 0
    assert "3 runs moved" in done.stderr
    assert len(list(trash_dir().iterdir())) == 4


@pytest.mark.slow
def test_runs_that_train_are_finished_whatever_is_cleaned_and_listed_beside_them(
    seqlab_command: Command, tmp_path: Path
) -> None:
    old = {new(seed=seed).id for seed in range(8)}

    def work(number: int) -> None:
        assert seqlab_command(*TRAIN, "--seed", str(number)).returncode == 0

    def look() -> None:
        for words in (("runs", "--all"), ("clean", "--failed"), ("clean", "--older-than", "1h")):
            assert seqlab_command(*words).returncode == 0
        time.sleep(0.1)

    at_once(work, look, tmp_path)
    assert sorted(entry.info.seed for entry in list_runs() if entry.info) == [*range(8)]
    assert {entry.status for entry in list_runs()} == {"finished"}
    assert {path.name for path in trash_dir().iterdir()} == old


def test_a_clock_that_steps_back_loses_nothing(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A run of tomorrow, as it seems, is listed, kept, gone on with; and its time is never less than none."""
    clock = itertools.chain(
        ["2126-01-02T03:04:05.000000+00:00"], itertools.repeat("2026-01-02T03:04:05.000000+00:00")
    )
    monkeypatch.setattr(making, "now", lambda: next(clock))
    assert seqlab_command(*TRAIN).returncode == 0
    run = find_run("latest")
    assert run.info().created.startswith("2126")
    assert seqlab_command(*TRAIN, "--seed", "2").returncode == 0
    run.update_info(status="interrupted")
    assert "0 s" in seqlab_command("runs", "--all").stdout
    kept = seqlab_command("clean", "--older-than", "1h")
    assert "1 run moved" in kept.stderr
    assert [entry.id for entry in list_runs()] == [run.id]
    assert seqlab_command("resume", run.id, "-q").returncode == 0
    assert (run.summary() or {})["wall_seconds"] >= 0
