"""Where Numba is there and does not work, torch trains, and says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).parents[2]
FAKES = {
    "lacks something": ("numba", "raise ImportError('NumPy is too new')", "ImportError: NumPy is too new"),
    "fails": ("numba", "raise RuntimeError('it fails')", "RuntimeError: it fails"),
    "is empty": ("numba", "", "AttributeError: module 'numba' has no attribute"),
    "lacks LLVM": ("llvmlite", "raise OSError('libllvmlite.so')", "OSError: libllvmlite.so"),
    "does not link": (
        "sitecustomize",
        "import llvmlite.binding as llvm\n"
        "def fail(*_): raise RuntimeError('it does not link')\n"
        "llvm.ExecutionEngine.finalize_object = fail\n",
        "RuntimeError: it does not link",
    ),
}


EACH_TIME = {"does not link"}
"""What is tried each time; the others, which are told in the same place, by the slow tests."""


@pytest.mark.parametrize(
    "fake", [name if name in EACH_TIME else pytest.param(name, marks=pytest.mark.slow) for name in FAKES]
)
def test_a_numba_that_does_not_work(fake: str, tmp_path: Path, seqlab_process: Callable[..., Any]) -> None:
    name, source, reason = FAKES[fake]
    package = tmp_path / "fakes" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    source_path = os.pathsep.join([str(package.parent), str(ROOT)])
    env = {"PYTHONPATH": source_path, "SEQLAB_CACHE_DIR": str(tmp_path / "cache")}
    words = ("train", "temporal-order", "training.steps=2", "training.test_sequences=8")
    trained = seqlab_process(*words, env=env)
    assert trained.returncode == 0
    assert "torch engine" in trained.stderr
    (line,) = (line for line in trained.stderr.splitlines() if "Numba" in line)
    assert line.startswith("Note: Numba does not work here (")
    assert reason in line
    assert line.endswith("), so torch trains.")
    refused = seqlab_process(*words, "training.engine=fused", env=env)
    assert refused.returncode == 2
    assert "training.engine is fused, which cannot train this: Numba does not work here (" in refused.stderr
    assert reason in refused.stderr
