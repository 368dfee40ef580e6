"""Where Numba is there and does not work, torch trains, and says so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

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

Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def train(tmp_path: Path, seqlab_process: Process) -> Process:
    """Train for two steps in a process of its own, in which some package is a fake."""

    def run(fake: str, *words: str) -> subprocess.CompletedProcess[str]:
        name, source, _ = FAKES[fake]
        package = tmp_path / "fakes" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source)
        path = os.pathsep.join([str(package.parent), str(ROOT)])
        env = {"PYTHONPATH": path, "SEQLAB_CACHE_DIR": str(tmp_path / "cache")}
        few = ("training.steps=2", "training.test_sequences=8")
        return seqlab_process("train", "temporal-order", *few, *words, env=env)

    return run


@pytest.mark.parametrize(
    "fake", [name if name in EACH_TIME else pytest.param(name, marks=pytest.mark.slow) for name in FAKES]
)
def test_where_numba_does_not_work_torch_trains(fake: str, train: Process) -> None:
    trained = train(fake)
    assert trained.returncode == 0
    assert "torch engine" in trained.stderr
    (line,) = (line for line in trained.stderr.splitlines() if "Numba" in line)
    assert line.startswith("Note: Numba does not work here (")
    assert FAKES[fake][2] in line
    assert line.endswith("), so torch trains.")


@pytest.mark.slow
@pytest.mark.parametrize("fake", FAKES)
def test_the_engine_that_needs_it_is_refused_there(fake: str, train: Process) -> None:
    refused = train(fake, "training.engine=fused")
    assert refused.returncode == 2
    assert "training.engine is fused, which cannot train this: Numba does not work here (" in refused.stderr
    assert FAKES[fake][2] in refused.stderr
