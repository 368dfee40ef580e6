"""Where compiled code is kept on disk, so that it is never old code.

It lies in the user's cache folder, below a name that is the hash of all that decides whether it can be
used: the source of this package, the versions of Numba and Python, and the processor. It matters neither
where the package lies nor whether its own folder can be written.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import platformdirs


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in SEQLAB_CACHE_DIR or the user's cache folder."""
    made_by = [metadata.version("numba"), metadata.version("llvmlite"), sys.version, _processor()]
    digest = hashlib.sha256("\n".join(made_by).encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    chosen = os.environ.get("SEQLAB_CACHE_DIR")
    base = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seqlab"))
    return base / f"compiled-{digest.hexdigest()[:16]}"


def _processor() -> str:
    """Return what machine code depends on; one folder may be shared by machines that differ in it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    deciding = ("model name", "flags", "CPU part", "Features")
    return "\n".join(line for line in lines if line.startswith(deciding))
