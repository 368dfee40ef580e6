"""The settings that there are, read from the source text: for completion, where importing is too slow.

The options of a component are the keyword-only arguments of its constructor (:mod:`seqlab.registry`); here
they are found in the parsed file, up the classes as far as each passes ``**options`` on to its base. What
settings are checked against is never this, but the constructor itself; a test holds the two together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.registry import source_file

if TYPE_CHECKING:
    from seqlab.registry import Kind

_PACKAGE = Path(__file__).resolve().parent
_BASES: Mapping[Kind, frozenset[str]] = {
    "model": frozenset({"Cell", "SequenceModel"}),
    "task": frozenset({"Task"}),
}
_SECTIONS = {"training": "Training", "mixture": "MixedIn", "compute": "Compute"}
UNKNOWN = object()
"""The default of an option whose default cannot be read from the text, or that has none."""


def component_options(kind: Kind, name: str) -> dict[str, Any]:
    """Return the options of a registered component with their defaults; of an unknown one, none.

    >>> component_options("task", "temporal-order")
    {'difficulty': 'easy'}
    """
    path = source_file(kind, name)
    if path is None:
        return {}
    for cls in _classes(path).values():
        lineage = list(_lineage(path, cls))
        names = {found.name for _, found in lineage}
        if not cls.name.startswith("_") and names & _BASES[kind]:
            return _keywords(lineage) | (network_options() if "Cell" in names else {})
    return {}


def network_options() -> dict[str, Any]:
    """Return the options of the network that is built around a cell.

    >>> network_options()["layers"]
    1
    """
    path = _PACKAGE / "models" / "_recurrent.py"
    return _keywords([(path, _classes(path)["Recurrent"])])


def setting_keys(
    experiment: str | None = None, *, model: str | None = None, task: str | None = None
) -> list[str]:
    """Return the dotted keys of settings that can be given as ``key=value``.

    Args:
        experiment: whose task and model are meant, where the next two do not say otherwise.
        model: a model, named as on the command line.
        task: a task.

    Returns:
        The keys of the experiment's task and model; of every task and model, where none is known.
    """
    from seqlab import registry

    data = _experiment(experiment)
    keys = ["seed", *(f"{part}.{name}" for part, cls in _SECTIONS.items() for name in _fields(cls))]
    chosen: list[tuple[Kind, str | None]] = [("model", model), ("task", task)]
    for kind, reference in chosen:
        name = (reference or str(data.get(kind, {}).get("name", ""))).partition("[")[0]
        names = [name] if name else registry.names(kind)
        keys += sorted({f"{kind}.{option}" for each in names for option in component_options(kind, each)})
    return keys


def _experiment(name: str | None) -> Mapping[str, Any]:
    from seqlab.errors import SeqlabError
    from seqlab.settings import read_experiment

    try:
        return read_experiment(name).data if name else {}
    except SeqlabError:
        return {}


def _fields(cls: str) -> list[str]:
    """Return the annotated fields of a class of the settings' schema."""
    body = _classes(_PACKAGE / "settings" / "schema.py")[cls].body
    return [
        line.target.id
        for line in body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]


def _keywords(lineage: list[tuple[Path, ast.ClassDef]]) -> dict[str, Any]:
    """Return the keyword-only arguments of constructors, up to the first that takes no ``**options``."""
    found: dict[str, Any] = {}
    for _, cls in lineage:
        constructor = next(
            (f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None
        )
        if constructor is None:
            continue
        arguments = constructor.args
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            found.setdefault(argument.arg, _literal(default))
        if arguments.kwarg is None:
            break
    return found


def _lineage(path: Path, cls: ast.ClassDef) -> Iterator[tuple[Path, ast.ClassDef]]:
    """Yield a class and its bases, as far as they are defined in this package."""
    yield path, cls
    for base in cls.bases:
        home = _home(path, base.id) if isinstance(base, ast.Name) else None
        if home is not None:
            yield from _lineage(*home)


def _home(path: Path, name: str) -> tuple[Path, ast.ClassDef] | None:
    """Return where the class that a file calls by a name is defined."""
    if name in _classes(path):
        return path, _classes(path)[name]
    module = _imports(path).get(name)
    if module is None or module.split(".")[0] != "seqlab":
        return None
    file = _PACKAGE.joinpath(*module.split(".")[1:])
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    return _home(file, name) if file.is_file() else None


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    return {line.name: line for line in _parsed(path).body if isinstance(line, ast.ClassDef)}


def _imports(path: Path) -> dict[str, str]:
    """Return the module from which each imported name comes."""
    return {
        item.asname or item.name: line.module or ""
        for line in _parsed(path).body
        if isinstance(line, ast.ImportFrom)
        for item in line.names
    }


def _literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else UNKNOWN
    except ValueError:
        return UNKNOWN
