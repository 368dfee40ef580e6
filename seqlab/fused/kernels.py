"""The compiled functions of the fused engine as Python calls them."""

from __future__ import annotations

from functools import partial

from seqlab.compiling import Kernel

kernel = partial(Kernel, sources=("fused",))

_F1, _F2, _F3 = "f4[::1]", "f4[:,::1]", "f4[:,:,::1]"
_D1 = "f8[::1]"

run = kernel(
    "seqlab.fused.network",
    "run",
    f"f8(i8, i8, i8, i8, {_F1}, i8[:,::1], {_F1}, {_F2}, {_F1}, {_F1}, {_F1}, {_F2}, "
    f"{_F3}, {_F3}, {_F3}, {_F2}, {_F1}, {_F3}, {_F2}, b1, b1, i8, i8, {_D1}, {_D1}, "
    f"f8, f8, f8, {_F1}, {_D1}, {_D1}, {_D1}, i8[::1])",
)
write = kernel(
    "seqlab.fused.writing",
    "write",
    f"f8(b1, i8[:,::1], {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, f8, {_F1})",
)
clear = kernel("seqlab.fused.products", "clear", f"none({_F1}, i8)")
"""So small that it is compiled in a moment: it shows whether Numba can compile here."""
