"""Fixtures that every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _denormals() -> Iterator[None]:
    """Let denormal numbers be again after a test: training flushes them, for the whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def seqlab_command(tmp_path: Path) -> Command:
    """Run ``seqlab WORDS...`` as a user would: a process of its own, in an empty folder, runs kept in it.

    Returns:
        A function of the words, with ``env`` (variables laid over the environment), ``text`` (its stdin)
        and ``timeout`` (seconds, a guard against hanging). Back come returncode, stdout and stderr.
    """

    def run(
        *words: str | Path, env: dict[str, str] | None = None, text: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        settings = {
            "SEQLAB_RUNS_DIR": str(tmp_path / "runs"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
            "PYTHONIOENCODING": "utf-8",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }
        return subprocess.run(
            [sys.executable, "-m", "seqlab", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, **settings, **(env or {})},
            input=text,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
        )

    return run
