"""A user's own files: loaded because the command line names them, with their neighbours, and known by a hash.

A file stands wherever a name does, as ``path/to/my_cell.py`` or ``path/to/my_cell.py:ClassName``. It is code
that runs, so it is loaded only by :func:`admit`, which the command line calls for the files named there: a
settings file or run folder that somebody sent cannot have code run by naming it. It may import its
neighbours, the modules and packages of its folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from seqlab.errors import PluginError
from seqlab.outside import path_of

_NAME = re.compile(r"(?P<path>.+\.py)(?::(?P<cls>[^\W\d]\w*))?", re.DOTALL)
_IMPORT = re.compile(r"(?:^|;)[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)
_numbers = itertools.count()
_absolute = cache(os.path.abspath)
_admitted: dict[Path, tuple[str, ModuleType]] = {}
"""The files that were loaded: the hash of each as it was then, and its module."""

_met: set[str] = set()
"""The first parts of the names of what they have imported."""


def is_plugin(name: str) -> bool:
    """Say whether a name is a user's own file rather than a registered name.

    >>> is_plugin("cells/my_cell.py:MyCell"), is_plugin("lstm")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None


def parts(name: str) -> tuple[Path, str | None]:
    """Split a plug-in's name into the absolute path of its file and the class named after it, if any."""
    found = _NAME.fullmatch(name)
    assert found is not None
    return path_of(found["path"]).resolve(), found["cls"]


def absolute(name: str) -> str:
    """Return a plug-in's name with its absolute path, and any other name as it is."""
    if not is_plugin(name):
        return name
    path, wanted = parts(name)
    return f"{path}:{wanted}" if wanted else str(path)


def flags(model: str, task: str) -> str:
    """Return the words that name the own files among a run's model and task, to be typed behind a command.

    >>> flags("lstm", "parity.py:Parity")
    ' --task parity.py:Parity'
    """
    named = {"model": model, "task": task}
    return "".join(f" --{kind} {shlex.quote(name)}" for kind, name in named.items() if is_plugin(name))


def admit(name: str) -> None:
    """Load a user's own file, because the user named it on the command line.

    What was loaded and has changed since, as happens in a notebook, is loaded again.

    Raises:
        PluginError: when there is no such file, or importing it fails.
    """
    if not is_plugin(name):
        raise PluginError(
            f"{name!r} is not the path of a Python file.", hint="Write my_cell.py or my_cell.py:Class."
        )
    path, _ = parts(name)
    try:
        if not path.is_file():
            raise PluginError(f"There is no file {path} to take a model or task from.")
        files = with_neighbours(path)
        digest = _hash_of(files)
    except OSError as error:
        raise PluginError(f"Cannot read {path}: {error.strerror}.") from None
    if path not in _admitted or _admitted[path][0] != digest:
        _admitted[path] = (digest, _import_file(path, files))


def admitted(name: str) -> ModuleType | None:
    """Return the module of a plug-in, or None where it was not admitted."""
    return _admitted.get(parts(name)[0], ("", None))[1]


def is_own_file(path: Path) -> bool:
    """Say whether a file is one that was admitted, or a neighbour that such a one imports."""
    folders = [own.parent for own in _admitted]
    return any(folder in path.parents for folder in folders) and any(
        path in with_neighbours(own) for own in _admitted
    )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file and of its neighbours, as far as it imports them."""
    return _hash_of(with_neighbours(path))


def _hash_of(files: set[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def with_neighbours(path: Path) -> set[Path]:
    """Return a file and the modules and packages of its folder that it imports, and those that they do.

    What imports seqlab imports the one that runs, also where a folder of that name lies beside it, as beside
    a file in a checkout.
    """
    found, left, names = {path}, [path], {"seqlab"}
    while left:
        imported = _imported(left.pop().read_text(encoding="utf-8", errors="replace")) - names
        names |= imported
        for name in imported:
            module, package = path.parent / f"{name}.py", path.parent / name
            new = {module} if module.is_file() else set(package.rglob("*.py")) if package.is_dir() else set()
            left += new - found
            found |= new
    return found


def _imported(source: str) -> set[str]:
    """Return the first parts of the names of modules that a file imports.

    >>> sorted(_imported("import a, b.c as d; import h as i\\nfrom e.f import g\\n"))
    ['a', 'b', 'e', 'h']
    """
    found = set()
    for origin, names in _IMPORT.findall(source):
        listed = (name.strip().partition(".")[0].split() for name in names.split(","))
        found |= {origin} if origin else {words[0] for words in listed if words}
    return found


def _import_file(path: Path, files: set[Path]) -> ModuleType:
    """Run a user's file as a module of its own; its folder comes first where modules are looked for.

    Args:
        path: of the file.
        files: it and its neighbours, which are compiled each time (:class:`_Compiled`).
    """
    name = f"seqlab_plugin_{path.stem}_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Compiled(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look their module up
    _forget_neighbours([path.parent, *(other.parent for other in _admitted)])
    neighbours = _Neighbours(path.parent, files)
    sys.path.insert(0, str(path.parent))
    sys.meta_path.insert(0, neighbours)
    before = set(sys.modules)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        line = _line_in(error, path)
        place = f"{path}, line {line}" if line else str(path)
        said = error.msg if isinstance(error, SyntaxError) else error
        raise PluginError(f"{place}: {type(error).__name__}: {said}") from error
    finally:
        _met.update(new.partition(".")[0] for new in sys.modules.keys() - before)
        sys.meta_path.remove(neighbours)
        if str(path.parent) in sys.path:  # the file may have taken it away
            sys.path.remove(str(path.parent))
    return module


class _Compiled(SourceFileLoader):
    """Compiles a file each time, and keeps nothing of it.

    Python knows what it has kept of a file by its size and the second in which it was changed: what is
    written twice within one would be imported as it was at first.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Neighbours(MetaPathFinder):
    """Finds the modules beside a user's file, for :class:`_Compiled`.

    Args:
        folder: of the user's file.
        files: that are imported from there.
    """

    def __init__(self, folder: Path, files: set[Path]) -> None:
        self._files = {str(file) for file in files}
        self._names = {file.relative_to(folder).parts[0].removesuffix(".py") for file in files}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module lies if it is such a file; else None, so that others look for it."""
        if fullname.partition(".")[0] not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin not in self._files:
            return None
        spec.loader = _Compiled(fullname, spec.origin)
        return spec


def _forget_neighbours(folders: list[Path]) -> None:
    """Forget modules of plug-ins' folders: they may have changed, or have the name of another's neighbour."""
    roots = tuple({str(folder).rstrip(os.sep) + os.sep for folder in folders})
    forgotten = []
    for name, module in _of_names(folders):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            places = [file]
        elif file is None and isinstance(module, ModuleType):
            # A package without an __init__.py is known by its folders.
            places = list(vars(module).get("__path__", ()))
        else:  # what somebody put there
            continue
        if any(_is_imported_from(place, name, roots) for place in places) and not _stays(name):
            forgotten.append(name)
    for name in forgotten:  # all at the end: the folders of a package within one are asked of that one
        sys.modules.pop(name, None)


def _of_names(folders: list[Path]) -> list[tuple[str, ModuleType]]:
    """Return the modules that have the name of something in the folders, or that own files have imported.

    There are thousands of others, and to ask each where it comes from takes ten times as long.
    """
    names = set(_met)
    for folder in folders:
        with suppress(OSError):
            names |= {entry.name.partition(".")[0] for entry in folder.iterdir()}
    return [(name, module) for name, module in list(sys.modules.items()) if name.partition(".")[0] in names]


def _stays(name: str) -> bool:
    """Say whether a module is Python's or seqlab's own, wherever it lies."""
    first = name.partition(".")[0]
    return first in sys.stdlib_module_names or first in ("seqlab", "__main__")


def _is_imported_from(place: str, name: str, roots: tuple[str, ...]) -> bool:
    """Say whether a file or folder is that of a module of this name in one of the folders, which end in /."""
    whole = _absolute(place)
    if not whole.startswith(roots):
        return False
    own = name.replace(".", os.sep)
    ends = (own, f"{own}.py", f"{own}{os.sep}__init__.py")
    return any(whole == root + end for root in roots for end in ends)


def _line_in(error: BaseException, path: Path) -> int | None:
    """Return the last line of ``path`` that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
