"""Where compiled code is kept on disk, so that it is never old code.

It lies in the user's cache folder, below a name that is the hash of all that decides whether it can be
used: the source of this package and of what it compiles in from others, where Numba lies and whether it works
there (its version and those of what it needs), and the processor.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from contextlib import suppress
from functools import cache
from importlib import metadata, util
from pathlib import Path

from seqlab import files


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in SEQLAB_CACHE_DIR or the user's cache folder."""
    made_by = [_version(name) for name in ("numba", "llvmlite", "numpy")]
    digest = hashlib.sha256("\n".join([*made_by, sys.version, _processor()]).encode())
    package = Path(__file__).parent
    for file in (*sorted(package.glob("*.py")), package.parent / "tasks" / "lags" / "temporal_order.py"):
        digest.update(file.read_bytes())
    return files.cache_folder() / f"compiled-{digest.hexdigest()[:16]}"


def _version(name: str) -> str:
    """Return where a package lies, which may be another place than that of its version, and its version."""
    spec = util.find_spec(name)
    with suppress(metadata.PackageNotFoundError):
        return f"{spec and spec.origin} {metadata.version(name)}"
    return f"{spec and spec.origin}"


def _processor() -> str:
    """Return what machine code depends on; one folder may be shared by machines that differ in it."""
    deciding = ("model name", "flags", "CPU part", "Features")
    with suppress(OSError):
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
        if found := [line for line in first.splitlines() if line.startswith(deciding)]:
            return "\n".join(found)
    return platform.machine()  # Numba looks closer, and compiles anew for another processor
