"""The named experiments: one YAML file each, its stem its name, its folder its family."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from seqlab.errors import UnknownNameError
from seqlab.settings.reader import Document, read_file, read_value

_PACKAGE = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Return the folder of the experiments: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "experiments"
    return installed if installed.is_dir() else _PACKAGE.parent / "experiments"


def experiment_names() -> list[str]:
    """Return the names of all shipped experiments, sorted.

    >>> "hello" in experiment_names()
    True
    """
    return sorted(_files())


def family(name: str) -> str:
    """Return the family of a shipped experiment, which is its folder.

    >>> family("temporal-order")
    'lags'
    """
    return _path(name).parent.name


def read_experiment(name: str) -> Document:
    """Read a shipped experiment's document.

    Raises:
        UnknownNameError: when there is no experiment of that name.
    """
    path = _path(name)
    return replace(read_experiment_file(path), source=f"experiments/{path.parent.name}/{path.name}")


def read_experiment_file(path: Path) -> Document:
    """Read the document of an experiment from any file; without a name of its own it takes the file's.

    Raises:
        SettingsError: as :func:`seqlab.settings.read_file` does.
    """
    document = read_file(path)
    name = re.sub(r"[^\w.-]+|^\W+", "-", path.stem).strip("-.") or "experiment"
    return replace(document, data={"experiment": name, **document.data})


def kind_names() -> list[str]:
    """Return the kinds of experiments: each is a file.

    >>> "train" in kind_names()
    True
    """
    files = (_PACKAGE / "kinds").glob("*.py")
    return sorted(path.stem.replace("_", "-") for path in files if not path.stem.startswith("_"))


def engine_names() -> list[str]:
    """Return the names of the engines, sorted: each is a file.

    >>> engine_names()
    ['counting', 'cuda', 'fused', 'guessing', 'torch']
    """
    files = (_PACKAGE / "engines").glob("*.py")
    return sorted(path.stem for path in files if not path.stem.startswith("_"))


def summary(name: str) -> str:
    """Return the summary of a shipped experiment, from its one line alone: reading all files takes a while.

    Raises:
        UnknownNameError: when there is no experiment of that name.
    """
    found = re.search(r"^summary:(.*)$", _path(name).read_text(encoding="utf-8"), re.MULTILINE)
    return str(read_value(found[1].strip())) if found else ""


def preset_names(name: str) -> list[str]:
    """Return the names of a shipped experiment's presets, from those lines alone.

    >>> preset_names("char-shakespeare")
    ['minute', 'coffee', 'lunch', 'gpu-minute', 'gpu-five']

    Raises:
        UnknownNameError: when there is no experiment of that name.
    """
    _, _, below = _path(name).read_text(encoding="utf-8").partition("\npresets:")
    block = re.split(r"^\w", below, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^  ([\w-]+):", block, re.MULTILINE)


def _files() -> dict[str, Path]:
    """Return the file of every shipped experiment by its name."""
    return {path.stem: path for path in folder().glob("*/*.yaml")}


def _path(name: str) -> Path:
    files = _files()
    if name not in files:
        raise UnknownNameError("experiment", name, sorted(files))
    return files[name]
