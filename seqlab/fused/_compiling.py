"""The just-in-time compiler, as decorators; what it makes is kept in :mod:`seqlab.fused.cache`.

Numba optimises and emits every function together with all that it calls, so a chain of functions would be
compiled many times over. Here that is done once, for the function that Python calls.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic

from seqlab.fused.cache import cache_folder

F = TypeVar("F", bound=Callable[..., Any])


def _do_without_blas() -> None:
    """Import the last of Numba without SciPy's BLAS: no kernel uses it, and it takes 15 MB and 0.2 s."""
    name = "scipy.linalg.cython_blas"
    if name not in sys.modules:
        sys.modules[name] = cast(Any, None)
        try:
            import numba.np.arraymath  # noqa: F401
        finally:
            del sys.modules[name]


_do_without_blas()


class _Whole(JITCodeLibrary):  # type: ignore[misc]
    """Code that Python calls, optimised once (Numba does it twice, to save counting of references)."""

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """Code as it was written; it is optimised and emitted where it is linked into code that Python calls."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 0  # there is none

    @property
    def codegen(self) -> _Part:
        return self  # whose set_env is asked for

    def set_env(self, name: str, env: object) -> None:
        pass  # what only Python objects in compiled code would need, and what is not emitted has no room for


class _WholeCompiler(Compiler):  # type: ignore[misc]
    def __init__(self, typing: Any, target: Any, _: None, *rest: Any) -> None:
        library = _Whole(target.codegen(), "whole")
        library.enable_object_caching()
        super().__init__(typing, target, library, *rest)


class _PartCompiler(Compiler):  # type: ignore[misc]
    def __init__(self, typing: Any, target: Any, _: None, *rest: Any) -> None:
        super().__init__(typing, target, _Part(target.codegen(), "part"), *rest)


def compiled(function: F) -> F:
    """Compile a function for the types that Python calls it with; it runs without Python's global lock."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        return _compile(function, _WholeCompiler, cache=True, nogil=True)
    finally:
        config.CACHE_DIR = before


def part(function: F) -> F:
    """Compile a function that only compiled code calls."""
    return _compile(function, _PartCompiler, no_cpython_wrapper=True)


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of compiled code of one that returns its signature and a maker of its instructions."""
    return cast(Callable[..., Any], intrinsic(function))


def _compile(function: F, pipeline: type[Any], **options: Any) -> F:
    dispatcher = numba.njit(error_model="numpy", no_cfunc_wrapper=True, pipeline_class=pipeline, **options)(
        function
    )
    _forget_literals(dispatcher)
    return cast(F, dispatcher)


def _forget_literals(dispatcher: Any) -> None:
    """Compile f(x, 0) and f(x, n) to the same code; Numba would compile f anew for each literal number."""
    template = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return template([types.unliteral(arg) for arg in args], kws)

    dispatcher.get_call_template = get_call_template
