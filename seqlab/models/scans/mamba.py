"""Mamba: a state space whose steps of time, inputs and outputs are chosen by what is read."""

from __future__ import annotations

import math
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
from seqlab.models.scans._scan import linear_scan

CHUNK = 16
"""Steps that are scanned together: N numbers of each channel at more of them are too many for a cache.

With 64 channels, 256 steps at once take twice as long.
"""


class Mamba(Stack):
    """A stack of selective state spaces.

        v(t), z(t) = W_v x(t), W_z x(t)                             E = expansion D channels each
        u(t) = silu(convolution of v over 4 steps)
        dt(t) = softplus(W_dt (W_r u(t)) + b_dt)                    of each channel
        h(t) = exp(dt(t) A) * h(t-1) + dt(t) u(t) B(t)              of each channel, N numbers
        y(t) = (sum of C(t) * h(t) + d * u(t)) * silu(z(t))
        B(t), C(t) = W_B u(t), W_C u(t),   A = -exp(a)

    Where dt is near 0 what is read passes by, and the state stays; where it is large the state is begun anew.
    With ``negative_eigenvalues`` the state is multiplied with 2 exp(dt A) - 1, from -1 to 1: it can turn over
    at a symbol, as parity asks for, which nothing between 0 and 1 can.

    x is the stream behind a norm, and what becomes of y stands in :class:`Stack`; the model of the paper has
    no MLPs. Over a whole sequence it is solved by the linear scan.

    Gu & Dao, "Mamba: linear-time sequence modeling with selective state spaces", 2023; Grazzi et al.,
    "Unlocking state-tracking in linear RNNs through negative eigenvalues", 2024.

    Initialisation: a = log n for n = 1 to N, d = 1; b_dt so that dt is log-uniform in [0.001, 0.1] where
    nothing is read; W_dt uniform in plus or minus 1 / sqrt(rank), the other matrices in plus or minus one
    over the root of what they read.

    Args:
        spec: what is known of the task.
        states: numbers N that each channel remembers.
        expansion: channels as a multiple of the width D.
        rank: the numbers from which dt is computed; null for a sixteenth of D.
        negative_eigenvalues: whether the state may be turned over.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        states: Annotated[int, Field(ge=1, le=4096)] = 16,
        expansion: Annotated[int, Field(ge=1, le=16)] = 2,
        rank: Annotated[int, Field(ge=1, le=65536)] | None = None,
        negative_eigenvalues: bool = False,
        **options: Any,
    ) -> None:
        def mixer(width: int) -> Selective:
            chosen = -(-width // 16) if rank is None else rank
            return Selective(width, expansion * width, states, chosen, negative=negative_eigenvalues)

        super().__init__(spec, mixer, **options)


class Selective(Mixer):
    """The state spaces of :class:`Mamba`.

    Args:
        width: of the stream, D.
        size: the channels E.
        states: numbers of each.
        rank: the numbers from which dt is computed.
        negative: whether eigenvalues may be negative.
    """

    def __init__(self, width: int, size: int, states: int, rank: int, *, negative: bool) -> None:
        super().__init__(size)
        self.states, self.rank, self.negative = states, rank, negative
        self.into = linear(width, 2 * size, bias=False)
        self.conv = ShortConv(size)
        self.choose = linear(size, rank + 2 * states, bias=False)
        self.dt = linear(rank, size)
        self.a = nn.Parameter(torch.empty(size, states))
        self.d = nn.Parameter(torch.empty(size))

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and h = 0, (B, E, N); see :meth:`Mixer.start`."""
        return self.conv.start(rows), self.d.new_zeros(rows, self.size, self.states)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        past, h = state
        v, z = self.into(x).chunk(2, -1)
        u, past = self.conv(v, past)
        u = F.silu(u)
        chosen = self.choose(u).transpose(0, 1)  # (T, B, rank + 2 N)
        dt, B, C = torch.split(chosen, [self.rank, self.states, self.states], -1)
        dt = F.softplus(self.dt(dt)).to(u.dtype)  # (T, B, E)
        heard = []
        for piece in zip(
            *(torch.split(part, CHUNK) for part in (dt, dt * u.transpose(0, 1), B, C)), strict=True
        ):
            y, h = self._scan(h, *piece)
            heard.append(y)
        y = torch.cat(heard).transpose(0, 1) + self.d * u
        return y * F.silu(z), (past, h)

    def _scan(self, h: Tensor, dt: Tensor, u: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
        """Read some steps from h, (B, E, N); return the sums of C * h, (T, B, E), and the last h."""
        a = torch.exp(dt[..., None] * -torch.exp(self.a))  # (T, B, E, N)
        hs = linear_scan(2 * a - 1 if self.negative else a, u[..., None] * B[:, :, None], h)
        return (hs @ C.to(hs.dtype)[..., None]).squeeze(-1), hs[-1]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        for layer in (self.into, self.choose, self.dt):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
        self.conv.initialise(generator)
        dt = torch.empty_like(self.d).uniform_(math.log(1e-3), math.log(1e-1), generator=generator).exp_()
        self.dt.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus undone
        self.a.copy_(torch.log(torch.arange(1, self.states + 1)))
        self.d.fill_(1)
