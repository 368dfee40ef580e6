"""The compiled functions of the fused engine as Python calls them."""

from __future__ import annotations

from functools import partial

from seqlab.compiling import Kernel

kernel = partial(Kernel, sources=("fused", "tasks/lags/temporal_order.py"))

_F1, _F2, _F3 = "f4[::1]", "f4[:,::1]", "f4[:,:,::1]"
_D1 = "f8[::1]"

run = kernel(
    "seqlab.fused.network",
    "run",
    f"f8(i8, i8, i8, i8, {_F1}, i8[:,::1], {_F1}, {_F2}, {_F1}, {_F1}, {_F1}, {_F2}, "
    f"{_F3}, {_F3}, {_F3}, {_F2}, {_F1}, {_F3}, {_F2}, b1, b1, i8, i8, {_D1}, {_D1}, "
    f"f8, f8, f8, {_F1}, {_D1}, {_D1}, {_D1}, i8[::1])",
)
generate = kernel(
    "seqlab.fused.temporal_order",
    "generate",
    "none(i8[:,::1], u4[::1], i8, u8[::1], u4[::1], f8[:,::1], f4[:,:,:,::1], f4[:,:,:,::1])",
)
write = kernel(
    "seqlab.fused.writing",
    "write",
    f"f8(b1, i8[:,::1], {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, {_F1}, f8, {_F1})",
)


def is_compiled() -> bool:
    """Say whether nothing must be compiled for training."""
    return run.is_compiled() and generate.is_compiled()
