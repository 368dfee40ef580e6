"""Which engine trains a run: chosen, demanded, lacking; and that it makes no difference to what is learned."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command

from seqlab.comparison.study import identity_of
from seqlab.configure import load_training
from seqlab.engines import as_it_can_be_here, take_engine
from seqlab.errors import NonFiniteLossError, SettingsError
from seqlab.registry import resolve
from seqlab.session import begin, open_session, train, train_together
from seqlab.session.budget import measure
from seqlab.settings import TrainExperiment, check, read_text
from seqlab.tasks import build_task
from seqlab.training.runtime import pick_device

TEXT = """
experiment: order
task: {name: temporal-order, difficulty: easy}
model: {name: lstm, hidden_size: 4}
training: {steps: 20, batch_size: 8, learning_rate: 1e-2, evaluate_every: 10, evaluation_sequences: 40,
           test_sequences: 40, log_every: 1}
"""


def settings(**changes: Any) -> TrainExperiment:
    document = read_text(TEXT, source="test.yaml")
    for key, value in changes.items():
        document = document.override(key.replace("__", "."), value)
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


@pytest.fixture
def _no_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else find(name, *rest)
    )


def test_the_engine_that_is_taken_is_recorded_and_counts() -> None:
    pytest.importorskip("numba")
    marks = []
    for asked, taken in (("auto", "fused"), ("fused", "fused"), ("torch", "torch")):
        run, session = begin(settings(training__engine=asked), command="test")
        assert session.experiment.training.engine == taken
        assert run.info().extra["engine"] == taken
        assert run.settings()["training.engine"] == taken
        marks.append(run.info().extra["fingerprint"])
    assert marks[0] == marks[1] != marks[2]
    assert marks[0] == identity_of(settings(training__engine="fused")).fingerprint


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"model__bidirectional": True}, "one direction"), ({"compute__precision": "bf16"}, "float32")],
)
def test_what_the_fused_engine_cannot_do_is_done_by_torch_or_refused(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    assert open_session(settings(**change)).experiment.training.engine == "torch"
    with pytest.raises(SettingsError, match=reason):
        begin(settings(training__engine="fused", **change), command="test")
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("_no_numba")
def test_without_numba_torch_trains_and_it_is_said_where_that_makes_a_difference() -> None:
    run, session = begin(settings(), command="test")
    assert "pip install 'seqlab[fast]'" in (session.advice or "")
    assert train(run, session)["steps"] == 20
    assert run.info().extra["engine"] == "torch"
    assert open_session(settings(model__bidirectional=True)).advice is None
    with pytest.raises(SettingsError, match="Numba is not installed"):
        begin(settings(training__engine="fused"), command="test")


@pytest.mark.usefixtures("_no_numba")
def test_a_fused_run_is_looked_at_without_numba_but_not_gone_on_with() -> None:
    session = open_session(settings(training__engine="fused"))  # as reopen does
    run, _ = begin(settings(training__engine="torch"), command="test")
    run.update_info(status="interrupted")
    with pytest.raises(SettingsError, match="Numba is not installed"):
        train(run, session)
    assert run.info().status == "interrupted"


def test_a_run_that_fails_leaves_its_company_alone() -> None:
    pytest.importorskip("numba")
    company = [begin(settings(seed=seed), command="test") for seed in (1, 2, 3)]
    with torch.no_grad():
        next(company[1][1].model.parameters()).fill_(float("nan"))
    ended: list[int] = []
    results = train_together(company, on_end=lambda place, result: ended.append(place))
    assert isinstance(results[1], NonFiniteLossError)
    assert sorted(ended) == [0, 1, 2]
    assert [run.info().status for run, _ in company] == ["finished", "failed", "finished"]
    assert "loss is nan" in (company[1][0].error_text() or "")


def test_both_engines_solve_the_task_alike() -> None:
    pytest.importorskip("numba")
    solved = {}
    for engine in ("torch", "fused"):
        wanted = settings(training__engine=engine, training__steps=400, training__batch_size=32,
                          training__stop_when={"errors": 0})  # fmt: skip
        runs = [begin(wanted.model_copy(update={"seed": seed}), command="test") for seed in (1, 2, 3)]
        results = train_together(runs)
        assert all(isinstance(result, dict) and result["solved"] for result in results)
        solved[engine] = [run.metrics()[0]["loss"] for run, _ in runs]
    assert solved["fused"] == pytest.approx(solved["torch"], abs=1e-5)  # the same weights and data at first


@pytest.mark.parametrize("together", [1, 2])
def test_getting_the_engine_ready_counts_in_no_run(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """What compiling takes, the first time, is no part of what training takes."""
    pytest.importorskip("numba")
    now = [0.0]
    monkeypatch.setattr("seqlab.session.running.time.perf_counter", lambda: now[0])

    def compile_for_an_hour(what: object) -> None:
        now[0] += 3600

    monkeypatch.setattr("seqlab.fused.make_ready", compile_for_an_hour)
    monkeypatch.setattr("seqlab.fused.drawing.make_ready", compile_for_an_hour)
    experiment = settings(training__engine="fused")
    seeds = [experiment.model_copy(update={"seed": seed}) for seed in range(1, together + 1)]
    runs = [begin(one, command="test") for one in seeds]
    for summary in train_together(runs):
        assert isinstance(summary, dict)
        assert summary["training_seconds"] == summary["wall_seconds"] == 0
    assert now[0] == 7200


def test_getting_the_engine_ready_counts_in_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    now = [0.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    def compile_for_an_hour(announce: object) -> None:
        now[0] += 3600

    monkeypatch.setattr("seqlab.session.budget.time.perf_counter", clock)
    monkeypatch.setattr("seqlab.fused.make_ready", compile_for_an_hour)
    speed = measure(settings(training__engine="fused"), seconds=0.1)
    assert now[0] > 3600
    assert speed.step_seconds + speed.validation_seconds < 1


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch say that there is a GPU; nothing may be put onto it."""
    monkeypatch.delenv("SEQLAB_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def taken(name: str = "lstm", **model: object) -> tuple[str, str, str | None]:
    """Return the device that the settings name and the engine that they take, with what is said of it."""
    words = [f"model.{key}={value}" for key, value in model.items()]
    settings = load_training("temporal-order", model=name, overrides=words)
    experiment, said = take_engine(settings, build_task(settings.task))
    return experiment.compute.device, experiment.training.engine, said


def test_a_gpu_that_is_slower_is_left_alone(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    device, engine, said = taken(hidden_size=12)
    assert (device, engine) == ("cpu", "fused")
    assert said is not None
    assert "--device cuda" in said
    assert taken(hidden_size=400)[:2] == ("auto", "cuda")  # a large one is for the GPU
    assert taken("mingru")[:2] == ("auto", "cuda")  # compiled code does not know it
    monkeypatch.setenv("SEQLAB_DEVICE", "cuda")
    assert taken(hidden_size=12)[:2] == ("auto", "cuda")


def test_a_device_that_there_is_not_is_named_with_those_there_are(
    gpu: None, monkeypatch: pytest.MonkeyPatch, seqlab_command: Command
) -> None:
    assert pick_device("cuda:0") == torch.device("cuda:0")
    done = seqlab_command("train", "hello", "--device", "cuda:3")
    assert done.returncode == 2
    assert "There is no device 'cuda:3' here." in done.stderr
    assert "This machine has cuda:0." in done.stderr
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    done = seqlab_command("train", "hello", "--device", "mps")
    assert "compute.device=auto" in done.stderr
    monkeypatch.setenv("SEQLAB_DEVICE", "mps")
    done = seqlab_command("train", "hello")
    assert done.returncode == 2
    assert "So SEQLAB_DEVICE says." in done.stderr
    done = seqlab_command("train", "hello", "--device", "gpu")
    assert done.returncode == 2
    assert "allowed: auto, cpu, cuda, cuda:1, mps" in done.stderr


def test_a_run_is_opened_with_the_devices_that_there_are() -> None:
    def here(engine: str, device: str) -> tuple[str, str]:
        found = as_it_can_be_here(settings(training__engine=engine, compute__device=device))
        return found.training.engine, found.compute.device

    assert here("cuda", "cuda") == here("cuda", "auto") == ("auto", "auto")
    assert here("torch", "cuda:1") == ("torch", "auto")
    assert here("fused", "auto") == here("fused", "cpu") == ("fused", "cpu")
    assert here("torch", "cpu") == ("torch", "cpu")


def test_a_run_of_the_processor_stays_there_where_there_is_a_gpu(gpu: None) -> None:
    found = as_it_can_be_here(settings(training__engine="fused", compute__device="auto"))
    assert (found.training.engine, found.compute.device) == ("fused", "cpu")


def test_what_a_gpu_has_trained_is_judged_here_and_not_gone_on_with_unasked(
    seqlab_command: Command, tmp_path: Path
) -> None:
    words = ("training.steps=4", "training.evaluate_every=4", "training.test_sequences=20", "--quiet")
    assert seqlab_command("train", "adding", "task.length=20", *words).returncode == 0
    (run,) = (tmp_path / "runs").glob("adding*")
    config, info = run / "config.yaml", json.loads((run / "run.json").read_text())
    text = config.read_text()
    config.write_text(re.sub("engine: .*", "engine: cuda", re.sub("device: .*", "device: cuda", text)))
    info["extra"]["identity"]["device"] = "cuda"
    del info["sha256"], info["files"]["config.yaml"]
    (run / "run.json").write_text(json.dumps(info))
    judged = seqlab_command("judge", run.name, "--sequences", "20")
    assert judged.returncode == 0, judged.stderr
    done = seqlab_command("resume", run.name, "--steps", "8")
    assert done.returncode == 2
    assert "the device" in done.stderr
