"""Lines of the standard library, each labelled with the module that it stands in."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from seqlab.errors import TextError

MODULES = (
    "argparse", "doctest", "inspect", "tarfile", "typing", "unittest.mock", "urllib.request", "zipfile",
)  # fmt: skip
"""Eight of like size: 1,377 to 2,037 different lines each, in Python 3.11."""

SHORTEST = 10
"""Characters of a line; shorter ones, such as ``else:``, stand in every module."""


def source(modules: Sequence[str] = MODULES) -> str:
    """Return in words where lines of some modules come from."""
    return f"standard library of Python {platform.python_version()}, {len(modules)} modules"


def labelled_lines() -> list[tuple[str, str]]:
    """Return lines without indentation, and their modules; none of a comment alone. Nothing is imported.

    Raises:
        TextError: when the sources are not there.
    """
    return [
        (line, module)
        for module in MODULES
        for line in map(str.strip, source_of(module).splitlines())
        if len(line) >= SHORTEST and not line.startswith("#")
    ]


def source_of(module: str) -> str:
    """Return the source of a module of the standard library.

    Raises:
        TextError: when it is not there.
    """
    place = Path(sysconfig.get_paths()["stdlib"]) / module.replace(".", "/")
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise TextError(
        f"The standard library in {place.parent} holds no source of {module}.",
        hint="Give a table of your own: --data FILE --text COLUMN --label COLUMN",
    )
