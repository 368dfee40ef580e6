"""When compiled code is compiled, and where it is kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from seqlab import fused
from seqlab.fused import _compiling, batches, cache, kernels, make_ready, many
from seqlab.fused.kernels import Kernel, words_of
from seqlab.fused.layout import LANES
from seqlab.tasks.lags.temporal_order import TemporalOrder


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder of compiled code."""
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    cache.cache_folder.cache_clear()
    yield
    cache.cache_folder.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are compiled from here on."""
    names: list[str] = []
    compiler = _compiling.machine_code

    def machine_code(function: Any, codes: Any) -> Any:
        names.append(function.__name__)
        return compiler(function, codes)

    monkeypatch.setattr(_compiling, "machine_code", machine_code)
    return names


def new_process(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Return a kernel of which nothing has been loaded, and let batches be made by it."""
    kernel = Kernel("seqlab.fused.temporal_order", "generate")
    monkeypatch.setattr(batches, "generate", kernel)
    return kernel


def check_batches() -> None:
    task = TemporalOrder()
    (packed,) = batches.training_batches(task, 3, 2, 5, seed=1, lanes=LANES)
    wanted = batches.pack([task.batch("train", i, 5, 1) for i in (3, 4)], LANES)
    np.testing.assert_array_equal(packed.symbols, wanted.symbols)


def test_code_is_compiled_once_for_all_processes(
    monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    assert not new_process(monkeypatch).is_compiled()
    for _ in range(3):
        kernel = new_process(monkeypatch)
        assert kernel.is_compiled() == bool(compilations)
        check_batches()
        assert kernel.is_compiled()
    assert compilations == ["generate"]


def test_half_of_training_is_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "run", Kernel("seqlab.fused.network", "run"))
    monkeypatch.setattr(kernels, "generate", new_process(monkeypatch))
    check_batches()
    assert kernels.generate.is_compiled()
    assert not kernels.is_compiled()


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept[:-1],
        lambda kept: b"",
        lambda kept: b"\n" + kept,
        lambda kept: kept.replace(b"called", b"culled", 1),  # in the function's name
    ],
    ids=["short", "empty", "moved", "renamed"],
)
def test_damaged_code_is_compiled_anew(
    damage: Any, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    new_process(monkeypatch)
    check_batches()
    (file,) = cache.cache_folder().iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert file.read_bytes() != whole
    for _ in range(2):
        new_process(monkeypatch)
        check_batches()
    assert compilations == ["generate", "generate"]


USES = """
import sys, numpy as np
from seqlab import fused
from seqlab.contracts import Spec
from seqlab.fused.many import generate_many
from seqlab.generation import Sampling
from seqlab.models import build_model
from seqlab.settings import Component
fused.make_ready(print)
model = build_model(Component(name="gru", hidden_size=8), Spec("tokens", 5, "classes", 5, causal=True), 1)
texts = generate_many(model, np.array([1, 2]), Sampling(20), 32, announce=print)
print(len(texts), texts[7].tolist())
print("numba" in sys.modules)
"""


def test_a_second_process_does_without_the_compiler() -> None:
    """Train and write once in a process that compiles, once in one that says that it did not."""
    first, second = (
        subprocess.run([sys.executable, "-c", USES], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    announced, result = first.splitlines()[:2], first.splitlines()[2]
    assert announced == [fused.COMPILING, many.COMPILING]
    assert result.startswith("32 [")
    assert first.splitlines()[3:] == ["True"]
    assert second.splitlines() == [result, "False"]


def test_an_interrupted_link_harms_none_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    new_process(monkeypatch)
    check_batches()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("llvmlite.binding.ExecutionEngine.finalize_object", interrupted)
        new_process(patch)
        with pytest.raises(KeyboardInterrupt):
            check_batches()
    for _ in range(3):
        new_process(monkeypatch)
        check_batches()


def test_what_gives_no_float_is_refused() -> None:
    with pytest.raises(AssertionError, match="read as a float"):
        Kernel(__name__, "give_a_whole_number", keep=False)(2)


@_compiling.part
def give_a_whole_number(n: int) -> int:
    return n + 1


def test_compiling_is_announced_where_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[str] = []
    for there in (False, True):
        monkeypatch.setattr(fused, "is_compiled", lambda there=there: there)
        make_ready(announced.append)
    assert announced == [fused.COMPILING]


@pytest.mark.parametrize("file", ["fused/network.py", "fused/kernels.py", "tasks/lags/temporal_order.py"])
def test_old_code_is_not_used_when_a_line_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    first = cache.cache_folder()
    other = tmp_path / "elsewhere"
    shutil.copytree(Path(cache.__file__).parents[1], other)
    monkeypatch.setattr(cache, "__file__", str(other / "fused" / "cache.py"))
    cache.cache_folder.cache_clear()
    assert cache.cache_folder() == first  # wherever the same source lies
    (other / file).write_text((other / file).read_text() + "\n# a line\n")
    cache.cache_folder.cache_clear()
    assert cache.cache_folder() != first


def test_another_processor_has_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache.cache_folder()
    monkeypatch.setattr(cache, "_processor", lambda: "another")
    cache.cache_folder.cache_clear()
    assert cache.cache_folder() != first


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file stands in the folder's place")
    kernel = new_process(monkeypatch)
    check_batches()
    assert kernel.is_compiled(), "for this process"
    assert not new_process(monkeypatch).is_compiled()


def test_words_are_numbers_and_addresses() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    words = words_of(True, 2.5) + words_of(array)
    assert words.codes == ("q", "d", "f2")
    numbers = np.frombuffer(words.row, np.int64)
    assert numbers[0] == 1
    assert numbers[1:2].view(np.float64) == 2.5
    assert numbers[2] == id(array)
    with pytest.raises(AssertionError):
        words_of(array.T)
