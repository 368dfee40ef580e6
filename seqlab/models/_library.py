"""Whole sequences read by the layers that come with torch: cuDNN on a CUDA machine, oneDNN on a processor."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.backends import mkldnn

from seqlab.models._cell import Input

_ONEDNN: bool = mkldnn.is_available()  # type: ignore[no-untyped-call]
SCALE = 1024.0
"""How many times as large gradients are within a layer in float16."""

Change = Callable[[Tensor], Tensor]

_LAYERS = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu, "gru": torch.gru}


def has_cudnn(W: Tensor) -> bool:
    """Say whether cuDNN reads with these weights."""
    return W.is_cuda


def has_onednn(x: Tensor, W: Tensor) -> bool:
    """Say whether oneDNN reads features with the weights of an LSTM: in float32, on the processor."""
    return _ONEDNN and x.is_floating_point() and W.is_cpu and W.dtype == torch.float32


def read_in_library(
    cell: str, x: Tensor, state: tuple[Tensor, ...], read: Input, W: Tensor, c: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Read a whole sequence with torch's layer of a cell.

    Such a layer multiplies whatever it is given, so symbols are given as one-hot vectors. It has a second
    bias, of which only that of a GRU's n is not the same as the first.

    Args:
        cell: lstm, gru (reset after), tanh or relu.
        x: (B, T) symbols or (B, T, I) features.
        state: the parts of the state, each (B, H).
        read: U and b.
        W: the recurrent weights, (N, H), the gates in torch's order.
        c: the second bias of a GRU's n, (H,).

    Returns:
        h at every step (B, T, H), and the state after the last.
    """
    if not x.is_floating_point():
        x = F.one_hot(x.clamp(min=0), read.weight.shape[1])
    second = torch.zeros_like(read.bias)
    if c is not None:
        second = torch.cat([second[: -len(c)], c])
    enter, leave = _passage(W) if cell != "relu" else (_as_it_is, _as_it_is)  # which 16 bits may not hold
    weights = [enter(part) for part in (read.weight, W, read.bias, second)]
    x, start = enter(x.to(W.dtype)), [enter(part[None].to(W.dtype)) for part in state]
    learning = torch.is_grad_enabled()
    # What autocast would take is not taken. The warning is that the weights do not lie side by side, which
    # costs a copy of them.
    with torch.autocast(x.device.type, enabled=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights")
        if cell == "lstm":
            outputs, *end = torch.lstm(x, start, weights, True, 1, 0.0, learning, False, True)
        else:
            outputs, *end = _LAYERS[cell](x, start[0], weights, True, 1, 0.0, learning, False, True)
    return leave(outputs), tuple(leave(part)[0] for part in end)


def _passage(W: Tensor) -> tuple[Change, Change]:
    """Return how numbers go into a layer, and how they come out: in 16 bits, within autocast.

    cuDNN has its fastest layers in float16. Small gradients would vanish there, so within the layer they are
    :data:`SCALE` times as large (Micikevicius et al. 2018). oneDNN takes bfloat16, which has the range of
    float32.
    """
    if not torch.is_autocast_enabled(W.device.type) or W.dtype != torch.float32:
        return _as_it_is, _as_it_is
    if not W.is_cuda:
        return (lambda part: part.to(torch.bfloat16)), (lambda part: part.float())

    def enter(part: Tensor) -> Tensor:
        scaled: Tensor = _ScaledGradient.apply(part, 1 / SCALE)  # type: ignore[no-untyped-call]
        return scaled.to(torch.float16)

    def leave(part: Tensor) -> Tensor:
        scaled: Tensor = _ScaledGradient.apply(part.float(), SCALE)  # type: ignore[no-untyped-call]
        return scaled

    return enter, leave


def _as_it_is(part: Tensor) -> Tensor:
    return part


class _ScaledGradient(torch.autograd.Function):
    """The number itself; its gradient times a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradient: Any) -> tuple[Tensor | None, ...]:
        return gradient[0] * ctx.factor, None
