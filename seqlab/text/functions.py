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
from seqlab.files import cache_folder, replace_file


def function_names(files: Sequence[Path]) -> Path:
    """Return the file of the names, in alphabetical order, each once; it is made where there is none yet.

    It lies in the cache, under the version of Python and a hash of the names and sizes of the sources.

    Args:
        files: the sources, which are parsed and not run.

    Raises:
        TextError: when the cache cannot be written.
    """
    facts = "".join(f"{file} {file.stat().st_size}\n" for file in files)
    key = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    path = cache_folder() / f"functions-{platform.python_version()}-{key}.txt"
    if path.is_file():
        return path
    with doing("collecting the names of the standard library's functions"):
        names = sorted({name for file in files for name in names_in(file.read_bytes())})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, "\n".join(names) + "\n")
    except OSError as error:
        raise TextError(
            f"The names of functions cannot be kept in {path.parent}: {error.strerror or error}.",
            hint="Set SEQLAB_CACHE_DIR to a folder that you may write to and that has room.",
        ) from None
    return path


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
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
