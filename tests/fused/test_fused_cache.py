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
from seqlab.fused import _compiling, batches, cache, make_ready
from seqlab.fused.kernels import Kernel, words_of
from seqlab.fused.layout import LANES
from seqlab.tasks.temporal_order import TemporalOrder


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
        check_batches()
        assert kernel.is_compiled()
    assert compilations == ["generate"]


@pytest.mark.parametrize("damage", [lambda code: code[:-1], lambda code: b"", lambda code: b"\n" + code])
def test_damaged_code_is_compiled_anew(
    damage: Any, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    new_process(monkeypatch)
    check_batches()
    (file,) = cache.cache_folder().iterdir()
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        new_process(monkeypatch)
        check_batches()
    assert compilations == ["generate", "generate"]


def test_a_loaded_engine_does_without_the_compiler(tmp_path: Path) -> None:
    """Train once in a process that compiles, once in one that must not, and sees so in its modules."""
    train = "from seqlab import fused; fused.make_ready(print); import sys; print('numba' in sys.modules)"
    told = [
        subprocess.run([sys.executable, "-c", train], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert told == [f"{fused.COMPILING}\nTrue\n", "False\n"]


def test_compiling_is_announced_where_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[str] = []
    for there in (False, True):
        monkeypatch.setattr(fused, "is_compiled", lambda there=there: there)
        make_ready(announced.append)
    assert announced == [fused.COMPILING]


@pytest.mark.parametrize("file", ["network.py", "layout.py", "kernels.py"])
def test_old_code_is_not_used_when_a_line_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    first = cache.cache_folder()
    other = tmp_path / "elsewhere"
    shutil.copytree(Path(cache.__file__).parent, other)
    monkeypatch.setattr(cache, "__file__", str(other / "cache.py"))
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
    assert not kernel.is_compiled()


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
