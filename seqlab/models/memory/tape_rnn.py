"""A plain recurrent network that reads, writes and moves along tapes of vectors."""

from __future__ import annotations

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision
from seqlab.models._initialise import Start, start_recurrence
from seqlab.models._padding import may_look

MOVES = 4
"""Stay, left, right, and back to where the tape begins."""


class TapeRNN(Cell):
    """The plain recurrent cell with tapes; at each step it writes where the head is, then moves it.

        h(t)         = tanh(U x(t) + W h(t-1) + R sum_i p(t-1)[i] s(t-1)[i] + b)
        v(t)         = D h(t) + d                                        what is written
        s(t)[i]      = (1 - p(t-1)[i]) s(t-1)[i] + p(t-1)[i] v(t)
        k, l, r, j   = softmax(A h(t) + a)                               stay, left, right, home
        p(t)[i]      = k p(t-1)[i] + l p(t-1)[i+1] + r p(t-1)[i-1], and j more where i = 0

    p says where on the tape the head is; it begins in cell 0. From the ends nothing moves on: what would,
    stays. Each of the tapes has its own p, s and v. Whatever is to stay must be written again as it was read.

    Delétang et al., "Neural networks and the Chomsky hierarchy", 2022. There the head stands and the tape
    moves, and the jumps go as far as the input is long, to either side, which the network is told. Here it is
    told nothing: the jump goes home, which after reading an input from left to right is the same.

    Initialisation: all uniform in plus or minus 1 / sqrt(H), but W as ``start`` says.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        tapes: how many tapes there are, S.
        cell_size: numbers in a cell of a tape, C.
        cells: of a tape, N.
        start: how W is drawn: uniform, orthogonal, identity or gaussian.
    """

    parts: tuple[str, ...] = ("h", "tapes", "heads")
    recurrent: tuple[str, ...] = ("W",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        tapes: Annotated[int, Field(ge=1, le=64)] = 1,
        cell_size: Annotated[int, Field(ge=1, le=1024)] = 8,
        cells: Annotated[int, Field(ge=2, le=100_000)] = 128,
        start: Start = "uniform",
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.tapes, self.cell_size, self.cells = tapes, cell_size, cells
        self.recurrent_start: Start = start
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.R = nn.Parameter(torch.empty(hidden_size, tapes * cell_size))
        self.A = Input(hidden_size, MOVES * tapes)
        self.D = Input(hidden_size, tapes * cell_size)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros: h (B, H) and the tapes (B, S, N, C); and the heads (B, S, N), in the first cell."""
        tapes = self.W.new_zeros(batch, self.tapes, self.cells, self.cell_size)
        heads = self.W.new_zeros(batch, self.tapes, self.cells)
        heads[..., 0] = 1
        return self.W.new_zeros(batch, self.hidden_size), tapes, heads

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        h, s, p = state
        seen = (p[:, :, None] @ s).flatten(1)
        h = torch.tanh(self.input(x) + F.linear(h, self.W) + F.linear(seen, self.R))
        v = self.D(h).view(-1, self.tapes, 1, self.cell_size)
        stay, left, right, home = self.A(h).view(-1, MOVES, self.tapes, 1).softmax(1).unbind(1)
        first, last = p[..., :1], p[..., -1:]
        to_left, to_right = torch.cat([p[..., 1:], 0 * last], -1), torch.cat([0 * first, p[..., :-1]], -1)
        to_left = to_left + F.pad(first, (0, p.shape[-1] - 1))
        to_right = to_right + F.pad(last, (p.shape[-1] - 1, 0))
        s = torch.lerp(s, v.to(s.dtype), p[..., None])
        return h, s, stay * p + left * to_left + right * to_right + F.pad(home, (0, p.shape[-1] - 1))

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`. Cells that no head can reach are left out."""
        h, s, p = state
        reached = self._reached(s, p)
        most = min(self.cells, reached + x.shape[1])
        acting = torch.cat([self.A.weight, self.D.weight])
        outputs, tapes, heads = _Sequence.apply(  # type: ignore[no-untyped-call]
            self.input(x.transpose(0, 1)).transpose(1, 2),  # (T, H, B)
            torch.cat([self.W, self.R], 1), acting, torch.cat([self.A.bias, self.D.bias])[:, None],
            h.t(), s[:, :, :most].permute(2, 1, 3, 0), p[..., :most].permute(2, 1, 0),
            reached, torch.is_grad_enabled(),
        )  # fmt: skip
        beyond = self.cells - most
        tapes, heads = tapes.permute(3, 1, 0, 2), heads.permute(2, 1, 0)
        end = outputs[-1].t(), F.pad(tapes, (0, 0, 0, beyond)), F.pad(heads, (0, beyond))
        return outputs.permute(2, 0, 1), end

    def _reached(self, s: Tensor, p: Tensor) -> int:
        """Return how many cells from the left hold anything; all, where the start's gradient is asked for."""
        if s.requires_grad or p.requires_grad or not may_look():
            return self.cells
        held = (s.ne(0).any(-1) | p.ne(0)).any(1).any(0)
        return int(held.nonzero().max()) + 1

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, self.recurrent_start, None, generator)

    @staticmethod
    def parameter_count(
        input_size: int, hidden_size: int, *, tapes: int = 1, cell_size: int = 8, **options: object
    ) -> int:
        """Return the number of weights: H (I + H + C S + 1) and, for what acts, (4 + C) S (H + 1)."""
        reads = hidden_size * (input_size + hidden_size + tapes * cell_size + 1)
        return reads + (MOVES + cell_size) * tapes * (hidden_size + 1)


class _Sequence(torch.autograd.Function):
    """The steps of a whole sequence, and the way back by hand; rows stand last, cells of a tape first.

    m(t) = [h(t); sum_i p(t)[i] s(t)[i]] is what the next step reads. g(t) = dJ/ds(t), e(t) = dJ/dp(t), with
    all that later steps add; p(t-1)[i-1] and [i+1] stand for what moves to i, at the ends also what stays:

        dk           = sum_i e(t)[i] p(t-1)[i]       dl, dr with [i+1] and [i-1];  dj = e(t)[0]
        dv           = sum_i p(t-1)[i] g(t)[i]
        e(t-1)[i]    = k e(t)[i] + l e(t)[i-1] + r e(t)[i+1] + (v(t) - s(t-1)[i]) g(t)[i]
        g(t-1)[i]    = (1 - p(t-1)[i]) g(t)[i]       and to both what step t reads by
        delta(t)     = (1 - h(t)^2) dh(t);           dm(t-1) = [W R]^T delta(t)
        dh(t)       += [A D]^T (through softmax)

    Only cells that a head can have reached are computed: ``reached`` at the start, one more each step.
    """

    @staticmethod
    @full_precision
    def forward(
        ctx: Any, sums: Tensor, reading: Tensor, acting: Tensor, biases: Tensor, h: Tensor, s: Tensor,
        p: Tensor, reached: int, keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        (steps, size, rows), (most, count, width, _) = sums.shape, s.shape
        m = sums.new_empty(steps + 1, size + count * width, rows)
        acts = sums.new_empty(steps, len(acting), rows)  # 4 S and S C lines: k, l, r, j and v
        tapes = sums.new_zeros(steps + 1 if keep else 2, most, count, width, rows)
        heads = sums.new_zeros(len(tapes), most + 2, count, rows)  # with a line of noughts at both ends
        m[0, :size], tapes[0], heads[0, 1:-1] = h, s, p
        for t in range(steps):
            here, there = t % len(tapes), (t + 1) % len(tapes)
            n, now = min(most, reached + t), m[t + 1, :size]
            s, p = tapes[here, :n], heads[here]
            m[t, size:] = _read(s, p[1 : n + 1])
            torch.addmm(sums[t], reading, m[t], out=now).tanh_()
            moves, v = _parts(torch.addmm(biases, acting, now, out=acts[t]), count)
            moves.copy_(moves.softmax(0))
            torch.lerp(s, v, p[1 : n + 1, :, None], out=tapes[there, :n])
            stay, left, right, home = moves
            n = min(most, n + 1)
            new = torch.mul(p[1 : n + 1], stay, out=heads[there, 1 : n + 1])
            new.addcmul_(p[2 : n + 2], left).addcmul_(p[:n], right)
            new[0] += home + left * p[1]
            heads[there, most].addcmul_(p[most], right)
        if keep:
            ctx.save_for_backward(reading, acting, m, acts, tapes, heads)
        ctx.reached = reached
        ctx.set_materialize_grads(False)
        last = steps % len(tapes)
        return m[1:, :size], tapes[last], heads[last, 1:-1]

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(
        ctx: Any, dh: Tensor | None, ds: Tensor | None, dp: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        reading, acting, m, acts, tapes, heads = ctx.saved_tensors
        (steps, size), (most, count) = (len(acts), len(reading)), tapes.shape[1:3]
        h = m[1:, :size]
        slopes = 1 - h * h
        delta, d_acts = torch.empty_like(slopes), torch.empty_like(acts)
        g = tapes.new_zeros(tapes.shape[1:]) if ds is None else ds.clone()
        e, e_before = heads.new_zeros(2, *heads.shape[1:])
        if dp is not None:
            e[1:-1] = dp
        into = m.new_zeros(m.shape[1:])  # what step t + 1 has given to m(t)
        for t in reversed(range(steps)):
            n = min(most, ctx.reached + t + 1)
            if t < steps - 1:
                _read_back(into[size:], tapes[t + 1, :n], heads[t + 1, 1 : n + 1], g[:n], e[1 : n + 1])
            (moves, v), (d_moves, dv) = (_parts(part[t], count) for part in (acts, d_acts))
            p = heads[t]
            windows = p[: n + 2].unfold(0, 3, 1)  # p[i-1], p[i], p[i+1] behind one another
            d_right, d_stay, d_left = (windows * e[1 : n + 1, ..., None]).sum(0).unbind(-1)
            d_left, d_right = d_left + p[1] * e[1], d_right + p[most] * e[most]
            torch.stack([d_stay, d_left, d_right, e[1]], out=d_moves)
            d_moves.sub_((d_moves * moves).sum(0)).mul_(moves)
            stay, left, right, _ = moves
            n = min(most, ctx.reached + t)
            s, p = tapes[t, :n], p[1 : n + 1, :, None]
            torch.sum(p * g[:n], 0, out=dv)
            into_p = torch.mul(e[1 : n + 1], stay, out=e_before[1 : n + 1])
            into_p.addcmul_(e[:n], left).addcmul_(e[2 : n + 2], right)
            e_before[1].addcmul_(e[1], left)
            e_before[most].addcmul_(e[most], right)
            into_p += ((v - s) * g[:n]).sum(2)
            g[:n] -= p * g[:n]
            e, e_before = e_before, e
            total = torch.addmm(into[:size], acting.t(), d_acts[t])
            if dh is not None:
                total += dh[t]
            torch.mul(total, slopes[t], out=delta[t])
            torch.mm(reading.t(), delta[t], out=into)
        n = min(most, ctx.reached)
        _read_back(into[size:], tapes[0, :n], heads[0, 1 : n + 1], g[:n], e[1 : n + 1])
        d_reading = torch.einsum("thb,tmb->hm", delta, m[:-1])
        d_acting = torch.einsum("tab,thb->ah", d_acts, h)
        biases = d_acts.sum((0, 2))[:, None]
        return delta, d_reading, d_acting, biases, into[:size], g, e[1:-1], None, None


def _read(s: Tensor, p: Tensor) -> Tensor:
    """Return what heads read, (S C, B), of tapes (N, S, C, B) where p (N, S, B) says."""
    return (s * p[:, :, None]).sum(0).flatten(0, 1)


def _read_back(given: Tensor, s: Tensor, p: Tensor, g: Tensor, e: Tensor) -> None:
    """Add to g and e what the gradient (S C, B) of what was read gives to s and p."""
    given = given.view(s.shape[1:])
    e += (s * given).sum(2)
    g.addcmul_(p[:, :, None], given)


def _parts(act: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the lines of the moves, (4, S, B), and of what is written, (S, C, B)."""
    moves, v = act.tensor_split([MOVES * count])
    return moves.view(MOVES, count, -1), v.view(count, -1, act.shape[-1])
