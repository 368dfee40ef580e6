"""When two runs are the same run: settings as taken, engine, device, precision, versions, data and code."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from seqlab.engines import engine_of
from seqlab.plugins import with_neighbours
from seqlab.registry import Kind, component_file, component_hash
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task

_PACKAGE = Path(__file__).resolve().parent.parent
_COMPUTING = (
    "compiling", "contracts", "data", "engines", "fused", "generation", "models", "seeding", "tasks", "text",
    "training",
)  # fmt: skip
"""The parts of the package that a run's figures can depend on."""

_DESCRIBING = {"experiment", "summary", "presets", "models"}
_IMPORT = re.compile(
    r"^ *(?:from (seqlab[\w.]*) import (\([^)]*\)|[^\n]*)|import (seqlab[\w.]+))", re.MULTILINE
)
_NAMED = re.compile(r'"(seqlab\.[\w.]+)"')
"""A module that is imported by its name later, as those are that hold what is compiled."""

_FOR_TYPES = re.compile(r"^if TYPE_CHECKING:.*\n(?:(?: .*)?\n)*", re.MULTILINE)


@dataclass(frozen=True)
class Identity:
    """What a run's figures depend on.

    Attributes:
        settings: as they are taken; names, summaries, presets and advice for other models do not count.
        device: its kind: cpu, cuda or mps.
        versions: of the packages that compute.
        data: the SHA-256 of the files that the task reads, or None.
        code: the SHA-256 of the source of the modules that task, model and engine import, or have compiled.
        plugins: of the user's own file behind the model, and behind the task, with its neighbours.
    """

    settings: Mapping[str, Any]
    device: str
    versions: Mapping[str, str]
    data: str | None
    code: str
    plugins: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """What is equal for equal runs: 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a run's record; its settings lie in a file of their own."""
        return {key: value for key, value in asdict(self).items() if key != "settings"}


def identify(experiment: TrainExperiment, task: Task, device: torch.device) -> Identity:
    """Return what identifies a run: with the same, runs on one machine are the same to the bit.

    Args:
        experiment: the settings, settled: nothing is left open.
        task: built from them.
        device: where it is trained.
    """
    settings = experiment.model_dump(mode="json", exclude=_DESCRIBING)
    del settings["compute"]["device"]
    if experiment.origin is not None:  # its weights say what it is, wherever it lies
        del settings["origin"]["run"]
    components: dict[Kind, str] = {"model": experiment.model.name, "task": experiment.task.name}
    own = {kind: component_hash(kind, name) for kind, name in components.items()}
    engine = experiment.training.engine
    files = [component_file(kind, name) for kind, name in components.items()]
    roots = [path for file in files if file is not None for path in sorted(with_neighbours(file))]
    roots += [path for module in engine_of(engine).modules(task) for path in _files(module)]
    stamp = tuple(map(str, own.values()))
    return Identity(
        settings=settings,
        device=device.type,
        versions={name: _version(name) for name in engine_of(engine).computes_with},
        data=None if task.data is None else task.data.sha256,
        code=code_hash((_PACKAGE / "engines" / f"{engine}.py", *roots), stamp),
        plugins={kind: digest for kind, digest in own.items() if digest is not None},
    )


def changed_since(recorded: Mapping[str, Any], now: Identity) -> list[str]:
    """Say in words what has changed since an identity was recorded; nothing if nothing has."""
    if not recorded:
        return ["what it depends on, which was not recorded"]
    versions = recorded.get("versions") or {}
    told = [
        f"{name} {versions.get(name)} (now {version})"
        for name, version in now.versions.items()
        if versions.get(name) != version
    ]
    if recorded.get("device") != now.device:
        told.append(f"the device {recorded.get('device')} (now {now.device})")
    if recorded.get("data") != now.data:
        told.append("the data that its task reads")
    if recorded.get("code") != now.code:
        told.append("seqlab's code")
    plugins = recorded.get("plugins") or {}
    told += [f"the file of the {kind}" for kind in now.plugins if plugins.get(kind) != now.plugins[kind]]
    return told


@cache
def code_hash(roots: tuple[Path, ...], stamp: tuple[str, ...] = ()) -> str:
    """Return the hash of the package's source that some modules are made of or import, as far as it computes.

    ``stamp`` is that of roots that are not the package's: while it is the same, so are these.
    """
    digest = hashlib.sha256()
    for file in sorted(file for file in _imported(roots) if _PACKAGE in file.parents):
        digest.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _imported(roots: Iterable[Path]) -> set[Path]:
    """Return files of the package and, as far as they compute, those that they import, and so on."""
    found: set[Path] = set()
    left = list(roots)
    while left:
        file = left.pop()
        if file in found:
            continue
        found.add(file)
        left += [path for module in _modules_in(file.read_text(encoding="utf-8")) for path in _files(module)]
    return found


@lru_cache(maxsize=1024)
def _modules_in(source: str) -> tuple[str, ...]:
    """Return what may be modules of the package among what a file imports, or names to be imported later."""
    text = _FOR_TYPES.sub("", source)
    modules = _NAMED.findall(text)
    for origin, names, whole in _IMPORT.findall(text):
        modules += [whole or origin, *(f"{origin}.{name}" for name in re.findall(r"\w+", names))]
    return tuple(modules)


def _files(module: str) -> list[Path]:
    """Return the files that importing a module runs, if they compute: its own, and those of its packages."""
    parts = module.split(".")[1:]
    if not parts or parts[0] not in _COMPUTING:
        return []
    files = (_file_of(_PACKAGE, *parts[: depth + 1]) for depth in range(len(parts)))
    return [file for file in files if file is not None]


@cache
def _file_of(package: Path, *parts: str) -> Path | None:
    """Return the file of a module or package within one, or None: parts may end in the name of a function."""
    place = package.joinpath(*parts)
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return file if file.is_file() else None


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
