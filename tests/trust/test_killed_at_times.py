"""A process that is killed at any time, in whatever it does, leaves nothing half done that passes for whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from killing import SETTINGS, a_run, content, in_a_process, killed_after, settings

from seqlab.__main__ import main
from seqlab.runs import Run, list_runs, runs_dir, sweep_unnamed
from seqlab.session import begin, go_on, train
from seqlab.training import Step

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked, to be killed")

Work = Callable[[], object]


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr("seqlab.session.running.PAUSE", 0.0)  # as many checkpoints as there can be
    monkeypatch.setattr("seqlab.runs.making.UNNAMED_FOR", -1.0)


def few_or(many: int, few: int = 1) -> pytest.MarkDecorator:
    """Kill once, or often where there is time."""
    return pytest.mark.parametrize("times", [few, pytest.param(many, marks=pytest.mark.slow)])


def kills(times: int, work: Work, prepare: Work = lambda: None) -> Iterator[str]:
    """Kill some work at so many times, drawn by seed; one that was done before its time is not counted.

    Yields:
        What to call the moment, while everything is as the kill has left it.
    """
    prepare()
    began = time.monotonic()
    assert in_a_process(work) == 0
    whole, draw, killed = time.monotonic() - began, random.Random(1), 0
    while killed < times:
        prepare()
        seconds = draw.uniform(0, whole)
        if killed_after(seconds, work):
            killed += 1
            yield f"killed after {seconds:.3f} of {whole:.3f} s"


def command(*words: str) -> Work:
    """Return what runs ``seqlab WORDS`` in a process of its own, and says nothing."""

    def work() -> None:
        sys.argv = ["seqlab", *words]
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            main()

    return work


def none_left() -> None:
    """Throw all runs away."""
    shutil.rmtree(runs_dir(), ignore_errors=True)


def check_what_is_left(wanted: tuple[object, ...], moment: str) -> int:
    """See that every run that is there can be gone on with and ends as it should, and nothing else stays.

    Returns:
        How many had to be gone on with.
    """
    found = list_runs()
    for entry in found:
        assert entry.problem is None, moment
        assert entry.status in ("interrupted", "finished"), moment
        run = Run(entry.path)
        if entry.status == "interrupted":
            train(run, go_on(run))
        assert content(run) == wanted, moment
        assert not list(run.path.rglob(".*.tmp")), moment
    if runs_dir().is_dir():
        sweep_unnamed()
        assert sorted(path.name for path in runs_dir().iterdir()) == sorted(one.id for one in list_runs())
    return sum(entry.status == "interrupted" for entry in found)


@few_or(32)
def test_while_it_trains(times: int) -> None:
    wanted = content(a_run())
    gone_on = sum(check_what_is_left(wanted, moment) for moment in kills(times, a_run, none_left))
    assert gone_on >= times // 4


def dies_at_7(step: Step) -> None:
    if step.step == 7:  # the last checkpoint is that of step 6
        os._exit(9)


@few_or(20)
def test_while_it_is_gone_on_with(times: int, tmp_path: Path) -> None:
    wanted = content(a_run())
    none_left()
    assert in_a_process(lambda: train(*begin(settings(), command="test"), watch=dies_at_7)) == 9
    (entry,) = list_runs()
    run = Run(entry.path)
    shutil.copytree(run.path, tmp_path / "begun")

    def as_it_was() -> None:
        none_left()
        shutil.copytree(tmp_path / "begun", run.path)

    moments = kills(times, lambda: train(run, go_on(run)), as_it_was)
    assert sum(check_what_is_left(wanted, moment) for moment in moments) >= times // 2


@few_or(12)
def test_while_it_is_judged_in_another_way(times: int) -> None:
    run = a_run()
    wanted, judge = content(run), command("judge", run.id, "task.period=8", "--alone")
    run.update_info(status="finished")
    assert in_a_process(judge) == 0
    judged = run.judgements_path.read_bytes()
    for moment in kills(times, judge, lambda: run.judgements_path.unlink(missing_ok=True)):
        assert not run.judgements_path.exists() or run.judgements_path.read_bytes() == judged, moment
        assert content(run) == wanted, moment
        assert in_a_process(judge) == 0
        assert run.judgements_path.read_bytes() == judged, moment
        check_what_is_left(wanted, moment)


@few_or(12)
def test_while_it_samples_into_files(times: int, tmp_path: Path) -> None:
    run, folder, file = a_run(), tmp_path / "texts", tmp_path / "text.txt"
    words = ("sample", run.id, "--count", "8", "--length", "200", "--output")
    each, one = command(*words, str(folder), "--each", "file"), command(*words, str(file))

    def both() -> None:
        assert in_a_process(each) == in_a_process(one) == 0

    def before() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        file.write_text("what was there")

    both()
    texts, text = {path.name: path.read_bytes() for path in folder.iterdir()}, file.read_bytes()
    assert len(texts) == 8
    for moment in kills(times, lambda: [each(), one()], before):
        for path in folder.glob("[!.]*"):
            assert path.read_bytes() == texts[path.name], moment
        assert file.read_bytes() in (b"what was there", text), moment
        both()
        assert {path.name: path.read_bytes() for path in folder.glob("[!.]*")} == texts, moment
        assert file.read_bytes() == text, moment


@pytest.mark.slow
@pytest.mark.parametrize("times", [16])
def test_in_the_first_seconds_of_a_command(times: int, tmp_path: Path) -> None:
    wanted = content(a_run())
    (tmp_path / "killed.yaml").write_text(SETTINGS)
    source = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}

    def opened() -> subprocess.Popen[bytes]:
        words = (sys.executable, "-m", "seqlab", "train", "killed.yaml", "-q")
        return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    none_left()
    began = time.monotonic()
    process = opened()
    assert process.wait(600) == 0, process.communicate()
    whole, draw, killed = time.monotonic() - began, random.Random(2), 0
    while killed < times:
        none_left()
        process, seconds = opened(), draw.uniform(0, whole)
        time.sleep(seconds)
        process.kill()
        process.communicate(timeout=600)
        killed += process.returncode == -signal.SIGKILL
        check_what_is_left(wanted, f"killed after {seconds:.3f} of {whole:.3f} s")
