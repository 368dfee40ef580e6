"""The gated linear recurrent unit of Griffin, whose gates see the input alone."""

from __future__ import annotations

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec
from seqlab.models._cell import linear
from seqlab.models._padding import Parts
from seqlab.models._short_conv import ShortConv
from seqlab.models._stack import Mixer, Stack
from seqlab.models.scans._heads import nearest_multiple
from seqlab.models.scans._scan import linear_scan

SHARPNESS = 8.0
"""With r = 1 the state fades as in so many steps at exp(-softplus(l)); with r = 0 it stays."""


class RGLRU(Stack):
    """A stack of real-gated linear recurrent units.

        v(t), z(t) = W_v x(t), W_z x(t)
        u(t) = convolution of v over 4 steps
        r(t), i(t) = sigmoid(W_r u(t) + b_r), sigmoid(W_i u(t) + b_i)
        a(t) = exp(-8 r(t) softplus(l))                             what of the past is kept
        h(t) = a(t) * h(t-1) + sqrt(1 - a(t)^2) * i(t) * u(t)
        y(t) = h(t) * gelu(z(t))

    W_r and W_i are block-diagonal, a block for each head. Griffin takes the first step as it is, as if
    1 - a^2 were 1, which a sequence in chunks cannot know; its blocks of local attention are left out. x is
    the stream behind a norm, and what becomes of y stands in :class:`Stack`. Over a whole sequence it is
    solved by the linear scan.

    De, Smith, Fernando, Botev et al., "Griffin: mixing gated linear recurrences with local attention for
    efficient language models", 2024.

    Initialisation: exp(-softplus(l)) uniform in area between 0.9 and 0.999, biases of gates 0; matrices from
    N(0, 1 / what they read).

    Args:
        spec: what is known of the task.
        heads: blocks of the gates; ``hidden_size`` is a multiple of them.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self, spec: Spec, *, heads: Annotated[int, Field(ge=1, le=1024)] = 4, **options: Any
    ) -> None:
        super().__init__(spec, lambda width: RealGated(width, heads), **options)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **options: Any) -> int:
        """Return the nearest multiple of the number of heads."""
        return nearest_multiple(hidden_size, heads)


class RealGated(Mixer):
    """The recurrence of :class:`RGLRU`.

    Args:
        size: the width D.
        heads: blocks of the gates.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size)
        self.heads, d = heads, size // heads
        self.into = linear(size, 2 * size, bias=False)
        self.conv = ShortConv(size)
        self.W = nn.Parameter(torch.empty(heads, d, 2 * d))  # of r and i
        self.b = nn.Parameter(torch.empty(2 * size))
        self.decay = nn.Parameter(torch.empty(size))

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and h = 0; see :meth:`Mixer.start`."""
        return self.conv.start(rows), self.decay.new_zeros(rows, self.size)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        past, h = state
        v, z = self.into(x).chunk(2, -1)
        u, past = self.conv(v, past)
        u = u.transpose(0, 1)  # (T, B, D)
        by_head = torch.einsum("tbhd,hde->tbhe", u.reshape(*u.shape[:2], self.heads, -1), self.W)
        sums = by_head.view(*u.shape[:2], self.heads, 2, -1).transpose(2, 3).flatten(2) + self.b
        r, i = torch.sigmoid(sums).to(u.dtype).chunk(2, -1)
        log_a = -SHARPNESS * r * F.softplus(self.decay)
        share = torch.sqrt(-torch.expm1(2 * log_a).clamp(max=-1e-8))  # a = 1 has no slope
        hs = linear_scan(torch.exp(log_a), share * i * u, h)
        return hs.transpose(0, 1) * F.gelu(z), (past, hs[-1])

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        self.into.weight.normal_(0, self.size**-0.5, generator=generator)
        self.conv.initialise(generator)
        self.W.normal_(0, self.W.shape[1] ** -0.5, generator=generator)
        self.b.zero_()
        squared = torch.empty_like(self.decay).uniform_(0.9**2, 0.999**2, generator=generator)
        self.decay.copy_(torch.log(torch.expm1(-0.5 * torch.log(squared))))  # softplus undone
