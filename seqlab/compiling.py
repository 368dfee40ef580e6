"""Loops that Numba compiles (``pip install 'seqlab[fast]'``), and where they are kept on disk.

A kernel lies in the user's cache folder, below a name that is the hash of all that decides whether it can be
used, so that it is never old code: the source of what is compiled in, where Numba lies and whether it works
there (its version and those of what it needs), and the processor. Numba is imported when a kernel is loaded.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any

from seqlab import files
from seqlab.errors import EngineError

BROKEN = "Numba does not work here"
HINT = "training.engine=torch trains without it."

PATIENCE = 1.0
"""Seconds that Python takes for a loop before Numba is loaded for it."""

WAITING = 300.0
"""Seconds that a process waits, at most, for another that compiles the same."""

ROOM = 1 << 21
"""Bytes that a disk must have left for what is compiled to be kept there; the largest has fewer."""

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Numba's, unless a kernel says otherwise: others may run, no division is an error, no memory is taken."""

_LOADING = threading.RLock()
"""Where Numba keeps what it compiles is one setting for all."""


class Kernel:
    """A function that is compiled once for a machine, and kept in the cache.

    Args:
        module: where it is written.
        name: its name there.
        signature: the types of its result and arguments, as Numba writes them.
        sources: files and folders in that of seqlab that hold what is compiled in.
        options: of Numba's ``njit``, laid over :data:`OPTIONS`.
    """

    def __init__(
        self, module: str, name: str, signature: str, sources: tuple[str, ...], **options: Any
    ) -> None:
        self.module, self.name, self.signature, self.sources = module, name, signature, sources
        self.options = OPTIONS | options
        self._function: Any = None
        self._at_hand: Any = None
        self._spent = 0.0

    def __call__(self, *arguments: Any) -> Any:
        """Call it with numbers and arrays in C order; see :meth:`load`."""
        return (self._function or self.load())(*arguments)

    def is_compiled(self) -> bool:
        """Say whether it is loaded or lies in the cache."""
        return self._function is not None or any(file.suffix == ".nbc" for file in self._kept())

    def load(self) -> Any:
        """Return the compiled function; it is compiled where it does not lie in the cache.

        Raises:
            EngineError: when Numba cannot be imported, or cannot compile it or link what it compiled.
        """
        with _LOADING:
            if self._function is None:
                # what is kept is whole: Numba gives a file its name when all of it is written
                with nullcontext() if self.is_compiled() else alone(cache_folder(self.sources), self._stem):
                    self._function = self._load()
            return self._function

    def _load(self) -> Any:
        try:
            import_module("numba")
        except Exception as error:
            raise _broken(error) from error
        try:
            return self._compile()
        except Exception as first:  # what Numba read from the cache may be damaged, or the disk full
            with suppress(OSError):
                for file in self._kept():
                    file.unlink(missing_ok=True)
            try:
                return self._compile(keep=not isinstance(first, OSError))
            except Exception as error:
                raise _broken(error) from error

    def at_hand(self, *arguments: Any) -> Any:
        """Call it compiled where that costs little, else as Python runs it; both come to the same.

        It costs little where Numba is loaded, as by the fused engine. To load it takes longer than what a few
        calls save, so Python runs it first, for :data:`PATIENCE` seconds in all; and on, where Numba is not
        installed, or broken.
        """
        if self._at_hand is None and ("numba" in sys.modules or self._spent > PATIENCE):
            try:
                self._at_hand = self.load()
            except EngineError:
                self._at_hand = self.plain()
        if self._at_hand is not None:
            return self._at_hand(*arguments)
        began = time.perf_counter()
        result = self.plain()(*arguments)
        self._spent += time.perf_counter() - began
        return result

    def plain(self) -> Any:
        """Return it as Python runs it."""
        return getattr(import_module(self.module), self.name)

    @property
    def _stem(self) -> str:
        return f"{self.module.rpartition('.')[2]}.{self.name}"

    def _kept(self) -> list[Path]:
        """Return the files of it that lie in the cache."""
        return list(cache_folder(self.sources).glob(f"*/{self._stem}-*.nb?"))

    def _compile(self, keep: bool = True) -> Any:
        import numba

        with kept_in(cache_folder(self.sources)) as can_be_kept:
            return numba.njit(self.signature, cache=keep and can_be_kept, **self.options)(self.plain())


def _broken(error: Exception) -> EngineError:
    reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return EngineError(f"{BROKEN} ({reason})", hint=HINT)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time compile a function: the others wait, and find then what that one has kept.

    Where the disk knows no locks, or nothing can be kept, each compiles for itself.

    Args:
        folder: where it is kept.
        name: of the function.
    """
    from filelock import FileLock  # not where nothing is compiled: it brings asyncio

    with ExitStack() as held:
        with suppress(OSError, NotImplementedError):
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(folder / f"{name}.lock", timeout=WAITING))
        yield


@contextmanager
def kept_in(folder: Path) -> Iterator[bool]:
    """Let Numba keep in a folder what is marked for compiling meanwhile; yields whether that can be done."""
    import numba

    with _LOADING:
        others, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
        try:
            yield _can_be_written(folder)
        finally:
            numba.config.CACHE_DIR = others


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError:
        return False
    return True


@cache
def cache_folder(sources: tuple[str, ...]) -> Path:
    """Return where what is compiled of some sources lies: in SEQLAB_CACHE_DIR or the user's cache folder.

    Sources are files and folders in that of seqlab.
    """
    made_by = [_version(name) for name in ("numba", "llvmlite", "numpy")]
    digest = hashlib.sha256("\n".join([*made_by, sys.version, _processor()]).encode())
    own = Path(__file__)
    for source in (own, *(own.parent / name for name in sources)):
        for file in sorted(source.glob("*.py")) if source.is_dir() else [source]:
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
