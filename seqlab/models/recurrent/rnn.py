"""The plain recurrent network of Elman (tanh or relu)."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence
from seqlab.models._library import Layer, has_cudnn, read_in_library

Nonlinearity = Literal["tanh", "relu"]


class RNN(Cell):
    """The plain recurrent cell.

        a(t) = U x(t) + W h(t-1) + b
        h(t) = tanh(a(t))                or relu(a(t))

    Elman, "Finding structure in time", Cognitive Science 14, 1990; KMU-8 eq. 8.7-8.8.

    Initialisation: U and b uniform in plus or minus 1 / sqrt(H); W as ``start`` says.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        nonlinearity: tanh or relu.
        start: how W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which W is rescaled after that; None to leave it.
    """

    recurrent: tuple[str, ...] = ("W",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: Nonlinearity = "tanh",
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.nonlinearity: Nonlinearity = nonlinearity
        self.recurrent_start = (start, spectral_radius)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        (h,) = state
        a = self.input(x) + F.linear(h, self.W)
        return (torch.tanh(a) if self.nonlinearity == "tanh" else torch.relu(a),)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`. On a CUDA machine cuDNN does it."""
        layer = self.in_library(features=x.is_floating_point())
        if layer is not None:
            outputs, (end,) = read_in_library([layer], x, [state])
            return outputs, end
        sums = self.input(x.transpose(0, 1))  # (T, B, H)
        h: Tensor = _Sequence.apply(sums, self.W, *state, self.nonlinearity)  # type: ignore[no-untyped-call]
        return h.transpose(0, 1), (h[-1],)

    def in_library(self, *, features: bool) -> Layer | None:
        """Return the layer of torch's that reads so, on a CUDA machine; see :meth:`Cell.in_library`."""
        return Layer(self.nonlinearity, self.input, self.W) if has_cudnn(self.W) else None

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: H (I + H + 1)."""
        return hidden_size * (input_size + hidden_size + 1)


class _Sequence(torch.autograd.Function):
    """The steps of a whole sequence, and back-propagation through time (KMU-8 eq. 8.18-8.24).

    With delta(t) = dJ/da(t) and D(t) the slopes at a(t), 1 - h(t)^2 for tanh:

        dJ~(t)/dh(t) = dJ(t)/dh(t) + W^T delta(t+1)         (8.21); dJ(t)/dh(t) comes in: (8.20)
        delta(t)     = D(t) dJ~(t)/dh(t)
        dJ/dW        = sum_t delta(t) h(t-1)^T              (8.24)

    The gradients of U and b follow from delta outside, in :class:`Input`.
    """

    @staticmethod
    @full_precision
    def forward(ctx: Any, sums: Tensor, W: Tensor, start: Tensor, nonlinearity: Nonlinearity) -> Tensor:
        steps, batch, size = sums.shape  # sums: U x(t) + b
        h = sums.new_empty(steps + 1, batch, size)
        h[0] = start
        activate = torch.tanh_ if nonlinearity == "tanh" else torch.relu_
        moments = h.unbind()
        for share, before, now in zip(sums.unbind(), moments, moments[1:], strict=False):
            activate(torch.addmm(share, before, W.t(), out=now))
        ctx.save_for_backward(h, W)
        ctx.nonlinearity = nonlinearity
        return h[1:]

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        h, W = ctx.saved_tensors
        delta = 1 - h[1:] ** 2 if ctx.nonlinearity == "tanh" else (h[1:] > 0).to(h.dtype)  # D, for all steps
        total = dh[-1].clone(memory_format=torch.contiguous_format)  # dJ~(t)/dh(t)
        moments = delta.unbind()
        moments[-1].mul_(total)
        for share, now, after in zip(dh.unbind()[-2::-1], moments[-2::-1], moments[::-1], strict=False):
            now.mul_(torch.addmm(share, after, W, out=total))
        dW = delta.flatten(0, 1).t() @ h[:-1].flatten(0, 1)
        return delta, dW, delta[0] @ W, None
