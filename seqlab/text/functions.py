"""The names of the functions of the standard library, as a text of one name a line."""

from __future__ import annotations

import ast
import hashlib
import platform
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from seqlab.doing import doing
from seqlab.errors import TextError
from seqlab.files import cache_folder, replace_file, sha256_of


def function_names(files: Sequence[Path]) -> Path:
    """Return the file of the names, in alphabetical order, each once; it is made where there is none yet.

    It lies in the cache, under the version of Python, a hash of the names and sizes of the sources, and one
    of what is in it, by which a damaged one is found and made anew.

    Args:
        files: the sources, which are parsed and not run.

    Raises:
        TextError: when the cache cannot be written.
    """
    facts = "".join(f"{file} {file.stat().st_size}\n" for file in files)
    key = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder, begins = cache_folder(), f"functions-{platform.python_version()}-{key}"
    for path in folder.glob(f"{begins}-*.txt"):
        if path.is_file() and path.name == _named(begins, path.read_bytes()):
            return path
    with doing("collecting the names of the standard library's functions"):
        names = sorted({name for file in files for name in names_in(file.read_bytes())})
    content = "\n".join([*names, ""]).encode()
    path = folder / _named(begins, content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise TextError(
            f"The names of functions cannot be kept in {folder}: {error.strerror or error}.",
            hint="Set SEQLAB_CACHE_DIR to a folder that you may write to and that has room.",
        ) from None
    return path


def _named(begins: str, content: bytes) -> str:
    return f"{begins}-{sha256_of(content)[:16]}.txt"


def names_in(source: bytes) -> Iterator[str]:
    """Yield the names of the functions that a Python source defines; none of one that cannot be parsed.

    >>> sorted(names_in(b"def one(): ...\\nclass A:\\n    async def two(self): ..."))
    ['one', 'two']
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in old sources
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return
    blocks: list[ast.AST] = [tree]
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        for below in ("body", "orelse", "finalbody", "handlers", "cases"):  # no expression defines a function
            blocks += getattr(node, below, ())
