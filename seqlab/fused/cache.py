"""Where compiled code is kept on disk; never old code, and asked about without importing the compiler.

It lies in the user's cache folder, below a name that is the hash of all source here that is compiled. So a
change anywhere in that compiles anew (Numba by itself looks only at the file of the outermost function), and
it does not matter whether the package's own folder can be written.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from functools import cache
from importlib import metadata
from pathlib import Path

import platformdirs

_COMPILED = re.compile(rb"^(from|import) (numba|llvmlite|seqlab\.fused\._compiling)\b", re.MULTILINE)
"""What is in the source of every module with compiled functions."""


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in NUMBA_CACHE_DIR, SEQLAB_CACHE_DIR or the user's cache folder."""
    digest = hashlib.sha256(f"{metadata.version('numba')} {platform.machine()}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        source = file.read_bytes()
        if _COMPILED.search(source):
            digest.update(source)
    chosen = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("SEQLAB_CACHE_DIR")
    base = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seqlab"))
    return base / f"compiled-{digest.hexdigest()[:16]}"


def is_compiled() -> bool:
    """Say whether compiled code lies in the cache."""
    return any(cache_folder().rglob("network.run-*.nbi"))
