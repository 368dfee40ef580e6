"""The neural Turing machine: a controller that reads and writes a memory by heads that can be moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.contracts import PAD, Spec, State, hold
from seqlab.models._base import SequenceModel
from seqlab.models._cell import Input
from seqlab.models._fast import full_precision, is_exported
from seqlab.models.memory import _turing
from seqlab.models.memory._turing import ADDRESS, FLOOR, GO_BACK, READ, SMALL

FIRST = 8.0
"""What the first slot has more than others, before the softmax that says where heads stand at the start."""

PIECE = 32
"""Steps that are read at once where nothing is learned: the memory of each is kept for the way back."""

Heads = Annotated[int, Field(ge=1, le=64)]


class NTM(SequenceModel):
    """A controller with a memory M of N slots, each of W numbers, which heads read and write softly.

        h(t) = LSTM(U x(t) + W [h(t-1); r(t-1)] + b, c(t-1))        or tanh(...), without c
        y(t) = V [h(t); r(t)] + d

    At every step h(t) tells each head, by P h(t) + p, a key k (tanh), its strength beta (softplus), a gate g
    (logistic), a distribution s over moves by -1, 0 and 1 (softmax), and a sharpness gamma (1 + softplus):

        content(i) = softmax_i(beta cos(k, M(t-1)[i]))              where a slot is like the key
        v          = g content + (1 - g) w(t-1)                     or where the head stood
        v'(i)      = sum_j s(j) v(i - j)                            moved along the circle of slots
        w(t)(i)    = v'(i)^gamma / sum_j v'(j)^gamma                and sharpened

    A head that reads gives r(t) = sum_i w(t)(i) M(t-1)[i]. Those that write do so one after the other, each
    with what h(t) tells it to erase, e (logistic), and to add, a (tanh):

        M(t)[i] = M(t-1)[i] (1 - w(t)(i) e) + w(t)(i) a

    Graves, Wayne & Danihelka, "Neural Turing machines", 2014, who read M(t). The memory starts at 1e-6
    everywhere, and where the heads stand and what they have read at the start is learned, as Collier & Beel,
    "Implementing neural Turing machines", 2018, found best.

    Initialisation: all uniform in plus or minus 1 / sqrt(H), with 1 more for the biases of an LSTM's forget
    gate; all heads stand at the first slot, with a weight of 0.96 if there are 128. (Spread over all slots
    they never came to move: see docs/memory.md.)

    Args:
        spec: what is known of the task.
        hidden_size: units of the controller H.
        controller: an LSTM, or one layer of tanh without a memory of its own.
        slots: N.
        cell_size: W, numbers of a slot.
        heads: how many read, and as many write.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=4096)] = 100,
        controller: Literal["lstm", "feedforward"] = "lstm",
        slots: Annotated[int, Field(ge=3, le=100_000)] = 128,
        cell_size: Annotated[int, Field(ge=1, le=1024)] = 20,
        heads: Heads = 1,
    ) -> None:
        super().__init__(spec)
        self.hidden_size, self.slots, self.cell_size, self.readers = hidden_size, slots, cell_size, heads
        self.has_cell = controller == "lstm"
        sums, read = hidden_size * (4 if self.has_cell else 1), heads * cell_size
        told = 2 * heads * (cell_size + ADDRESS) + 2 * heads * cell_size
        self.input = Input(spec.input_size, sums)
        self.W = nn.Parameter(torch.empty(sums, hidden_size + read))
        self.P, self.p = nn.Parameter(torch.empty(told, hidden_size)), nn.Parameter(torch.empty(told))
        self.V = nn.Parameter(torch.empty(spec.output_size, hidden_size + read))
        self.d = nn.Parameter(torch.empty(spec.output_size))
        self.stands = nn.Parameter(torch.empty(2 * heads, slots))
        self.has_read = nn.Parameter(torch.empty(read))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return h and c (B, H), weights (B, 2 heads, N), M (B, W, N) and r (B, heads W)."""
        zeros = self.W.new_zeros(rows, self.hidden_size)
        memory = self.W.new_full((rows, self.cell_size, self.slots), 1e-6)
        weights = self.stands.softmax(1).expand(rows, -1, -1)
        return ((zeros, zeros, weights, memory, self.has_read.expand(rows, -1)),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        (parts,) = self.start({}, len(inputs)) if state is None else state
        read = self._at_once if self._is_compiled(inputs) else self._step_by_step
        shown = []
        for piece in [inputs] if torch.is_grad_enabled() else inputs.split(PIECE, 1):  # type: ignore[no-untyped-call]
            found, parts = read(piece, parts)
            shown.append(found)
        return F.linear(torch.cat(shown, 1), self.V, self.d), (parts,)

    def _is_compiled(self, inputs: Tensor) -> bool:
        """Say whether compiled code can read them."""
        if is_exported() or inputs.device.type != "cpu" or self.W.dtype != torch.float32:
            return False
        is_padded = self.spec.inputs == "tokens" and bool((inputs == PAD).any())
        return not is_padded and _turing.load()

    def _at_once(self, inputs: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        sums = self.input(inputs.transpose(0, 1))  # (T, B, G)
        h, c, weights, memory, read = parts
        start = (torch.cat([h, read], 1), c, weights, memory)
        m, *end = _Steps.apply(sums, self.W, self.P, self.p, self.readers, self.has_cell, *start)  # type: ignore[no-untyped-call]
        h, read = m[-1].tensor_split([self.hidden_size], 1)
        return m.transpose(0, 1), (h, *end, read)

    def _step_by_step(self, inputs: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Do the same by the equations as they are written."""
        shown = []
        for x in inputs.unbind(1):
            new = self.step(x, parts)
            parts = hold(x == PAD, parts, new) if self.spec.inputs == "tokens" else new
            shown.append(torch.cat([parts[0], parts[-1]], 1))
        return torch.stack(shown, 1), parts

    def heads(self, inputs: Tensor, state: State) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Return where the heads stand, and what they read or add; see :meth:`SequenceModel.heads`."""
        (parts,) = state
        stood, vectors = [], []
        for x in inputs.unbind(1):
            parts = self.step(x, parts)
            stood.append(parts[2])
            _, writes = self._told(parts[0])
            vectors.append(torch.cat([parts[4].view(len(x), self.readers, -1), writes[:, :, 1].tanh()], 1))
        weights, read_or_added = torch.stack(stood, 2), torch.stack(vectors, 2)  # (B, heads, T, ...)
        several = [""] if self.readers == 1 else [f" {head + 1}" for head in range(self.readers)]
        names = [f"{what}{which}" for what in ("reads", "writes") for which in several]
        return {name: (weights[:, head], read_or_added[:, head]) for head, name in enumerate(names)}

    def _told(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return what heads are told: addresses (B, 2 heads, W + 6), and of writers what to erase and add."""
        told, heads, width = F.linear(h, self.P, self.p), 2 * self.readers, self.cell_size
        moves, writes = told.tensor_split([heads * (width + ADDRESS)], 1)
        return moves.view(-1, heads, width + ADDRESS), writes.view(-1, self.readers, 2, width)

    def step(self, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step: symbols (B,) or features (B, I), and the parts of the state."""
        h, c, weights, memory, read = parts
        sums = self.input(x) + F.linear(torch.cat([h, read], 1), self.W)
        if self.has_cell:
            i, f, z, o = sums.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * z.tanh()
            h = o.sigmoid() * c.tanh()
        else:
            h = sums.tanh()
        moves, writes = self._told(h)
        weights = address(moves, memory, weights)
        read = (weights[:, : self.readers] @ memory.transpose(1, 2)).flatten(1)
        erase, add = writes.unbind(2)
        for head in range(self.readers):
            w = weights[:, self.readers + head, None]
            e, a = erase[:, head, :, None].sigmoid(), add[:, head, :, None].tanh()
            memory = memory * (1 - w * e) + w * a
        return h, c, weights, memory, read

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        bound = self.hidden_size**-0.5
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
            if self.has_cell:
                self.input.bias[self.hidden_size : 2 * self.hidden_size] += 1
            self.stands.zero_()
            self.stands[:, 0] = FIRST


def address(told: Tensor, memory: Tensor, before: Tensor) -> Tensor:
    """Return where heads stand after a step.

    Args:
        told: (B, heads, W + 6), of each head k, beta, g, s and gamma before their functions.
        memory: (B, W, N).
        before: where the heads stood, (B, heads, N).
    """
    width = memory.shape[1]
    key, strength, gate, moves, sharpness = told.tensor_split([width, width + 1, width + 2, width + 5], 2)
    key, gate, moves = key.tanh(), gate.sigmoid(), moves.softmax(2)
    norms = _norm(key, 2) * _norm(memory, 1)  # (B, heads, N)
    content = (F.softplus(strength) * (key @ memory) / norms).softmax(2)
    v = gate * content + (1 - gate) * before
    back, stay, on = moves.chunk(3, 2)
    moved = back * v.roll(-1, 2) + stay * v + on * v.roll(1, 2)
    found: Tensor = ((1 + F.softplus(sharpness)) * (moved + FLOOR).log()).softmax(2)
    return found


def _norm(vectors: Tensor, axis: int) -> Tensor:
    return ((vectors * vectors).sum(axis, keepdim=True) + SMALL).sqrt()


class _Steps(torch.autograd.Function):
    """All steps of a sequence, and the way back, by compiled code; m stands for [h; r]."""

    @staticmethod
    @full_precision
    def forward(
        ctx: Any, sums: Tensor, W: Tensor, P: Tensor, p: Tensor, heads: int, has_cell: bool, *start: Tensor
    ) -> tuple[Tensor, ...]:
        steps, rows, _ = sums.shape
        kept = [part.new_empty(steps + 1, *part.shape) for part in start]
        for part, first in zip(kept, start, strict=True):
            part[0] = first
        m, c, weights, memory = kept
        gates, acts = torch.empty_like(sums), sums.new_empty(steps, rows, len(P))
        content, shifted = torch.empty_like(weights[1:]), torch.empty_like(weights[1:])
        tiny = np.array([SMALL, FLOOR, 1], m.numpy().dtype)
        told = (sums.contiguous(), W.t().contiguous(), P.t().contiguous(), p.contiguous())
        filled = (m, c, gates, acts, weights, content, shifted, memory)
        READ(*(part.detach().numpy() for part in (*told, *filled)), heads, has_cell, tiny)
        ctx.save_for_backward(W, P, *filled)
        ctx.heads, ctx.has_cell, ctx.tiny = heads, has_cell, tiny
        return m[1:], c[-1], weights[-1], memory[-1]

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, d_shown: Tensor, *end: Tensor) -> tuple[Tensor | None, ...]:
        W, P, m, *kept = ctx.saved_tensors
        gates, acts = kept[1:3]
        owed = [torch.zeros_like(m[0]), *(part.contiguous().clone() for part in end)]
        d_gates, d_acts = torch.empty_like(gates), torch.zeros_like(acts)
        read = (part.detach().contiguous() for part in (W, P, *kept))
        GO_BACK(
            *(part.numpy() for part in read), ctx.heads, ctx.has_cell, ctx.tiny,
            *(part.numpy() for part in (d_shown.contiguous(), *owed, d_gates, d_acts)),
        )  # fmt: skip
        d_W = d_gates.flatten(0, 1).t() @ m[:-1].flatten(0, 1)  # (G, H + R W)
        d_P = d_acts.flatten(0, 1).t() @ m[1:, :, : P.shape[1]].flatten(0, 1)  # (K, H)
        return d_gates, d_W, d_P, d_acts.sum((0, 1)), None, None, *owed
