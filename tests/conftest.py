"""Fixtures that every test may use."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

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


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests a cache folder of their own, which lasts: compiling what lies in it takes half a minute.

    It lies below pytest's own, where every worker and every process that a test starts finds it.
    """
    os.environ["SEQLAB_CACHE_DIR"] = str(config.cache.mkdir("seqlab"))


@pytest.fixture(autouse=True)
def _denormals() -> Iterator[None]:
    """Let denormal numbers be again after a test: training flushes them, for the whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


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


def _settings(folder: Path) -> dict[str, str]:
    return {"SEQLAB_RUNS_DIR": str(folder / "runs"), "COLUMNS": "200"}
