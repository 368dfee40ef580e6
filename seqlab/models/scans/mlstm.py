"""The mLSTM: an LSTM whose cell is a matrix, and whose gates see the input alone."""

from __future__ import annotations

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec
from seqlab.models._cell import linear
from seqlab.models._fast import outside_autocast
from seqlab.models._padding import Parts
from seqlab.models._short_conv import ShortConv
from seqlab.models._stack import Mixer, Stack
from seqlab.models.scans._heads import HeadNorm, nearest_multiple

CHUNK = 64
"""Steps that are read together; of 1 to 128 the fastest, about three times as fast as step by step."""


class MLSTM(Stack):
    """A stack of LSTMs with matrices for cells.

    Of each head, with E = expansion D channels in all and d of them in a head:

        v(t), z(t) = W_v x(t), W_z x(t),   u(t) = silu(convolution of v over 4 steps)
        q(t), k(t), w(t) = W_q u(t), W_k u(t), W_w v(t)
        i(t) = exp(w_i [q; k; w] + b_i),   f(t) = sigmoid(w_f [q; k; w] + b_f)
        C(t) = f(t) C(t-1) + i(t) k(t) w(t)' / sqrt(d)                  the cell, d x d
        n(t) = f(t) n(t-1) + i(t) k(t) / sqrt(d)                        the normaliser
        h(t) = C(t)' q(t) / max(|n(t) . q(t)|, 1)
        y(t) = (norm(h(t)) + s * u(t)) * silu(z(t))

    C and n are kept divided by exp(m(t)), m(t) = max(log f(t) + m(t-1), log i(t)), so that no exponential is
    too large; h is the same. There is no way from h to the gates, and so a sequence is read in chunks of 64
    steps, each as in attention. x is the stream behind a norm, and what becomes of y stands in
    :class:`Stack`.

    Beck, Pöppel, Spanring et al., "xLSTM: extended long short-term memory", 2024.

    Initialisation: w_i and w_f 0, b_f from 3 to 6 over the heads, b_i from N(0, 0.1^2), s = 1; matrices from
    N(0, 2 / (5 times what they read)).

    Args:
        spec: what is known of the task.
        heads: the number of heads.
        expansion: channels as a multiple of the width D.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        heads: Annotated[int, Field(ge=1, le=1024)] = 4,
        expansion: Annotated[int, Field(ge=1, le=16)] = 2,
        **options: Any,
    ) -> None:
        super().__init__(spec, lambda width: MatrixCell(width, expansion * width, heads), **options)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **options: Any) -> int:
        """Return the nearest multiple of the number of heads that leaves each two numbers."""
        return nearest_multiple(hidden_size, heads, least=2)


class MatrixCell(Mixer):
    """The cells of :class:`MLSTM`.

    Args:
        width: of the stream, D.
        size: the channels E.
        heads: the number of heads.
    """

    def __init__(self, width: int, size: int, heads: int) -> None:
        super().__init__(size)
        self.heads = heads
        self.into = linear(width, 2 * size, bias=False)
        self.conv = ShortConv(size)
        self.qk, self.w = linear(size, 2 * size, bias=False), linear(size, size, bias=False)
        self.gates = linear(3 * size, 2 * heads)
        self.s = nn.Parameter(torch.empty(size))
        self.norm = HeadNorm(size, heads)

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and C, n and m, all 0; see :meth:`Mixer.start`."""
        d, new = self.size // self.heads, self.s.new_zeros
        return (
            self.conv.start(rows),
            new(rows, self.heads, d, d),
            new(rows, self.heads, d),
            new(rows, self.heads),
        )

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        past, *memory = state
        v, z = self.into(x).chunk(2, -1)
        u, past = self.conv(v, past)
        u = F.silu(u)
        qkw = torch.cat([self.qk(u), self.w(v)], -1).to(u.dtype)
        log_i, f = self.gates(qkw).to(u.dtype).transpose(1, 2).chunk(2, 1)  # (B, heads, T)
        q, k, w = qkw.view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, T, d)
        k = k / k.shape[-1] ** 0.5
        heard = []
        with outside_autocast(x.device):
            parts = (torch.split(part, CHUNK, 2) for part in (q, k, w, log_i, F.logsigmoid(f)))
            for piece in zip(*parts, strict=True):
                h, *memory = read_chunk(*piece, *memory)
                heard.append(h)
        h = torch.cat(heard, 2).transpose(1, 2).flatten(2)
        return (self.norm(h) + self.s * u) * F.silu(z), (past, *memory)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        for layer in (self.into, self.qk, self.w):
            layer.weight.normal_(0, (2 / (5 * layer.in_features)) ** 0.5, generator=generator)
        self.conv.initialise(generator)
        self.gates.weight.zero_()
        b_i, b_f = self.gates.bias.chunk(2)
        b_i.normal_(0, 0.1, generator=generator)
        b_f.copy_(torch.linspace(3, 6, self.heads))
        self.s.fill_(1)


def read_chunk(
    q: Tensor, k: Tensor, w: Tensor, log_i: Tensor, log_f: Tensor, C: Tensor, n: Tensor, m: Tensor
) -> tuple[Tensor, ...]:
    """Read a few steps together.

    What step s writes is at step t worth exp(F(t) - F(s) + log i(s)), with F the sum of log f from the first
    step on, and what was there before exp(F(t)).

    Args:
        q: (B, heads, T, d), and so are k and w.
        k: divided by sqrt(d).
        w: what is written.
        log_i: (B, heads, T).
        log_f: (B, heads, T).
        C: (B, heads, d, d), divided by exp(m), and so is n.
        n: (B, heads, d).
        m: (B, heads).

    Returns:
        h, (B, heads, T, d), and C, n and m after the last step.
    """
    F_ = log_f.cumsum(-1)
    worth = F_[..., None] - F_[..., None, :] + log_i[..., None, :]  # (B, heads, T, T)
    later = torch.ones(worth.shape[-2:], dtype=torch.bool, device=worth.device).triu(1)
    worth, before = worth.masked_fill(later, -torch.inf), F_ + m[..., None]
    ms = torch.maximum(worth.amax(-1), before)  # m of every step
    weights = q @ k.mT * torch.exp(worth - ms[..., None])
    before = torch.exp(before - ms)
    found = weights @ w + before[..., None] * (q @ C)
    total = weights.sum(-1) + before * (q @ n[..., None]).squeeze(-1)
    h = found / torch.maximum(total.abs(), torch.exp(-ms))[..., None]
    written = torch.exp(worth[..., -1, :] - ms[..., -1:])[..., None] * k
    left = before[..., -1:]
    return h, left[..., None] * C + written.mT @ w, left * n + written.sum(-2), ms[..., -1]
