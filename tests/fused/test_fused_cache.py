"""When compiled code is compiled, and where it is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numba")

from seqlab import fused
from seqlab.fused import cache, make_ready


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder of compiled code; what this process has compiled or loaded it keeps."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    cache.cache_folder.cache_clear()
    yield
    cache.cache_folder.cache_clear()


def test_compiling_is_announced_until_all_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    announced: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(fused, "fit_together", stopped)
        with pytest.raises(KeyboardInterrupt):
            make_ready(announced.append)
    assert not cache.is_compiled()
    make_ready(announced.append)
    assert cache.is_compiled()
    make_ready(announced.append)
    assert announced == [fused.COMPILING] * 2


def test_a_second_installation_has_code_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ready()
    other = tmp_path / "elsewhere"
    shutil.copytree(Path(cache.__file__).parent, other)
    monkeypatch.setattr(cache, "__file__", str(other / "cache.py"))
    assert cache.is_compiled()  # asked once in a process
    cache.cache_folder.cache_clear()
    assert not cache.is_compiled()


@pytest.mark.parametrize("file", ["network.py", "_lanes.py", "streams.py"])
def test_code_is_compiled_anew_when_a_line_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(Path(cache.__file__).parent, other)
    monkeypatch.setattr(cache, "__file__", str(other / "cache.py"))
    make_ready()
    assert cache.is_compiled()
    (other / file).write_text((other / file).read_text() + "\n# a line\n")
    cache.cache_folder.cache_clear()
    assert not cache.is_compiled()


def test_another_processor_has_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache.cache_folder()
    monkeypatch.setattr(cache, "_processor", lambda: "another")
    cache.cache_folder.cache_clear()
    assert cache.cache_folder() != first


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands in the folder's place")
    make_ready()
    assert not cache.is_compiled()
