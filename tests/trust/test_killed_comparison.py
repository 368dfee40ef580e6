"""A comparison that is killed, alone or with its workers, ends as if it had not been when it is given again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from seqlab.runs import list_runs

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="a group of processes is killed")

COMPARE = (
    "compare", "rnn", "lstm", "--seeds", "2", "--jobs", "2", "-q", "--json", "training.steps=120",
    "training.evaluate_every=30", "training.evaluation_sequences=64", "training.test_sequences=64", "training.engine=torch",
    "compute.threads=1", "training.stop_when={}",
)  # fmt: skip


def begin(folder: Path) -> subprocess.Popen[str]:
    """Begin the comparison in a group of processes of its own."""
    told = {**os.environ, "SEQLAB_RUNS_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    told["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "seqlab", *COMPARE],
        env=told,
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def outcome(folder: Path) -> tuple[dict[str, Any], float]:
    """Compare to the end; return what came out of it, but for times and places, and its seconds."""
    began = time.monotonic()
    process = begin(folder)
    told, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    facts = json.loads(told)
    runs = {
        (run["model"], run["seed"]): {
            key: value
            for key, value in run.items()
            if key in ("solved", "sequences_to_solve", "accuracy", "loss")
        }
        for run in facts["runs"]
    }
    return {"runs": runs, "verdict": facts["verdict"]}, time.monotonic() - began


def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    (tmp_path / "whole").mkdir()
    wanted, seconds = outcome(tmp_path / "whole")
    assert len(wanted["runs"]) == 4
    for seed in range(times):
        draw = random.Random(seed)
        folder = tmp_path / f"killed-{seed}"
        folder.mkdir()
        process = begin(folder)
        time.sleep(draw.uniform(0.05, 0.95) * seconds)
        with suppress(ProcessLookupError):  # it was over already
            if draw.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.communicate(timeout=60)
        monkeypatch.setenv("SEQLAB_RUNS_DIR", str(folder))
        deadline = time.monotonic() + 60
        while any(entry.status == "running" for entry in list_runs()):  # workers save what they were at
            assert time.monotonic() < deadline, "workers without an owner go on"
            time.sleep(0.1)
        assert not [entry.problem for entry in list_runs() if entry.problem]
        found, _ = outcome(folder)
        assert found == wanted, f"killed by seed {seed}"
        assert {entry.status for entry in list_runs()} == {"finished"}
        assert len(list_runs()) == 4, "what was trained is gone on with, not begun again"


@pytest.mark.slow
def test_a_comparison_killed_at_many_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, monkeypatch, 40)
