"""The just-in-time compiler: one decorator, and a cache that never serves old code.

Compiled code is kept in the user's cache folder, below a name that is the hash of this package's source. So
a change anywhere in it compiles anew (Numba by itself looks only at the file of the outermost function), and
it does not matter whether the package's own folder can be written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs
from numba import types
from numba.core import config
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


@cache
def cache_folder() -> Path:
    """Return the folder of compiled code: in NUMBA_CACHE_DIR, SEQLAB_CACHE_DIR or the user's cache folder."""
    digest = hashlib.sha256(numba.__version__.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    chosen = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("SEQLAB_CACHE_DIR")
    base = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seqlab"))
    return base / f"compiled-{digest.hexdigest()[:16]}"


def compiled(function: F) -> F:
    """Compile a function for the types that it is called with; it runs without Python's global lock."""
    return _compile(function, nogil=True)


def part(function: F) -> F:
    """Compile a function that only compiled code calls; without a way in from Python that is faster."""
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of compiled code of one that returns its signature and a maker of its instructions."""
    return cast(Callable[..., Any], intrinsic(function))


def _compile(function: F, **options: bool) -> F:
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        dispatcher = numba.njit(cache=True, error_model="numpy", **options)(function)
    finally:
        config.CACHE_DIR = before
    _forget_literals(dispatcher)
    return cast(F, dispatcher)


def _forget_literals(dispatcher: Any) -> None:
    """Compile f(x, 0) and f(x, n) to the same code; Numba would compile f anew for each literal number."""
    template = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return template([types.unliteral(arg) for arg in args], kws)

    dispatcher.get_call_template = get_call_template


def is_compiled() -> bool:
    """Say whether compiled code lies in the cache."""
    return any(cache_folder().rglob("network.run-*.nbi"))
