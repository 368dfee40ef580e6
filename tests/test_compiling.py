"""When compiled code is compiled, and where it is kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from seqlab import compiling, fused
from seqlab.compiling import Kernel, alone, cache_folder
from seqlab.errors import EngineError
from seqlab.fused import batches, make_ready
from seqlab.fused.drawing import temporal_order
from seqlab.fused.drawing.temporal_order import GENERATE
from seqlab.fused.kernels import kernel, run
from seqlab.fused.layout import LANES
from seqlab.fused.packed import pack
from seqlab.models.memory import _turing
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.tasks.languages.bounded_dyck import WALK, WRITE


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder of compiled code."""
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    cache_folder.cache_clear()
    yield
    cache_folder.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are compiled from here on, rather than read from the cache."""
    names: list[str] = []
    njit = numba.njit

    def watched(*args: Any, **options: Any) -> Any:
        def compiled(function: Any) -> Any:
            dispatcher = njit(*args, **options)(function)
            if not dispatcher.stats.cache_hits:
                names.append(function.__name__)
            return dispatcher

        return compiled

    monkeypatch.setattr(numba, "njit", watched)
    return names


def new_process(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Return a kernel of which nothing has been loaded, and let batches be made by it."""
    new = Kernel(GENERATE.module, GENERATE.name, GENERATE.signature, GENERATE.sources)
    monkeypatch.setattr(temporal_order, "GENERATE", new)
    return new


def check_batches() -> None:
    task = TemporalOrder()
    (packed,) = batches.training_batches(task, 3, 2, 5, seed=1, lanes=LANES)
    wanted = pack([task.batch("train", i, 5, 1) for i in (3, 4)], LANES)
    np.testing.assert_array_equal(packed.symbols, wanted.symbols)


def test_code_is_compiled_once_for_all_processes(
    monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    assert not new_process(monkeypatch).is_compiled()
    for _ in range(3):
        new = new_process(monkeypatch)
        assert new.is_compiled() == bool(compilations)
        check_batches()
        assert new.is_compiled()
    assert compilations == ["generate"]


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept[:-1],
        pytest.param(lambda kept: b"", marks=pytest.mark.slow),
        pytest.param(lambda kept: kept[::-1], marks=pytest.mark.slow),
    ],
    ids=["cut", "empty", "backwards"],
)
def test_damaged_code_is_compiled_anew(
    kind: str, damage: Any, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    new_process(monkeypatch)
    check_batches()
    (file,) = cache_folder(GENERATE.sources).rglob(f"*.{kind}")
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        new_process(monkeypatch)
        check_batches()
    assert compilations == ["generate", "generate"]


def test_where_numba_cannot_be_imported_what_is_kept_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """As while torch traces a network, for which it puts its own in the place of functions of Python."""
    new_process(monkeypatch)
    check_batches()
    kept = sorted(cache_folder(GENERATE.sources).rglob("*.nb?"))

    def fail(name: str) -> None:
        raise AttributeError(name)

    new = new_process(monkeypatch)
    monkeypatch.setattr(compiling, "import_module", fail)
    with pytest.raises(EngineError, match="Numba does not work here"):
        new.load()
    assert sorted(cache_folder(GENERATE.sources).rglob("*.nb?")) == kept != []


@pytest.fixture
def full_disk() -> Iterator[None]:
    """A disk on which no file of more than a kilobyte can be written."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("full_disk")
def test_where_the_disk_is_full_code_is_compiled_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    new = new_process(monkeypatch)
    check_batches()
    assert not list(cache_folder(GENERATE.sources).rglob("*.nbc"))
    assert new.is_compiled()


@pytest.mark.slow
def test_training_finds_in_a_second_process_what_the_first_compiled() -> None:
    """All that there is to compile; what a process finds of another's is tested of a small part each time."""
    code = "from seqlab import fused; fused.make_ready(print); print(fused.run.load().stats.cache_hits)"
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first.splitlines() == [fused.COMPILING, "Counter()"]
    assert len(second.splitlines()) == 1
    assert second != "Counter()\n"


LOADING = """
import numba
from seqlab.fused.drawing.temporal_order import GENERATE
print("asks", flush=True)
print(sum(GENERATE.load().stats.cache_hits.values()))
"""


def test_a_process_waits_for_another_that_compiles_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    new = new_process(monkeypatch)
    with alone(cache_folder(new.sources), "temporal_order.generate"):
        other = subprocess.Popen([sys.executable, "-c", LOADING], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "asks\n"
        time.sleep(0.5)  # in which it would have looked into the cache in vain
        new._compile()
    assert other.communicate(timeout=60)[0] == "1\n"


@pytest.mark.parametrize("problem", [NotImplementedError, PermissionError, TimeoutError])
def test_where_there_is_no_lock_each_compiles_for_itself(
    problem: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def acquire(self: Any) -> None:
        raise problem

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    new_process(monkeypatch)
    check_batches()


def test_a_cache_of_the_user_s_own_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "mine")
    new_process(monkeypatch)
    check_batches()
    assert numba.config.CACHE_DIR == "mine"


@pytest.mark.parametrize("call", [(0.5,), (np.zeros(3),), (np.zeros((2, 2), np.float32).T,)])
def test_other_types_are_refused_rather_than_compiled(call: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        GENERATE(*call)


def test_what_cannot_be_compiled_is_one_error() -> None:
    with pytest.raises(EngineError, match=r"Numba does not work here .*no_such_function"):
        kernel("seqlab.fused.network", "no_such_function", "f8(f8)")(2.0)


def test_compiling_is_announced_where_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[str] = []
    for there in (False, True):
        monkeypatch.setattr(fused, "is_compiled", lambda there=there: there)
        monkeypatch.setattr(Kernel, "load", lambda _: None)
        make_ready(announced.append)
    assert announced == [fused.COMPILING]


@pytest.mark.parametrize(
    ("sources", "file"),
    [
        (run.sources, "compiling.py"),
        (run.sources, "fused/network.py"),
        (GENERATE.sources, "tasks/lags/temporal_order.py"),
        (GENERATE.sources, "fused/drawing/streams.py"),
        (GENERATE.sources, "contracts.py"),
        (WALK.sources, "tasks/languages/_walks.py"),
        (_turing.SOURCES, "models/memory/_turing.py"),
        (_turing.SOURCES, "models/memory/_turing_read.py"),
        (_turing.SOURCES, "models/memory/_turing_back.py"),
    ],
)
def test_old_code_is_not_used_when_a_line_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: tuple[str, ...], file: str
) -> None:
    first = cache_folder(sources)
    other = tmp_path / "elsewhere"
    shutil.copytree(Path(compiling.__file__).parent, other)
    monkeypatch.setattr(compiling, "__file__", str(other / "compiling.py"))
    cache_folder.cache_clear()
    assert cache_folder(sources) == first  # wherever the same source lies
    (other / file).write_text((other / file).read_text() + "\n# a line\n")
    cache_folder.cache_clear()
    assert cache_folder(sources) != first


def loop_of(signature: str) -> tuple[Kernel, Callable[[], None]]:
    """Return a loop, and how it is called where it is at hand."""
    loop = Kernel(WALK.module, WALK.name, signature, WALK.sources)
    numbers, depths, lengths = np.full((1, 2), 0.5), np.zeros((2, 2), np.int8), np.zeros(2, np.int64)

    def call() -> None:
        lengths[:] = 0
        loop.at_hand(0, numbers, np.zeros((2, 2)), np.ones((2, 2)), depths, lengths)
        assert (depths.tolist(), lengths.tolist()) == ([[0, 1], [0, 1]], [1, 1])

    return loop, call


def test_a_loop_is_compiled_only_where_numba_is_loaded_anyway(
    monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    _, call = loop_of(WALK.signature)
    monkeypatch.delitem(sys.modules, "numba")
    call()
    assert compilations == []
    monkeypatch.setitem(sys.modules, "numba", numba)
    call(), call()
    assert compilations == ["walk"]


def test_a_loop_that_python_is_slow_with_is_compiled_at_last(
    monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    monkeypatch.setattr(compiling, "PATIENCE", 0.0)
    _, call = loop_of(WALK.signature)
    monkeypatch.delitem(sys.modules, "numba")
    call()
    assert compilations == []
    monkeypatch.setitem(sys.modules, "numba", numba)
    call()
    assert compilations == ["walk"]


def test_where_numba_is_broken_loops_are_python_s() -> None:
    loop, call = loop_of("no signature")
    call(), call()
    with pytest.raises(EngineError, match="Numba does not work here"):
        loop.load()


def test_what_cannot_be_read_costs_no_other_function_its_code(compilations: list[str]) -> None:
    loop, _ = loop_of(WALK.signature)
    loop.load()
    with pytest.raises(EngineError):
        Kernel(WRITE.module, WRITE.name, "no signature", WRITE.sources).load()
    loop_of(WALK.signature)[0].load()
    assert compilations == ["walk"]


def test_another_processor_has_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache_folder(run.sources)
    monkeypatch.setattr(compiling, "_processor", lambda: "another")
    cache_folder.cache_clear()
    assert cache_folder(run.sources) != first


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file stands in the folder's place")
    new = new_process(monkeypatch)
    check_batches()
    assert new.is_compiled(), "for this process"
    assert not new_process(monkeypatch).is_compiled()
