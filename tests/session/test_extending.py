"""A finished run goes on beyond its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run, owning

pytestmark = pytest.mark.parametrize("engine", ["torch", "fused"])


def train(command: Command, folder: Path, engine: str, *words: str) -> Run:
    if engine == "fused":
        pytest.importorskip("numba")
    sizes = ("training.batch_size=4", "training.evaluation_sequences=8", "training.test_sequences=8")
    before = {path.name for path in (folder / "runs").glob("*")}
    done = command(
        "train", "temporal-order", *sizes, "training.log_every=2", f"training.engine={engine}", *words, "-q"
    )
    assert done.returncode == 0, done.stderr
    (path,) = (path for path in (folder / "runs").iterdir() if path.name not in before)
    return Run(path)


def test_with_a_constant_rate_two_halves_are_the_whole(
    seqlab_command: Command, tmp_path: Path, engine: str
) -> None:
    constant = ("training.schedule=constant", "training.evaluate_every=10", "training.stop_when={}")
    whole = train(seqlab_command, tmp_path, engine, *constant, "training.steps=40")
    half = train(seqlab_command, tmp_path, engine, *constant, "training.steps=20")
    first = (half.summary() or {})["held_out"]
    done = seqlab_command("resume", half.id, "--steps", "20", "-q", "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on from step 20 to 40. The learning rate stays" in done.stderr
    assert half.metrics_path.read_bytes() == whole.metrics_path.read_bytes()
    assert half.best_weights.read_bytes() == whole.best_weights.read_bytes()
    assert (half.summary() or {})["held_out"] == (whole.summary() or {})["held_out"]
    (earlier,) = half.info().extra["earlier"]
    assert (earlier["steps"], earlier["held_out"]) == (20, first)
    shown = seqlab_command("show", half.id).stdout
    assert f"earlier end at step 20 accuracy\t{first['accuracy']:.6g}" in shown
    again = seqlab_command("resume", half.id, "--steps", "5", "-q")
    assert again.returncode == 0, again.stderr
    assert [one["steps"] for one in half.info().extra["earlier"]] == [20, 40]
    assert json.loads(seqlab_command("show", half.id, "--json").stdout)["problems"] == []


def test_a_schedule_goes_on_as_in_a_run_of_all_the_steps(
    seqlab_command: Command, tmp_path: Path, engine: str
) -> None:
    falls = ("training.schedule=linear", "training.learning_rate=0.01", "training.warmup_steps=0")
    run = train(seqlab_command, tmp_path, engine, *falls, "training.steps=11", "training.stop_when={}")
    done = seqlab_command("resume", run.id, "--steps", "10", "-q")
    assert "and comes to 0" in done.stderr
    assert "goes on at 0.0045" in done.stderr  # of 21 steps the twelfth has 9 before it that are as long
    assert run.metrics()[-1]["step"] == 21
    rates = {line["step"]: line["learning_rate"] for line in run.metrics() if "learning_rate" in line}
    assert rates[12] == pytest.approx(0.0045)


def test_what_has_solved_its_task_is_trained_on_all_the_same(
    seqlab_command: Command, tmp_path: Path, engine: str
) -> None:
    run = train(seqlab_command, tmp_path, engine, "training.steps=8", "training.evaluate_every=4",
                "training.stop_when={loss: 100}")  # fmt: skip
    assert (run.summary() or {})["steps"] == 4
    assert seqlab_command("resume", run.id, "--steps", "6", "-q").returncode == 0
    assert (run.summary() or {})["steps"] == 10


def test_only_a_finished_run_has_more_steps(seqlab_command: Command, tmp_path: Path, engine: str) -> None:
    run = train(seqlab_command, tmp_path, engine, "training.steps=4")
    run.update_info(status="interrupted")
    refused = seqlab_command("resume", run.id, "--steps", "6")
    assert refused.returncode == 2
    assert f"{run.id} is interrupted: only a finished run is given more steps" in refused.stderr
    assert seqlab_command("resume", run.id, "-q").returncode == 0
    told = seqlab_command("resume", run.id)
    assert "--steps 1000" in told.stderr


def test_what_has_changed_since_the_end_is_named_and_refused(
    seqlab_command: Command, tmp_path: Path, engine: str
) -> None:
    run = train(seqlab_command, tmp_path, engine, "training.steps=4")
    run.update_info(extra={"identity": {**run.info().extra["identity"], "code": "another"}})
    refused = seqlab_command("resume", run.id, "--steps", "6")
    assert refused.returncode == 2
    assert "this has changed: seqlab's code" in refused.stderr
    assert f"seqlab resume {run.id} --steps 6 --anyway" in refused.stderr
    assert (run.info().status, (run.summary() or {})["steps"]) == ("finished", 4)
    assert seqlab_command("resume", run.id, "--steps", "6", "--anyway", "-q").returncode == 0
    assert run.info().extra["changed"] == ["seqlab's code"]


def test_what_another_command_owns_is_given_no_steps(
    seqlab_command: Command, tmp_path: Path, engine: str
) -> None:
    run = train(seqlab_command, tmp_path, engine, "training.steps=4")
    with owning(run):
        refused = seqlab_command("resume", run.id, "--steps", "6")
    assert refused.returncode == 2
    assert run.info().status == "finished"
