"""The compiled functions as Python calls them. Numba is imported when one is first called."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from seqlab.errors import EngineError
from seqlab.fused.cache import cache_folder

BROKEN = "Numba does not work here"
HINT = "training.engine=torch trains without it."


class Kernel:
    """A function that is compiled once for a machine, and kept in the cache.

    Args:
        module: where it is written.
        name: its name there.
        signature: the types of its result and arguments, as Numba writes them.
    """

    def __init__(self, module: str, name: str, signature: str) -> None:
        self.module, self.name, self.signature = module, name, signature
        self._function: Any = None
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        """Call it with numbers and arrays in C order; see :meth:`load`."""
        return (self._function or self.load())(*arguments)

    def is_compiled(self) -> bool:
        """Say whether it is loaded or lies in the cache."""
        stem = f"{self.module.rpartition('.')[2]}.{self.name}"
        return self._function is not None or any(cache_folder().glob(f"*/{stem}-*.nbc"))

    def load(self) -> Any:
        """Return the compiled function; it is compiled where it does not lie in the cache.

        Raises:
            EngineError: when Numba cannot be imported, or cannot compile it or link what it compiled.
        """
        with self._lock:
            if self._function is None:
                try:
                    self._function = self._compile(cache_folder())
                except Exception:  # what Numba read from the cache may be damaged
                    shutil.rmtree(cache_folder(), ignore_errors=True)
                    try:
                        self._function = self._compile(cache_folder())
                    except Exception as error:
                        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                        raise EngineError(f"{BROKEN} ({reason})", hint=HINT) from error
            return self._function

    def _compile(self, folder: Path) -> Any:
        import numba

        function = getattr(importlib.import_module(self.module), self.name)
        others, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
        try:
            return numba.njit(
                self.signature, cache=_can_be_written(folder), nogil=True, error_model="numpy", _nrt=False
            )(function)
        finally:
            numba.config.CACHE_DIR = others


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


_F1, _F2, _F3 = "f4[::1]", "f4[:,::1]", "f4[:,:,::1]"
_D1 = "f8[::1]"

run = Kernel(
    "seqlab.fused.network",
    "run",
    f"f8(i8, i8, i8, i8, {_F1}, i8[:,::1], {_F1}, {_F2}, {_F1}, {_F1}, {_F1}, {_F2}, "
    f"{_F3}, {_F3}, {_F3}, {_F2}, {_F1}, {_F3}, {_F2}, b1, b1, i8, i8, {_D1}, {_D1}, "
    f"f8, f8, f8, {_F1}, {_D1}, {_D1}, {_D1}, i8[::1])",
)
generate = Kernel(
    "seqlab.fused.temporal_order",
    "generate",
    "none(i8[:,::1], u4[::1], i8, u8[::1], u4[::1], f8[:,::1], f4[:,:,:,::1], f4[:,:,:,::1])",
)
write = Kernel(
    "seqlab.fused.writing",
    "write",
    f"f8(b1, i8[:,::1], {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, f8, {_F1})",
)


def is_compiled() -> bool:
    """Say whether nothing must be compiled for training."""
    return run.is_compiled() and generate.is_compiled()
