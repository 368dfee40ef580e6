"""A user's own files and what lies beside them: imported as they are now, and forgotten."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from seqlab import plugins, registry
from seqlab.errors import PluginError

CELL = "from seqlab.models import Cell\n\nclass Mine(Cell):\n    step = None\n"


def test_a_plugin_that_has_changed_is_loaded_again(tmp_path):
    file = tmp_path / "changing.py"
    for leak in ("0.5", "0.25"):
        file.write_text(f"from seqlab.models import Cell\nclass Mine(Cell):\n    leak, step = {leak}, None\n")
        plugins.admit(str(file))
        assert registry.load("model", str(file)).leak == float(leak)
    before = registry.load("model", str(file))
    plugins.admit(str(file))
    assert registry.load("model", str(file)) is before


def test_modules_below_the_folder_of_a_plugin_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "lies_deeper.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    deeper = importlib.import_module("lies_deeper")
    (tmp_path / "above.py").write_text("import lies_deeper\n")
    plugins.admit(str(tmp_path / "above.py"))
    assert sys.modules["lies_deeper"] is deeper, "it is no neighbour, though its folder lies below"


def test_a_package_beside_a_plugin_is_its_neighbour_listed_once_and_seqlab_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in a checkout of seqlab lies beside 600 files, each of which imports others."""
    cell = tmp_path / "my_cell.py"
    cell.write_text("import parts.first\nfrom seqlab.models import Cell\n")
    for package in ("parts", "seqlab"):
        (tmp_path / package).mkdir()
        for name in ("first", "second", "third"):
            (tmp_path / package / f"{name}.py").write_text("import parts.second, other, seqlab\n")
    (tmp_path / "other.py").write_text("import parts.third\n")
    listed: list[Path] = []
    original = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda path, *words: listed.append(path) or original(path, *words))
    found = plugins.with_neighbours(cell)
    parts = {tmp_path / "parts" / f"{name}.py" for name in ("first", "second", "third")}
    assert found == {cell, tmp_path / "other.py", *parts}
    assert listed == [tmp_path / "parts"]


@pytest.mark.parametrize("module", ["helper", "parts.helper", "parts.within.helper"])
@pytest.mark.parametrize("packages", [False, True], ids=["folders", "packages"])
@pytest.mark.parametrize("odd", ["", ".", "./.."], ids=["plain", "dot", "dots"])
def test_a_neighbour_that_has_changed_is_imported_anew(
    module: str, packages: bool, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was imported before, from a folder that is written in another way."""
    folder = tmp_path / "cells"
    place = folder.joinpath(*module.split(".")).with_suffix(".py")
    place.parent.mkdir(parents=True)
    for above in place.relative_to(folder).parents:
        if packages and above.name:
            (folder / above / "__init__.py").touch()
    own = folder / "own.py"
    own.write_text(f"from {module} import LEAK\n{CELL}    leak = LEAK\n")
    monkeypatch.syspath_prepend(f"{folder}/{odd}/cells" if odd == "./.." else f"{folder}/{odd}")
    hashes = []
    for leak in (0.5, 0.25):
        place.write_text(f"LEAK = {leak}  # {'longer' * int(4 * leak)}\n")
        if leak == 0.5:
            importlib.import_module(module)
        plugins.admit(str(own))
        assert registry.load("model", str(own)).leak == leak
        hashes.append(plugins.file_hash(own))
    assert hashes[0] != hashes[1]


def test_what_changes_within_a_second_and_keeps_its_size_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python knows its compiled form by the second and the size of the source alone."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    own, helper = tmp_path / "own.py", tmp_path / "helper.py"
    for leak, rate in ((0.5, 1), (0.7, 1), (0.7, 2)):
        own.write_text(f"import helper\n{CELL}    leak, rate = {leak}, helper.RATE\n")
        helper.write_text(f"RATE = {rate}\n")
        for file in (own, helper):
            os.utime(file, (10**9, 10**9))
        plugins.admit(str(own))
        found = registry.load("model", str(own))
        assert (found.leak, found.rate) == (leak, rate)
    assert not list(tmp_path.rglob("*.pyc"))


@pytest.mark.parametrize("line", ["import helper", "if True: import helper"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["there", "elsewhere"])
def test_a_neighbour_that_is_gone_is_not_imported(line: str, elsewhere: bool, tmp_path: Path) -> None:
    """Whether or not it is seen in the text that it is imported, and by a file of another folder, too."""
    own, other = tmp_path / "own.py", tmp_path / "other" / "own.py"
    (tmp_path / "helper.py").touch()
    own.write_text(f"{line}\n{CELL}")
    plugins.admit(str(own))
    (tmp_path / "helper.py").unlink()
    again = other if elsewhere else own
    again.parent.mkdir(exist_ok=True)
    again.write_text(f"{line}\n{CELL}\n")
    with pytest.raises(PluginError, match="No module named 'helper'"):
        plugins.admit(str(again))


def test_a_folder_that_is_the_root_of_the_disk_has_neighbours_too() -> None:
    assert plugins._is_imported_from("/helper.py", "helper", ("/",))
    assert not plugins._is_imported_from("/other/helper.py", "helper", ("/",))


def test_a_file_may_take_its_folder_from_where_modules_are_looked_for(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(f"import sys\nsys.path.pop(0)\n{CELL}")
    before = list(sys.path), list(sys.meta_path)
    plugins.admit(str(own))
    assert (sys.path, sys.meta_path) == before


def test_what_is_no_module_may_stand_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy:
        """A module that comes when it is asked for, which this is not the moment for."""

        def __getattr__(self, name: str) -> object:
            return self

    for name, odd in (("nothing", None), ("lazy", Lazy())):
        (tmp_path / f"{name}.py").touch()
        monkeypatch.setitem(sys.modules, name, odd)
    (tmp_path / "own.py").write_text(CELL)
    plugins.admit(str(tmp_path / "own.py"))
    assert registry.load("model", str(tmp_path / "own.py")).__name__ == "Mine"
