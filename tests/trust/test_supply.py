"""What seqlab is made of and what is handed on: the lock, the wheel, the source archive."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
INCLUDED = ("seqlab", "experiments", "tests", "docs", "benchmarks")
GENERATED = re.compile(r"__pycache__|\.pyc$|(^|/)\.(?!gitignore)|^(runs|\.venv)/")


def extras() -> list[str]:
    """Return the extras that `make` installs."""
    found = re.search(r"^EXTRAS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split(",")


def test_the_lock_holds_all_that_make_installs_with_hashes_and_within_the_bounds() -> None:
    lock = (ROOT / "tests" / "requirements.lock").read_text()
    locked = {
        name.lower(): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+) \\\n +--hash=sha256:", lock, re.M)
    }
    assert len(locked) == len(re.findall("^[^ #\n]", lock, re.M)), "each has its hash"
    project = PROJECT["project"]
    wanted = [*PROJECT["build-system"]["requires"], "editables", *project["dependencies"]]
    wanted += [one for extra in extras() for one in project["optional-dependencies"][extra]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[requirement.name.lower()].partition("+")[0]), requirement


def test_the_licence_of_every_package_that_seqlab_asks_for_is_told() -> None:
    told = (ROOT / "docs" / "reliability.md").read_text().partition("## What it is made of")[2].lower()
    optional = PROJECT["project"]["optional-dependencies"]
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(one for extra, some in optional.items() for one in some if extra != "dev"),
    ]
    assert [name for name in (Requirement(one).name.lower() for one in wanted) if name not in told] == []


def test_the_wheel_and_the_source_archive_hold_what_they_should_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hatchling.build import build_sdist, build_wheel

    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build_wheel(str(tmp_path))) as wheel:
        names = set(wheel.namelist())
    code = {f.relative_to(ROOT).as_posix() for f in (ROOT / "seqlab").rglob("*") if f.is_file()}
    code |= {f"seqlab/{f.relative_to(ROOT).as_posix()}" for f in (ROOT / "experiments").rglob("*.yaml")}
    code = {name for name in code if not GENERATED.search(name)}
    assert {name for name in names if not name.startswith("seqlab-")} == code
    assert {Path(name).name for name in names if name.startswith("seqlab-")} >= {
        "METADATA",
        "LICENSE",
        "entry_points.txt",
    }
    with tarfile.open(tmp_path / build_sdist(str(tmp_path))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert not [name for name in inside if GENERATED.search(name)]
    others = {name for name in inside if not name.startswith(tuple(f"{one}/" for one in INCLUDED))}
    assert others <= {
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "pyproject.toml",
        ".gitignore",
    }
    assert {name for name in inside if name.startswith("seqlab/")} == {
        name for name in code if "experiments/" not in name
    }
