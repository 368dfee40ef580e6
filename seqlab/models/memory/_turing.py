"""What is compiled of a neural Turing machine: its steps over a whole sequence, and the way back.

They lie in :mod:`seqlab.models.memory._turing_read` and ``_turing_back``, which need Numba, as this does not.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from seqlab.compiling import Kernel
from seqlab.errors import EngineError

ADDRESS = 6
"""What tells a head where to go, besides a key: strength, gate, three shifts, sharpness."""

SMALL = 1e-16
"""Added to the square of a norm, so that a slot of noughts has one; far below that of the slots' start."""

FLOOR = 1e-8
"""Added to a weight before its logarithm."""

SOURCES = tuple(f"models/memory/{name}.py" for name in ("_turing", "_turing_read", "_turing_back"))

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in another order, as several lanes at a time do; all else is as it is written."""

_1, _2, _3, _4 = ("f4[" + ":," * axes + "::1]" for axes in range(4))

_kernel = partial(Kernel, sources=SOURCES, fastmath=REORDERED, _nrt=True)
"""A product of matrices, and room for it, need memory."""

READ = _kernel(
    "seqlab.models.memory._turing_read",
    "read_sequence",
    f"none({_3}, {_2}, {_2}, {_1}, {_3}, {_3}, {_3}, {_3}, {_4}, {_4}, {_4}, {_4}, i8, b1, {_1})",
)
GO_BACK = _kernel(
    "seqlab.models.memory._turing_back",
    "go_back",
    f"none({_2}, {_2}, {_3}, {_3}, {_3}, {_4}, {_4}, {_4}, {_4}, i8, b1, {_1}, {_3}, {_2}, {_2}, {_3}, {_3}, "
    f"{_3}, {_3})",
)


@cache
def load() -> bool:
    """Load both, compiled if need be; say whether that can be done: whether Numba is installed, and works."""
    try:
        READ.load()
        GO_BACK.load()
    except EngineError:
        return False
    return True


def part(function: Any) -> Any:
    """Let compiled code contain a function.

    What is called instead is another copy where the code was kept than where it has just been compiled, and
    the two differ in the last bits.
    """
    from numba.extending import register_jitable

    return register_jitable(
        fastmath=REORDERED,
        error_model="numpy",
        forceinline=True,
        no_cfunc_wrapper=True,
        no_cpython_wrapper=True,
    )(function)
