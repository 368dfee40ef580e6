"""Fixtures that every test may use."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import typer.main
import xdist

from seqlab import constructors

if TYPE_CHECKING:
    from seqlab.runs import Run

PLAIN = frozenset({"tasks", "text", "data", "runs", "settings", "seqlab"})
"""Folders whose tests, and doctests, seldom run compiled code."""

AHEAD = """
from contextlib import suppress
from seqlab.errors import EngineError
from seqlab.fused.kernels import run, write
from seqlab.models.memory._turing import GO_BACK, READ
with suppress(EngineError):
    for kernel in (run, READ, GO_BACK, write):
        kernel.load()
"""
"""What is compiled beside the tests: what takes longest, in the order in which they need it."""

Command = Callable[..., "subprocess.CompletedProcess[str]"]

HEAD = """
from __future__ import annotations
from collections import Counter
from typing import Annotated
import numpy as np
import torch
from pydantic import Field
from seqlab.contracts import Batch, Signal, Spec, Written, numpy_stream
from seqlab.models import SequenceModel
from seqlab.tasks import Metric, Task, Trial
"""

CONFIG = """\
kind: train
experiment: hello
seed: 1
task: {name: hello}
model: {name: rnn, hidden_size: 8}
training: {learning_rate: 1.0e-03, stop_when: {accuracy: 1.0}}
presets: {quick: {training.steps: 3}}
"""
SUMMARY = {
    "solved": True,
    "sequences_to_solve": 60,
    "held_out": {"loss": 0.25, "accuracy": 0.987654, "errors": 3, "sequences": 100},
    "parameters": 124,
    "steps": 1300,
    "sequences_seen": 1300,
    "wall_seconds": 1.25,
}


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests a cache folder of their own, which lasts: compiling what lies in it takes half a minute.

    It lies below pytest's own, where every worker and every process that a test starts finds it. The commands
    are built once, and not each time that one is run in this process, which takes 50 ms; so are the settings
    of a component, for which the next process reads its constructor again. No example is late: machines differ.
    """
    if config.pluginmanager.has_plugin("cacheprovider"):
        os.environ["SEQLAB_CACHE_DIR"] = str(config.cache.mkdir("seqlab"))
    typer.main.get_command = functools.cache(typer.main.get_command)
    constructors.options_model = functools.cache(constructors.options_model)
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have what takes longest to compile compiled beside the tests, where several processes test.

    A minute's work, or none where it is kept; a test that needs it before it is done waits for it.
    """
    if session.config.pluginmanager.has_plugin("xdist") and xdist.is_xdist_controller(session):
        subprocess.Popen([sys.executable, "-c", AHEAD])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let those tests come first that run no compiled code, which may be in the making."""
    root = config.rootpath
    items.sort(key=lambda item: PLAIN.isdisjoint(item.path.parts[len(root.parts) :]))


@pytest.fixture(autouse=True)
def _denormals() -> Iterator[None]:
    """Let denormal numbers be again after a test: training flushes them, for the whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _admissions() -> Iterator[None]:
    """Forget after a test the files of a user's that it has admitted, and what they imported beside them."""
    from seqlab import plugins

    before = dict(plugins._admitted)
    yield
    if plugins._admitted != before:
        plugins._forget_neighbours([path.parent for path in plugins._admitted])
        plugins._admitted.clear()
        plugins._admitted.update(before)


@pytest.fixture
def seqlab_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``seqlab WORDS...`` in this process, which saves the seconds of importing torch, in an empty folder.

    Returns:
        A function of the words, with ``env`` (variables laid over the environment) and ``text`` (its stdin).
        Back come returncode, stdout and stderr. No file of a user's is admitted from one call to the next.
    """

    def run(
        *words: str | Path, env: dict[str, str] | None = None, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        from seqlab import plugins
        from seqlab.__main__ import main

        argv, code = ["seqlab", *map(str, words)], 0
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            for name, value in (_settings(tmp_path) | (env or {})).items():
                patch.setenv(name, value)
            patch.setattr("seqlab.plugins._admitted", {})
            patch.setattr(sys, "argv", argv)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
            try:
                main()
            except SystemExit as leaving:
                code = int(leaving.code or 0)
            if plugins._admitted:  # else thousands of modules are looked through for nothing
                plugins._forget_neighbours([path.parent for path in plugins._admitted])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return subprocess.CompletedProcess(argv, code, said.out, said.err)

    return run


@pytest.fixture
def seqlab_process(tmp_path: Path) -> Command:
    """Run ``seqlab WORDS...`` as a user would, in a process of its own; otherwise as ``seqlab_command`` does."""

    def run(
        *words: str | Path, env: dict[str, str] | None = None, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        source = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        further = {"PYTHONPATH": source, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-m", "seqlab", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, **_settings(tmp_path), **further, **(env or {})},
            input=text,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,  # a guard against hanging, also on a busy machine
        )

    return run


@pytest.fixture
def own(tmp_path: Path, seqlab_command: Command) -> Callable[..., Command]:
    """Write a task and its settings into an empty folder; return what runs a command there."""

    def write(task: str, settings: str = "") -> Command:
        (tmp_path / "own.py").write_text(f'"""A task of my own."""\n{HEAD}\n{dedent(task)}')
        (tmp_path / "own.yaml").write_text(settings)
        return seqlab_command

    return write


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Make the folder of a run by hand, among the runs that commands see."""
    from seqlab.runs import create_run

    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))

    def make_run(
        experiment: str = "hello",
        model: str = "rnn",
        seed: int = 1,
        status: str = "finished",
        summary: dict[str, Any] | None = None,
    ) -> Run:
        run = create_run(
            experiment, model, seed, command=["seqlab", "train"], config_text=CONFIG, task="hello"
        )
        for step in (20, 40, 60):
            run.append_metrics({"step": step, "sequences": step, "loss": 20 / step, "grad_norm": 1.5})
        run.append_metrics({"step": 60, "sequences": 60, "validation_loss": 0.5, "validation_accuracy": 0.75})
        if status == "finished":
            run.write_summary(summary or SUMMARY)
        run.update_info(status=status)
        return run

    return make_run


def table(text: str) -> list[list[str]]:
    """Return the cells of a table as it comes piped."""
    assert "\x1b" not in text
    return [line.split("\t") for line in text.splitlines()]


def _settings(folder: Path) -> dict[str, str]:
    return {"SEQLAB_RUNS_DIR": str(folder / "runs"), "COLUMNS": "200"}
