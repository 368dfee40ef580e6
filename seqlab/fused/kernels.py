"""The compiled functions as Python calls them: machine code from the cache, run without the compiler.

Numba takes 120 MB and half a second to be imported and to load what it has compiled. It is needed only
where something must be compiled; what came of that is kept as an object file, which LLVM (llvmlite, a part of
Numba) links into the process. Its one function reads its arguments from a row of 64-bit words:

    a whole number, a truth value   the number
    a float                         its bits
    an array in C order             the address of NumPy's object (PyArrayObject), which has address and shape
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.fused.cache import cache_folder
from seqlab.runs import replace_file

WHOLE, REAL = "q", "d"
"""What codes a number; an array is coded by its type's character and its dimensions, as f2."""

_Function = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p
)
"""What Numba makes of a function of an address: it returns a status, and writes result and exception."""


@dataclass(frozen=True)
class Words:
    """Arguments as the compiled code reads them.

    Attributes:
        codes: what each argument is.
        row: a word for each.
        arguments: themselves, so that no array is gone before its address is used.
    """

    codes: tuple[str, ...]
    row: bytes
    arguments: tuple[Any, ...]

    def __add__(self, others: Words) -> Words:
        return Words(self.codes + others.codes, self.row + others.row, self.arguments + others.arguments)


def words_of(*arguments: Any) -> Words:
    """Return arguments as words.

    >>> words_of(2, 0.5, np.zeros((2, 3), np.float32)).codes
    ('q', 'd', 'f2')
    """
    codes, words, kinds = [], [], []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            assert argument.flags.c_contiguous
            codes.append(f"{argument.dtype.char}{argument.ndim}")
            words.append(id(argument))
            kinds.append(WHOLE)
        else:
            codes.append(REAL if isinstance(argument, float) else WHOLE)
            words.append(argument)
            kinds.append(codes[-1])
    return Words(tuple(codes), struct.pack("".join(kinds), *words), arguments)


class Kernel:
    """A compiled function; compiled when it is first called with arguments of some types.

    Args:
        module: where it is written.
        name: its name there; it returns a float or None.
        keep: whether its machine code is kept in the cache. What is kept is known by the source of this
            package alone, so a function that stands elsewhere must not be.
    """

    def __init__(self, module: str, name: str, *, keep: bool = True) -> None:
        self.module, self.name, self.keep = module, name, keep
        self._functions: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> float:
        """Call it with numbers and arrays."""
        return self.call(words_of(*arguments))

    def call(self, words: Words) -> float:
        """Call it with arguments that were made words before."""
        function = self._functions.get(words.codes) or self._load(words.codes)
        result = ctypes.c_double()
        status = function(ctypes.byref(result), ctypes.byref(ctypes.c_void_p()), words.row)
        assert status == 0, f"{self.name} ended with status {status}"
        return result.value

    def is_compiled(self) -> bool:
        """Say whether it is loaded or lies in the cache, for whatever types."""
        return bool(self._functions) or any(cache_folder().glob(f"{self._stem}-*"))

    @property
    def _stem(self) -> str:
        return f"{self.module.rpartition('.')[2]}.{self.name}"

    def _load(self, codes: tuple[str, ...]) -> Any:
        with self._lock:
            if codes not in self._functions:
                self._functions[codes] = _link(*self._machine_code(codes))
            return self._functions[codes]

    def _machine_code(self, codes: tuple[str, ...]) -> tuple[str, bytes]:
        """Return the name of the function in the machine code, and that; compile it if it is not there."""
        digest = hashlib.sha256(" ".join(codes).encode()).hexdigest()[:16]
        path = cache_folder() / f"{self._stem}-{digest}"
        kept = _read(path) if self.keep else None
        if kept is None:
            from seqlab.fused._compiling import machine_code

            kept = machine_code(getattr(importlib.import_module(self.module), self.name), codes)
            if self.keep:
                _write(path, *kept)
        return kept


def _read(path: Path) -> tuple[str, bytes] | None:
    """Return what :func:`_write` wrote; None if it is not there or not whole."""
    with suppress(OSError, ValueError):
        digest, kept = path.read_bytes().split(b"\n", 1)
        if hashlib.sha256(kept).hexdigest().encode() == digest:
            name, code = kept.split(b"\n", 1)
            return name.decode(), code
    return None


def _write(path: Path, name: str, code: bytes) -> None:
    kept = name.encode() + b"\n" + code
    with suppress(OSError):  # where the cache cannot be written, the code is there for this process
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, hashlib.sha256(kept).hexdigest().encode() + b"\n" + kept)


def _link(name: str, code: bytes) -> Any:
    """Link machine code into this process; return its function."""
    llvm = _linker()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(opt=3, jit=True)
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""), machine
    )  # which owns the machine from here on
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return _Function(engine.get_function_address(name))


@cache
def _linker() -> Any:
    """Return LLVM, ready to link."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    # Numba's array has an owner, which is none here; what would free it is linked and never called
    llvm.add_symbol("NRT_MemInfo_call_dtor", ctypes.cast(_nothing, ctypes.c_void_p).value)
    return llvm


_engines: list[Any] = []  # machine code is there for as long as its engine is
_nothing = ctypes.CFUNCTYPE(None)(lambda: None)

run = Kernel("seqlab.fused.network", "run")
generate = Kernel("seqlab.fused.temporal_order", "generate")
write = Kernel("seqlab.fused.writing", "write")


def is_compiled() -> bool:
    """Say whether nothing must be compiled for training."""
    return run.is_compiled() and generate.is_compiled()
