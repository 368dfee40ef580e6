"""What the hand-derived passes of the cells share.

Each is a torch.autograd.Function over a whole sequence, time first. The loop over time keeps only what the
recurrence forces into it, on buffers made once; everything else is done for all steps at once: the inputs'
share before the loop, slopes before the backward loop, the gradient of the weights as one product after it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

is_exported: Callable[[], bool] = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)
"""Whether torch only traces what is computed, to be exported: then no number can be looked at."""


def outside_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which products are made in the precision of their factors."""
    return nullcontext() if is_exported() else torch.autocast(device.type, enabled=False)


def full_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run the forward or backward pass of a Function outside autocast, in float32 at least.

    A state that is added to at every step would lose in bfloat16 what the steps add. A gradient that is not
    materialised is None.
    """

    @functools.wraps(function)
    def run(ctx: Any, *arguments: Any) -> Any:
        device = next(argument.device for argument in arguments if isinstance(argument, Tensor))
        with outside_autocast(device):
            return function(ctx, *map(_widen, arguments))

    return run


def history(like: Tensor, width: int, *, keep: bool) -> Tensor:
    """Return a buffer (T, B, width) for what each step leaves behind, like (T, B, ...).

    Where nothing is kept, because no backward pass will come, all steps share the memory of one.
    """
    steps, batch = like.shape[:2]
    return like.new_empty(steps if keep else 1, batch, width).expand(steps, batch, width)


def _widen(argument: Any) -> Any:
    if isinstance(argument, Tensor) and argument.dtype in (torch.bfloat16, torch.float16):
        return argument.float()
    return argument
