"""The sLSTM: an LSTM with an exponential gate, a normaliser, and heads that do not hear one another."""

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


class SLSTM(Stack):
    """A stack of LSTMs with exponential gates.

        u(t) = silu(convolution of x over 4 steps)
        i(t) =     exp(W_i u(t) + R_i h(t-1) + b_i)                         what is written
        f(t) = sigmoid(W_f u(t) + R_f h(t-1) + b_f)                         what is kept
        g(t) =    tanh(W_g x(t) + R_g h(t-1) + b_g)                         what would be written
        o(t) = sigmoid(W_o x(t) + R_o h(t-1) + b_o)                         what is shown
        c(t) = f(t) * c(t-1) + i(t) * g(t)
        n(t) = f(t) * n(t-1) + i(t)                                         the normaliser
        h(t) = o(t) * c(t) / n(t)
        y(t) = norm(h(t))                                                   head by head

    R is block-diagonal, a block for each head. c and n are kept divided by exp(m(t)), m(t) =
    max(log f(t) + m(t-1), log i(t)), so that no exponential is too large; h is the same. As the gates see
    h(t-1), a sequence is read one step after the other; what they take from the input is computed before.
    x is the stream behind a norm, and what becomes of y stands in :class:`Stack`.

    Beck, Pöppel, Spanring et al., "xLSTM: extended long short-term memory", 2024.

    Initialisation: R = 0; b_f falls in even steps over the numbers of a head from 5 to -7, so that some keep
    for long and some forget at once (their steps are uneven, and others in each layer); the other biases 0; W
    from N(0, 2 / (5 D)).

    Args:
        spec: what is known of the task.
        heads: the number of heads, each of d = D / heads numbers.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self, spec: Spec, *, heads: Annotated[int, Field(ge=1, le=1024)] = 4, **options: Any
    ) -> None:
        super().__init__(spec, lambda width: ScalarCell(width, heads), **options)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **options: Any) -> int:
        """Return the nearest multiple of the number of heads that leaves each two numbers."""
        return nearest_multiple(hidden_size, heads, least=2)


class ScalarCell(Mixer):
    """The cells of :class:`SLSTM`.

    Args:
        size: the width D.
        heads: the number of heads.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size)
        self.heads, d = heads, size // heads
        self.conv = ShortConv(size)
        self.W_if, self.W_go = linear(size, 2 * size, bias=False), linear(size, 2 * size, bias=False)
        self.b = nn.Parameter(torch.empty(4 * size))
        self.R = nn.Parameter(torch.empty(heads, d, 4 * d))
        self.norm = HeadNorm(size, heads)

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and h, c, n and m, all 0; see :meth:`Mixer.start`."""
        return self.conv.start(rows), *self.b.new_zeros(4, rows, self.size).unbind()

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        past, h, c, n, m = state
        u, past = self.conv(x, past)
        read = torch.cat([self.W_if(F.silu(u)), self.W_go(x)], -1).to(u.dtype) + self.b
        shown = []
        with outside_autocast(x.device):
            for sums in read.unbind(1):  # (B, 4 D)
                h, c, n, m = self._step(sums, h, c, n, m)
                shown.append(h)
        return self.norm(torch.stack(shown, 1)), (past, h, c, n, m)

    def _step(self, sums: Tensor, h: Tensor, c: Tensor, n: Tensor, m: Tensor) -> Parts:
        """Advance one step, given what the gates take from the input."""
        back = torch.einsum("bhd,hde->bhe", h.view(len(h), self.heads, -1), self.R)  # (B, heads, 4 d)
        back = back.view(len(h), self.heads, 4, -1).transpose(1, 2).flatten(1)
        log_i, f, g, o = (sums + back).chunk(4, -1)
        kept = F.logsigmoid(f) + m
        m = torch.maximum(kept, log_i)
        f, i = torch.exp(kept - m), torch.exp(log_i - m)
        c, n = f * c + i * torch.tanh(g), f * n + i
        return torch.sigmoid(o) * c / n, c, n, m

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        self.conv.initialise(generator)
        for layer in (self.W_if, self.W_go):
            layer.weight.normal_(0, (2 / (5 * self.size)) ** 0.5, generator=generator)
        self.R.zero_()
        self.b.zero_()
        self.b.chunk(4)[1].copy_(torch.linspace(5, -7, self.size // self.heads).repeat(self.heads))
