"""The compiler: :func:`part` marks what it is for, :func:`machine_code` compiles what Python calls.

Numba optimises and emits every function together with all that it calls, so a chain of functions would be
compiled many times over. Here that is done once, for the function that Python calls, and Numba's own way of
calling it is left out: :mod:`seqlab.fused.kernels` has one that needs no Numba.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

from seqlab.fused.kernels import REAL, WHOLE

_HEAD = object.__basicsize__ // 8
"""Words before those of an array in NumPy's object: address, number of dimensions, shape's address."""

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


def part(function: F) -> F:
    """Compile a function that only compiled code calls."""
    return cast(F, _compile(function, _PartCompiler))


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of compiled code of one that returns its signature and a maker of its instructions."""
    return cast(Callable[..., Any], intrinsic(function))


def machine_code(function: Callable[..., Any], codes: Sequence[str]) -> tuple[str, bytes]:
    """Compile a part, to be called by the address of its arguments' words.

    Args:
        function: marked as :func:`part`; it returns a float or None.
        codes: of its arguments; see :mod:`seqlab.fused.kernels`.

    Returns:
        The name of the function in an object file, and the file.
    """
    arguments = _unpacking([_type_of(code) for code in codes])

    def called(words: Any) -> Any:
        return function(*arguments(words))

    whole = _compile(called, _WholeCompiler)
    whole.compile((types.CPointer(types.int64),))
    (compiled,) = whole.overloads.values()
    signature, entry, code = attrgetter("signature", "fndesc", "library")(compiled)
    assert signature.return_type in (types.float64, types.none), "the result is read as a float"
    return entry.llvm_func_name, code._get_compiled_object()


def _compile(function: Callable[..., Any], pipeline: type[Any]) -> Any:
    dispatcher = numba.njit(
        error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True, pipeline_class=pipeline
    )(function)
    _forget_literals(dispatcher)
    return dispatcher


def _type_of(code: str) -> Any:
    numbers = {WHOLE: types.int64, REAL: types.float64}
    return numbers.get(code) or types.Array(from_dtype(np.dtype(code[0])), int(code[1:]), "C")


def _unpacking(kinds: Sequence[Any]) -> Any:
    """Return a function of compiled code that makes a tuple of such values of the address of their words."""
    whole, word = types.Tuple(kinds), ir.IntType(64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def word_at(address: Any, index: int, kind: ir.Type = word) -> Any:
            place = builder.gep(address, [word(index)], source_etype=word)
            return builder.load(builder.bitcast(place, kind.as_pointer()), typ=kind)

        def value(index: int, kind: Any) -> Any:
            if not isinstance(kind, types.Array):
                return word_at(args[0], index, context.get_value_type(kind))
            array = context.make_array(kind)(context, builder)
            fields = word_at(args[0], index, word.as_pointer())  # a PyArrayObject
            data = word_at(fields, _HEAD, array.data.type)
            lengths = word_at(fields, _HEAD + 2, word.as_pointer())
            shape = [word_at(lengths, dimension) for dimension in range(kind.ndim)]
            size = word(kind.dtype.bitwidth // 8)
            strides = list(_strides(builder, shape, size))
            populate_array(array, data, shape, strides[::-1], size, meminfo=None)
            return array._getvalue()

        return context.make_tuple(builder, whole, [value(*item) for item in enumerate(kinds)])

    return intrinsic(lambda typingctx, words: (whole(words), codegen))


def _strides(builder: Any, shape: Sequence[Any], size: Any) -> Iterator[Any]:
    """Yield the distances in bytes of an array in C order, from the last dimension to the first."""
    for length in reversed(shape):
        yield size
        size = builder.mul(size, length)


def _forget_literals(dispatcher: Any) -> None:
    """Compile f(x, 0) and f(x, n) to the same code; Numba would compile f anew for each literal number."""
    template = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return template([types.unliteral(arg) for arg in args], kws)

    dispatcher.get_call_template = get_call_template
