"""Where compiled code is kept on disk; never old code, and asked about without importing the compiler.

It lies in the user's cache folder, below a name that is the hash of all that decides whether it can be
used: the source that is compiled (Numba by itself looks only at the file of the outermost function), where
that lies, the versions of Numba and Python, and the processor. It does not matter whether the package's own
folder can be written.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

import platformdirs

_COMPILED = re.compile(rb"^(from|import) (numba|llvmlite|seqlab\.fused\._compiling)\b", re.MULTILINE)
"""What is in the source of every module with compiled functions."""
_ALL = "complete"
"""The file that says that everything has been compiled."""


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in NUMBA_CACHE_DIR, SEQLAB_CACHE_DIR or the user's cache folder."""
    made_by = [metadata.version("numba"), sys.version, _processor(), str(Path(__file__).resolve().parent)]
    digest = hashlib.sha256("\n".join(made_by).encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        source = file.read_bytes()
        if _COMPILED.search(source):
            digest.update(source)
    chosen = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("SEQLAB_CACHE_DIR")
    base = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seqlab"))
    return base / f"compiled-{digest.hexdigest()[:16]}"


def is_compiled() -> bool:
    """Say whether all compiled code lies in the cache."""
    return (cache_folder() / _ALL).is_file()


def note_compiled() -> None:
    """Note that all compiled code lies in the cache."""
    if not is_compiled():
        with suppress(OSError):  # where the cache cannot be written, the code was compiled for this process
            cache_folder().mkdir(parents=True, exist_ok=True)
            (cache_folder() / _ALL).touch()


def _processor() -> str:
    """Return what machine code depends on; one folder may be shared by machines that differ in it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    deciding = ("model name", "flags", "CPU part", "Features")
    return "\n".join(line for line in lines if line.startswith(deciding))
