"""Scripts whose figures the documents quote still run, at the smallest sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CELLS = Path(__file__).parents[2] / "benchmarks" / "cells.py"
SMALLEST = ("--batch", "2", "--steps", "3", "--hidden", "4", "--repeats", "1")


def rows(*words: str) -> dict[str, list[str]]:
    """Run cells.py; return what stands behind each name of its table."""
    done = subprocess.run(
        [sys.executable, CELLS, *SMALLEST, *words], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {line[:22].strip(): line[22:].split() for line in done.stdout.splitlines()[2:]}


def test_every_cell_is_timed_in_both_of_its_forms() -> None:
    found = rows()
    assert {"rnn", "lstm", "gru, reset before", "mut3", "minlstm"} <= set(found)
    assert all(float(fast) > 0 and float(steps) > 0 for fast, steps, *_ in found.values())
    assert {name for name, (_, _, torch, *_) in found.items() if torch != "-"} == {
        "rnn", "lstm", "gru, reset after",
    }  # fmt: skip


def test_every_model_that_reads_symbols_is_timed_beside_a_gru() -> None:
    found = rows("--models")
    assert {"lstm", "mingru", "transformer", "echo-state", "ntm", "stack-rnn", "tape-rnn"} <= set(found)
    assert not {"guess", "ngram", "encoder-decoder"} & set(found)
    for name, (parameters, *milliseconds) in found.items():
        assert int(parameters.replace(",", "")) > 0, name
        it, gru, ratio = map(float, milliseconds)
        assert min(it, gru, ratio) > 0, name
