"""Where compiled code is kept on disk, so that it is never old code.

It lies in the user's cache folder, below a name that is the hash of all that decides whether it can be
used: the source of this package and of what it compiles in from others, the versions of Numba and Python, and
the processor. It matters neither where the package lies nor whether its own folder can be written.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from seqlab.text import corpora


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in SEQLAB_CACHE_DIR or the user's cache folder."""
    made_by = [metadata.version("numba"), metadata.version("llvmlite"), sys.version, _processor()]
    digest = hashlib.sha256("\n".join(made_by).encode())
    package = Path(__file__).parent
    for file in (*sorted(package.glob("*.py")), package.parent / "tasks" / "lags" / "temporal_order.py"):
        digest.update(file.read_bytes())
    return corpora.cache_folder() / f"compiled-{digest.hexdigest()[:16]}"


def _processor() -> str:
    """Return what machine code depends on; one folder may be shared by machines that differ in it."""
    deciding = ("model name", "flags", "CPU part", "Features")
    with suppress(OSError):
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
        if found := [line for line in first.splitlines() if line.startswith(deciding)]:
            return "\n".join(found)
    import llvmlite.binding as llvm

    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
