"""Whole sequences read by the layers that come with torch: cuDNN on a CUDA machine, oneDNN on a processor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def has_onednn(W: Tensor, *, features: bool) -> bool:
    """Say whether oneDNN reads with the weights of an LSTM: features in float32, on the processor."""
    return _ONEDNN and features and W.is_cpu and W.dtype == torch.float32


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of torch's, and the weights of a cell that it reads with.

    Such a layer has a second bias, of which only that of a GRU's n is not the same as the first.

    Attributes:
        kind: lstm, gru (reset after), tanh or relu.
        read: U and b.
        W: the recurrent weights, (N, H), the gates in torch's order.
        c: the second bias of a GRU's n, (H,).
    """

    kind: str
    read: Input
    W: Tensor
    c: Tensor | None = None

    def weights(self) -> tuple[Tensor, ...]:
        """Return U, W, b and the second bias, as torch wants them."""
        second = torch.zeros_like(self.read.bias)
        if self.c is not None:
            second = torch.cat([second[: -len(self.c)], self.c])
        return self.read.weight, self.W, self.read.bias, second


def read_in_library(
    layers: Sequence[Layer], x: Tensor, states: Sequence[tuple[Tensor, ...]]
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    """Read a whole sequence with torch's layers, one above the other and nothing between.

    They multiply whatever they are given, so symbols are given as one-hot vectors. Several are read at once:
    cuDNN begins with the second while the first still reads.

    Args:
        layers: of one kind and number of units.
        x: (B, T) symbols or (B, T, I) features.
        states: of each layer the parts of the state, each (B, H).

    Returns:
        h of the last layer at every step (B, T, H), and each layer's state after the last step.
    """
    kind, W, count = layers[0].kind, layers[0].W, len(layers)
    if not x.is_floating_point():
        x = F.one_hot(x.clamp(min=0), layers[0].read.weight.shape[1])
    enter, leave = _passage(W) if kind != "relu" else (_as_it_is, _as_it_is)  # which 16 bits may not hold
    weights = [enter(part) for layer in layers for part in layer.weights()]
    x, start = (
        enter(x.to(W.dtype)),
        [enter(torch.stack(parts).to(W.dtype)) for parts in zip(*states, strict=True)],
    )
    learning = torch.is_grad_enabled()
    # What autocast would take is not taken. The warning is that the weights do not lie side by side, which
    # costs a copy of them.
    with torch.autocast(x.device.type, enabled=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights")
        if kind == "lstm":
            outputs, *ends = torch.lstm(x, start, weights, True, count, 0.0, learning, False, True)
        else:
            outputs, *ends = _LAYERS[kind](x, start[0], weights, True, count, 0.0, learning, False, True)
    ends = [leave(part) for part in ends]
    return leave(outputs), [tuple(part[layer] for part in ends) for layer in range(count)]


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
