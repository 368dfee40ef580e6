"""What marks functions for the compiler, Numba; :mod:`seqlab.fused.kernels` has those that Python calls.

Numba optimises a function together with all that it calls, so a chain of functions is compiled over and over.
An inlined function is not: it is only ever a piece of its caller. Hence the longer functions that are called
in one place are inlined, which takes a third off the time of compiling.

No function allocates memory, and without Numba's counting of references (``_nrt``) the smallest networks
train 7 % faster. Then only an inlined function can return a part of an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic, register_jitable

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True, "_nrt": False}
"""Of what is called by compiled code only."""


def part(function: F) -> F:
    """Let compiled code call a function; it is compiled once, whatever literal numbers it is called with."""
    return cast(F, register_jitable(**OPTIONS)(function))


def inlined(function: F) -> F:
    """Let compiled code contain a function, wherever it is called."""
    return cast(F, numba.njit(inline="always", **OPTIONS)(function))


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of compiled code of one that returns its signature and a maker of its instructions."""
    return cast(Callable[..., Any], intrinsic(function))
