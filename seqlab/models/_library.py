"""Whole sequences read by the layers that come with torch: cuDNN on a CUDA machine, oneDNN on a processor."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.backends import mkldnn

from seqlab.models._cell import Input

_ONEDNN: bool = mkldnn.is_available()  # type: ignore[no-untyped-call]
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
        x = F.one_hot(x.clamp(min=0), read.weight.shape[1]).to(W.dtype)
    second = torch.zeros_like(read.bias)
    if c is not None:
        second = torch.cat([second[: -len(c)], c])
    x, weights = x.to(W.dtype), (read.weight, W, read.bias, second)
    start, learning = [part[None].to(W.dtype) for part in state], torch.is_grad_enabled()
    # In full precision: autocast would take float16, in which gradients underflow. The warning is that the
    # weights do not lie side by side, which costs a copy of them.
    with torch.autocast(x.device.type, enabled=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights")
        if cell == "lstm":
            outputs, *end = torch.lstm(x, start, weights, True, 1, 0.0, learning, False, True)
        else:
            outputs, *end = _LAYERS[cell](x, start[0], weights, True, 1, 0.0, learning, False, True)
    return outputs, tuple(part[0] for part in end)
