"""The long short-term memory with a forget gate."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision, history
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence
from seqlab.models._library import has_cudnn, has_onednn, read_in_library


class LSTM(Cell):
    """The long short-term memory with a forget gate.

        i(t) = sigmoid(U_i x(t) + W_i h(t-1) + b_i)         what is written
        f(t) = sigmoid(U_f x(t) + W_f h(t-1) + b_f)         what is kept
        g(t) =    tanh(U_g x(t) + W_g h(t-1) + b_g)         what would be written
        o(t) = sigmoid(U_o x(t) + W_o h(t-1) + b_o)         what is shown
        c(t) = f(t) * c(t-1) + i(t) * g(t)
        h(t) = o(t) * tanh(c(t))

    U, W and b hold the four gates one below the other in this order (DLE-11, CS231n-10). There is one bias
    for each gate, as the equations have it; PyTorch's layer has two, which are added.

    Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate: Gers,
    Schmidhuber & Cummins, 2000; NYU 6-2, KMU-8 eq. 8.40-8.46.

    Initialisation: U and b uniform in plus or minus 1 / sqrt(H); each gate's W as ``start`` says; b_f = 1
    (Jozefowicz et al. 2015). With ``chrono`` = T: b_f = log u with u uniform in [1, T-1], b_i = -b_f, so that
    memories of all lengths up to T are there from the start (Tallec & Ollivier 2018).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        forget_bias: b_f at the start.
        chrono: the longest lag T to prepare for, in steps; it takes the place of ``forget_bias``.
        start: how each gate's W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which each gate's W is rescaled after that; None to leave it.
    """

    parts: ClassVar[tuple[str, ...]] = ("h", "c")
    recurrent: ClassVar[tuple[str, ...]] = ("W",)
    gate_names: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float = 1.0,
        chrono: Annotated[int, Field(ge=2)] | None = None,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 4 * hidden_size)
        self.W = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.forget_bias = forget_bias
        self.chrono = chrono
        self.recurrent_start = (start, spectral_radius)

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return i, f, g and o, each (B, H), of the step that :meth:`step` would take."""
        i, f, g, o = (self.input(x) + F.linear(state[0], self.W)).chunk(4, -1)
        return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        i, f, g, o = self.gates(x, state)
        c = f * state[1] + i * g
        return o * torch.tanh(c), c

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`.

        It is read by cuDNN on a CUDA machine. On a processor features are read by oneDNN where it can, in
        float32, up to four times as fast as step by step; symbols, which are looked up, are not for it.
        """
        if has_cudnn(self.W) or has_onednn(x, self.W):
            return read_in_library("lstm", x, state, self.input, self.W)
        sums = self.input(x.transpose(0, 1))
        h, c = _Sequence.apply(sums, self.W, *state, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
        return h.transpose(0, 1), (h[-1], c)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)
        with torch.no_grad():
            b_i, b_f, _, _ = self.input.bias.chunk(4)
            b_f.fill_(self.forget_bias)
            if self.chrono is not None:
                b_f.uniform_(1, self.chrono - 1, generator=generator).log_()
                b_i.copy_(-b_f)

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: 4 H (I + H + 1)."""
        return 4 * hidden_size * (input_size + hidden_size + 1)


class _Sequence(torch.autograd.Function):
    """The steps of a whole sequence with the four gates as one matrix, and the way back by hand.

    dh and dc stand for dJ/dh(t) and dJ/dc(t) with all that later steps add:

        dc     += dh * o * (1 - tanh(c)^2)
        d a_i   = dc * g * i (1 - i)            a: the gates' sums before their sigmoid or tanh
        d a_f   = dc * c(t-1) * f (1 - f)
        d a_g   = dc * i * (1 - g^2)
        d a_o   = dh * tanh(c) * o (1 - o)
        dc(t-1) = dc * f
        dh(t-1) = dJ(t-1)/dh(t-1) + W^T d a
        dW      = sum_t d a(t) h(t-1)^T

    Everything right of dc and dh is known before the way back begins, and is computed for all steps at once.
    """

    @staticmethod
    @full_precision
    def forward(
        ctx: Any, sums: Tensor, W: Tensor, h_start: Tensor, c_start: Tensor, keep: bool
    ) -> tuple[Tensor, Tensor]:
        steps, batch, size = sums.shape[0], sums.shape[1], W.shape[1]
        h = sums.new_empty(steps + 1, batch, size)
        h[0], c = h_start, c_start
        gates, cells, shown = (history(sums, width, keep=keep) for width in (4 * size, size, size))
        moments = h.unbind()
        for share, before, now, gate, c_now, tanh_c in zip(
            sums.unbind(), moments, moments[1:], gates.unbind(), cells.unbind(), shown.unbind(), strict=False
        ):
            i, f, g, o = torch.addmm(share, before, W.t(), out=gate).chunk(4, 1)
            gate[:, : 2 * size].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            c = torch.mul(f, c, out=c_now).addcmul_(i, g)
            torch.mul(o, torch.tanh(c, out=tanh_c), out=now)
        if keep:
            ctx.save_for_backward(W, h, gates, cells, shown, c_start)
        return h[1:], c.clone()

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        W, h, gates, cells, tanh_c, c_start = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, 2)
        c_before = torch.cat([c_start[None], cells[:-1]])
        da = torch.stack([g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)], 2)
        into_c = o * (1 - tanh_c * tanh_c)
        dc = dc.clone()
        total = torch.zeros_like(c_start)
        for dh_t, da_t, into_c_t, f_t in zip(
            *(part.unbind()[::-1] for part in (dh, da, into_c, f)), strict=True
        ):
            total += dh_t
            dc.addcmul_(total, into_c_t)
            da_t[:, :3].mul_(dc[:, None])
            da_t[:, 3].mul_(total)
            dc.mul_(f_t)
            torch.mm(da_t.flatten(1), W, out=total)
        da = da.flatten(2)
        dW = da.flatten(0, 1).t() @ h[:-1].flatten(0, 1)
        return da, dW, total, dc, None
