"""The just-in-time compiler, as decorators; what it makes is kept in :mod:`seqlab.fused.cache`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import config
from numba.extending import intrinsic

from seqlab.fused.cache import cache_folder

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function for the types that it is called with; it runs without Python's global lock."""
    return _compile(function, nogil=True)


def part(function: F) -> F:
    """Compile a function that only compiled code calls; without a way in from Python that is faster."""
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def copied(function: F) -> F:
    """Compile a function as a part of each that calls it; of a chain of parts each compiles all below it."""
    return _compile(function, inline="always")


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of compiled code of one that returns its signature and a maker of its instructions."""
    return cast(Callable[..., Any], intrinsic(function))


def _compile(function: F, **options: Any) -> F:
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
