"""A plain recurrent network that pushes onto, and pops from, stacks of vectors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision
from seqlab.models._initialise import Start, start_recurrence
from seqlab.models._padding import may_look

ACTIONS = 3
"""Push, pop, and leave it."""


class StackRNN(Cell):
    """The plain recurrent cell with stacks, on which it acts by thirds: it pushes, pops and waits at once.

        h(t)         = tanh(U x(t) + W h(t-1) + R s(t-1)[0] + b)
        p, q, r      = softmax(A h(t) + a)                           push, pop, leave
        v(t)         = sigmoid(D h(t) + d)                           or D h(t) + d
        s(t)[0]      = p v(t)        + q s(t-1)[1]   + r s(t-1)[0]   the top
        s(t)[i]      = p s(t-1)[i-1] + q s(t-1)[i+1] + r s(t-1)[i]

    Each of the stacks has its own p, q, r and v. Below what was pushed there are zeros; what is pushed below
    the deepest cell is lost. It is the top of the step before that is read, as in all three papers.

    Joulin & Mikolov, "Inferring algorithmic patterns with stack-augmented recurrent nets", NIPS 2015; Suzgun
    et al., "Memory-augmented recurrent neural networks can learn generalized Dyck languages", 2019; Delétang
    et al., "Neural networks and the Chomsky hierarchy", 2022, with cells of 8 numbers that are pushed as they
    are.

    Initialisation: all uniform in plus or minus 1 / sqrt(H), but W as ``start`` says.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        stacks: how many stacks there are, S.
        cell_size: numbers in a cell of a stack, C.
        cells: of a stack, N.
        value: what is pushed: numbers between 0 and 1 (sigmoid), or any (linear).
        leave: whether a stack may be left as it is; else r = 0, as in Suzgun et al.
        start: how W is drawn: uniform, orthogonal, identity or gaussian.
    """

    parts: tuple[str, ...] = ("h", "stacks")
    recurrent: tuple[str, ...] = ("W",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        stacks: Annotated[int, Field(ge=1, le=64)] = 1,
        cell_size: Annotated[int, Field(ge=1, le=1024)] = 8,
        cells: Annotated[int, Field(ge=2, le=100_000)] = 128,
        value: Literal["sigmoid", "linear"] = "sigmoid",
        leave: bool = True,
        start: Start = "uniform",
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.stacks, self.cell_size, self.cells = stacks, cell_size, cells
        self.is_sigmoid, self.leaves = value == "sigmoid", leave
        self.recurrent_start: Start = start
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.R = nn.Parameter(torch.empty(hidden_size, cell_size * stacks))  # of a top: number by number
        self.A = Input(hidden_size, (ACTIONS if leave else ACTIONS - 1) * stacks)
        self.D = Input(hidden_size, cell_size * stacks)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros: h (B, H), and the stacks (B, S, N, C), of each the top first."""
        stacks = self.W.new_zeros(batch, self.stacks, self.cells, self.cell_size)
        return self.W.new_zeros(batch, self.hidden_size), stacks

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        h, s = state
        top = s[:, :, 0].transpose(1, 2).flatten(1)
        h = torch.tanh(self.input(x) + F.linear(h, self.W) + F.linear(top, self.R))
        weights, biases = self._acting()
        push, pop, leave = (
            F.linear(h, weights, biases).view(-1, ACTIONS, self.stacks, 1, 1).softmax(1).unbind(1)
        )
        v = self.D(h).view(-1, self.cell_size, self.stacks).transpose(1, 2)[:, :, None]
        v = v.sigmoid() if self.is_sigmoid else v
        above = torch.cat([v.to(s.dtype), s[:, :, :-1]], 2)
        below = F.pad(s[:, :, 1:], (0, 0, 0, 1))
        return h, push * above + pop * below + leave * s

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`."""
        h, s = state
        sums = self.input(x.transpose(0, 1)).transpose(1, 2)  # (T, H, B)
        all_used = s.requires_grad or not may_look()
        used = self.cells if all_used else int(s.detach().ne(0).any(3).any(1).any(0).sum())
        reading = torch.cat([self.W, self.R], 1)
        weights, biases = self._acting()
        acting, biases = torch.cat([weights, self.D.weight]), torch.cat([biases, self.D.bias])
        outputs, s = _Sequence.apply(  # type: ignore[no-untyped-call]
            sums, reading, acting, biases[:, None], h.t(), s.permute(2, 3, 1, 0), used, self.is_sigmoid,
            torch.is_grad_enabled(),
        )  # fmt: skip
        return outputs.permute(2, 0, 1), (outputs[-1].t(), s.permute(3, 2, 0, 1))

    def _acting(self) -> tuple[Tensor, Tensor]:
        """Return A and a of all three actions: where no stack is left as it is, that has no chance."""
        if self.leaves:
            return self.A.weight, self.A.bias
        without = (0, self.stacks)
        return F.pad(self.A.weight, (0, 0, *without)), F.pad(self.A.bias, without, value=-torch.inf)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, self.recurrent_start, None, generator)

    @staticmethod
    def parameter_count(
        input_size: int,
        hidden_size: int,
        *,
        stacks: int = 1,
        cell_size: int = 8,
        leave: bool = True,
        **options: object,
    ) -> int:
        """Return the number of weights: H (I + H + C S + 1) and, for what acts, (3 or 2 + C) S (H + 1)."""
        reads = hidden_size * (input_size + hidden_size + cell_size * stacks + 1)
        return reads + ((ACTIONS if leave else ACTIONS - 1) + cell_size) * stacks * (hidden_size + 1)


class _Sequence(torch.autograd.Function):
    """The steps of a whole sequence, and the way back by hand; rows stand last, cells of a stack first.

    m(t) = [h(t); s(t)[0]] is what the next step reads. g(t) stands for dJ/ds(t), the gradient of all cells,
    with all that later steps add; with s(t-1)[-1] = v(t), and nought below the last cell:

        dp           = sum_i g(t)[i] s(t-1)[i-1]     dq, dr with [i+1] and [i]
        dv           = p g(t)[0]
        g(t-1)[i]    = p g(t)[i+1] + q g(t)[i-1] + r g(t)[i], and for i = 0 what step t reads by
        delta(t)     = (1 - h(t)^2) dh(t);     dh(t-1), ds(t-1)[0] = [W R]^T delta(t)
        dh(t)       += [A D]^T (through softmax and sigmoid)

    Only cells that something can have reached are computed: ``used`` at the start, one more each step. On the
    way back those from which nothing reaches the top before the end do not count, either.
    """

    @staticmethod
    @full_precision
    def forward(
        ctx: Any, sums: Tensor, reading: Tensor, acting: Tensor, biases: Tensor, h: Tensor, s: Tensor,
        used: int, is_sigmoid: bool, keep: bool,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        steps, size, rows = sums.shape
        depth, width, stacks, _ = s.shape
        most = min(depth, used + steps)
        m = sums.new_empty(steps + 1, size + width * stacks, rows)
        acts = sums.new_empty(steps, len(acting), rows)  # 3 S and C S lines: p, q, r and v
        cells = sums.new_zeros(steps + 1 if keep else 2, most + 2, width, stacks, rows)
        m[0, :size], m[0, size:] = h, s[0].flatten(0, 1)
        cells[0, 1 : most + 1] = s[:most]
        for t in range(steps):
            now, new = m[t + 1, :size], cells[(t + 1) % len(cells)]
            torch.addmm(sums[t], reading, m[t], out=now).tanh_()
            act = torch.addmm(biases, acting, now, out=acts[t])
            actions, v = _parts(act, width, stacks)
            actions.copy_(actions.softmax(0))
            before = cells[t % len(cells)]
            before[0] = v.sigmoid_() if is_sigmoid else v
            n = min(most, used + t + 1)
            torch.mul(before[:n], actions[0], out=new[1 : n + 1])
            new[1 : n + 1].addcmul_(before[2 : n + 2], actions[1]).addcmul_(before[1 : n + 1], actions[2])
            m[t + 1, size:] = new[1].flatten(0, 1)
        if keep:
            ctx.save_for_backward(reading, acting, m, acts, cells)
        ctx.sizes, ctx.is_sigmoid = (depth, used), is_sigmoid
        ctx.set_materialize_grads(False)
        end = F.pad(cells[steps % len(cells), 1 : most + 1], (0, 0) * 3 + (0, depth - most))
        return m[1:, :size], end

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor | None, ds: Tensor | None) -> tuple[Tensor | None, ...]:
        reading, acting, m, acts, cells = ctx.saved_tensors
        (depth, used), (steps, most) = ctx.sizes, (len(acts), cells.shape[1] - 2)
        width, stacks, rows = cells.shape[2:]
        size = len(reading)
        h = m[1:, :size]
        slopes = 1 - h * h
        delta, d_acts = torch.empty_like(slopes), torch.empty_like(acts)
        g, g_before = cells.new_zeros(2, most + 2, width, stacks, rows)  # with a line of noughts at both ends
        if ds is not None:
            g[1:-1] = ds[:most]
        into = m.new_zeros(m.shape[1:])  # what step t + 1 has given to m(t)
        for t in reversed(range(steps)):
            n = min(most, used + t + 1)
            n = n if ds is not None else min(n, steps - t)
            g[1] += into[size:].view(width, stacks, rows)
            (actions, v), (d_actions, dv) = (_parts(part[t], width, stacks) for part in (acts, d_acts))
            windows = cells[t, : n + 2].unfold(0, 3, 1)  # s[i-1], s[i], s[i+1] behind one another
            d_push, d_leave, d_pop = (windows * g[1 : n + 1, ..., None]).sum((0, 1)).unbind(-1)
            torch.mul(g[1], actions[0], out=dv)
            torch.stack([d_push, d_pop, d_leave], out=d_actions)
            d_actions.sub_((d_actions * actions).sum(0)).mul_(actions)
            if ctx.is_sigmoid:
                dv.mul_(v * (1 - v))
            torch.mul(g[2 : n + 2], actions[0], out=g_before[1 : n + 1])
            g_before[1 : n + 1].addcmul_(g[:n], actions[1]).addcmul_(g[1 : n + 1], actions[2])
            g, g_before = g_before, g
            total = torch.addmm(into[:size], acting.t(), d_acts[t])
            if dh is not None:
                total += dh[t]
            torch.mul(total, slopes[t], out=delta[t])
            torch.mm(reading.t(), delta[t], out=into)
        g[1] += into[size:].view(width, stacks, rows)
        start = F.pad(g[1 : most + 1], (0, 0) * 3 + (0, depth - most)) if ctx.needs_input_grad[5] else None
        d_reading = torch.einsum("thb,tmb->hm", delta, m[:-1])
        d_acting = torch.einsum("tab,thb->ah", d_acts, h)
        biases = d_acts.sum((0, 2))[:, None]
        return delta, d_reading, d_acting, biases, into[:size], start, None, None, None


def _parts(act: Tensor, width: int, stacks: int) -> tuple[Tensor, Tensor]:
    """Return the lines of the actions, (3, S, B), and of the values, (C, S, B)."""
    actions, v = act.tensor_split([ACTIONS * stacks])
    return actions.view(ACTIONS, stacks, -1), v.view(width, stacks, -1)
