"""The gated recurrent unit, with the reset gate after or before the recurrent matrix."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision, history
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence
from seqlab.models._library import Layer, has_cudnn, read_in_library


class GRU(Cell):
    """The gated recurrent unit.

        r(t) = sigmoid(U_r x(t) + W_r h(t-1) + b_r)                     what of the past the new state sees
        z(t) = sigmoid(U_z x(t) + W_z h(t-1) + b_z)                     what of the past is kept
        n(t) =    tanh(U_n x(t) + b_n + r(t) * (W_n h(t-1) + c))        reset "after"
        n(t) =    tanh(U_n x(t) + b_n + W_n (r(t) * h(t-1)))            reset "before"
        h(t) = z(t) * h(t-1) + (1 - z(t)) * n(t)

    U, W and b hold the three gates one below the other in this order. Reset "before" W_n is the unit as it
    was published and as NYU 6-2 has it; "after" it is the form of PyTorch's layer and of cuDNN, in which one
    product gives all three gates' shares of h(t-1) and which needs the second bias c.

    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; NYU 6-2.

    Initialisation: U, b and c uniform in plus or minus 1 / sqrt(H); each gate's W as ``start`` says. With
    ``chrono`` = T: b_z = log u with u uniform in [1, T-1] (Tallec & Ollivier 2018; z keeps, as f does there).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        reset: whether r acts after or before W_n.
        chrono: the longest lag T to prepare for, in steps; None for no preparation.
        start: how each gate's W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which each gate's W is rescaled after that; None to leave it.
    """

    recurrent: tuple[str, ...] = ("W",)
    gate_names: ClassVar[tuple[str, ...]] = ("r", "z", "n")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset: Literal["after", "before"] = "after",
        chrono: Annotated[int, Field(ge=2)] | None = None,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 3 * hidden_size)
        self.W = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.c = nn.Parameter(torch.empty(hidden_size)) if reset == "after" else None
        self.chrono = chrono
        self.recurrent_start = (start, spectral_radius)

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return r, z and n, each (B, H), of the step that :meth:`step` would take."""
        (h,) = state
        u_r, u_z, u_n = self.input(x).chunk(3, -1)
        W_r, W_z, W_n = self.W.chunk(3)
        r = torch.sigmoid(u_r + F.linear(h, W_r))
        z = torch.sigmoid(u_z + F.linear(h, W_z))
        inner = F.linear(r * h, W_n) if self.c is None else r * F.linear(h, W_n, self.c)
        return r, z, torch.tanh(u_n + inner)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        _, z, n = self.gates(x, state)
        return (z * state[0] + (1 - z) * n,)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`. With the reset after, on CUDA cuDNN does it."""
        layer = self.in_library(features=x.is_floating_point())
        if layer is not None:
            outputs, (end,) = read_in_library([layer], x, [state])
            return outputs, end
        sums = self.input(x.transpose(0, 1))  # (T, B, 3H)
        keep = torch.is_grad_enabled()
        h: Tensor
        if self.c is None:
            h = _ResetBefore.apply(sums, self.W, *state, keep)  # type: ignore[no-untyped-call]
        else:
            h = _ResetAfter.apply(sums, self.W, self.c, *state, keep)  # type: ignore[no-untyped-call]
        return h.transpose(0, 1), (h[-1],)

    def in_library(self, *, features: bool) -> Layer | None:
        """Return the layer of torch's that reads so, with the reset after; see :meth:`Cell.in_library`."""
        reads = self.c is not None and has_cudnn(self.W)
        return Layer("gru", self.input, self.W, self.c) if reads else None

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)
        if self.chrono is not None:
            with torch.no_grad():
                b_z = self.input.bias.chunk(3)[1]
                b_z.uniform_(1, self.chrono - 1, generator=generator).log_()

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, *, reset: str = "after", **options: object) -> int:
        """Return the number of weights of the cell: 3 H (I + H + 1), and H more for c."""
        return 3 * hidden_size * (input_size + hidden_size + 1) + (hidden_size if reset == "after" else 0)


class _ResetAfter(torch.autograd.Function):
    """The steps of a whole sequence, and the way back by hand, with m = W_n h(t-1) + c.

    dh stands for dJ/dh(t) with all that later steps add; a are the gates' sums before sigmoid or tanh:

        d a_n   = dh * (1 - z) (1 - n^2)
        d m     = d a_n * r
        d a_r   = d a_n * m * r (1 - r)
        d a_z   = dh * (h(t-1) - n) * z (1 - z)
        dh(t-1) = dJ(t-1)/dh(t-1) + dh * z + W_n^T d m + W_r^T d a_r + W_z^T d a_z

    All four are dh times what is known before the way back begins, and is computed for all steps at once.
    """

    @staticmethod
    @full_precision
    def forward(ctx: Any, sums: Tensor, W: Tensor, c: Tensor, start: Tensor, keep: bool) -> Tensor:
        steps, batch, size = sums.shape[0], sums.shape[1], W.shape[1]
        h = sums.new_empty(steps + 1, batch, size)
        h[0] = start
        gates, inner, new = (history(sums, width, keep=keep) for width in (2 * size, size, size))
        W_rz, W_n = W[: 2 * size].t(), W[2 * size :].t()
        moments = h.unbind()
        for share, before, now, rz, m, n in zip(
            sums.unbind(), moments, moments[1:], gates.unbind(), inner.unbind(), new.unbind(), strict=False
        ):
            r, z = torch.addmm(share[:, : 2 * size], before, W_rz, out=rz).sigmoid_().chunk(2, 1)
            torch.addmm(c, before, W_n, out=m)
            torch.addcmul(share[:, 2 * size :], r, m, out=n).tanh_()
            torch.lerp(n, before, z, out=now)
        if keep:
            ctx.save_for_backward(W, h, gates, inner, new)
        return h[1:]

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
        W, h, gates, m, n = ctx.saved_tensors
        size, before = W.shape[1], h[:-1]
        r, z = gates.chunk(2, 2)
        into_n = (1 - z) * (1 - n * n)
        da = torch.stack([into_n * r, into_n * m * r * (1 - r), (before - n) * z * (1 - z), into_n], 2)
        W_mrz = W.roll(size, 0)  # the order in da: m, r, z, n
        total = torch.zeros_like(h[0])
        for dh_t, da_t, z_t in zip(*(part.unbind()[::-1] for part in (dh, da, z)), strict=True):
            total += dh_t
            da_t.mul_(total[:, None])
            total.mul_(z_t).addmm_(da_t.flatten(1)[:, : 3 * size], W_mrz)
        da = da.flatten(2)
        dW = da[..., : 3 * size].flatten(0, 1).t() @ before.flatten(0, 1)
        return da[..., size:], dW.roll(-size, 0), da[..., :size].sum((0, 1)), total, None


class _ResetBefore(torch.autograd.Function):
    """The steps of a whole sequence, and the way back by hand, with s = r * h(t-1).

    Letters as in :class:`_ResetAfter`:

        d a_n   = dh * (1 - z) (1 - n^2)
        d s     = W_n^T d a_n
        d a_r   = d s * h(t-1) * r (1 - r)
        d a_z   = dh * (h(t-1) - n) * z (1 - z)
        dh(t-1) = dJ(t-1)/dh(t-1) + dh * z + d s * r + W_r^T d a_r + W_z^T d a_z
    """

    @staticmethod
    @full_precision
    def forward(ctx: Any, sums: Tensor, W: Tensor, start: Tensor, keep: bool) -> Tensor:
        steps, batch, size = sums.shape[0], sums.shape[1], W.shape[1]
        h = sums.new_empty(steps + 1, batch, size)
        h[0] = start
        gates, seen, new = (history(sums, width, keep=keep) for width in (2 * size, size, size))
        W_rz, W_n = W[: 2 * size].t(), W[2 * size :].t()
        moments = h.unbind()
        for share, before, now, rz, s, n in zip(
            sums.unbind(), moments, moments[1:], gates.unbind(), seen.unbind(), new.unbind(), strict=False
        ):
            r, z = torch.addmm(share[:, : 2 * size], before, W_rz, out=rz).sigmoid_().chunk(2, 1)
            torch.mul(r, before, out=s)
            torch.addmm(share[:, 2 * size :], s, W_n, out=n).tanh_()
            torch.lerp(n, before, z, out=now)
        if keep:
            ctx.save_for_backward(W, h, gates, seen, new)
        return h[1:]

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
        W, h, gates, s, n = ctx.saved_tensors
        size, before = W.shape[1], h[:-1]
        r, z = gates.chunk(2, 2)
        da = torch.stack([before * r * (1 - r), (before - n) * z * (1 - z), (1 - z) * (1 - n * n)], 2)
        W_rz, W_n = W[: 2 * size], W[2 * size :]
        total = torch.zeros_like(h[0])
        ds = torch.empty_like(total)
        for dh_t, da_t, r_t, z_t in zip(*(part.unbind()[::-1] for part in (dh, da, r, z)), strict=True):
            total += dh_t
            da_t[:, 1:].mul_(total[:, None])
            torch.mm(da_t[:, 2], W_n, out=ds)
            da_t[:, 0].mul_(ds)
            total.mul_(z_t).addcmul_(ds, r_t).addmm_(da_t.flatten(1)[:, : 2 * size], W_rz)
        da = da.flatten(2)
        da_rz, da_n = da[..., : 2 * size].flatten(0, 1), da[..., 2 * size :].flatten(0, 1)
        dW = torch.cat([da_rz.t() @ before.flatten(0, 1), da_n.t() @ s.flatten(0, 1)])
        return da, dW, total, None
