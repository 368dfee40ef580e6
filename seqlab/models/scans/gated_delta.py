"""The gated delta rule: a memory of keys and values in which what is written replaces what was there."""

from __future__ import annotations

import math
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

CHUNK = 32
"""Steps that are read together; of 1 to 128 the fastest, about four times as fast as step by step."""


class GatedDelta(Stack):
    """A stack of memories with the gated delta rule.

    Of each head, with a matrix S of d x d numbers:

        q(t), k(t), v(t) = silu(convolutions of W_q x, W_k x, W_v x over 4 steps),  q and k of length 1
        beta(t) = sigmoid(w_b x(t)),   alpha(t) = exp(-exp(a) softplus(w_a x(t) + b_a))
        S(t) = alpha(t) S(t-1) + k(t) (beta(t) (v(t) - alpha(t) S(t-1)' k(t)))'
        y(t) = norm(S(t)' q(t) / sqrt(d)) * silu(W_z x(t))

    At beta = 1 what stood at the key k is replaced by v; alpha lets all fade. Along k the state is multiplied
    with 1 - beta: with ``negative_eigenvalues`` beta is twice as large, and it can turn over.

    x is the stream behind a norm, and what becomes of y stands in :class:`Stack`. A sequence is read in
    chunks of 32 steps, whose corrections v - S' k are the solution of a triangular system; in a step alone
    that is the equation as it is written.

    Yang, Kautz & Hatamizadeh, "Gated delta networks: improving Mamba2 with delta rule", 2024; without alpha:
    Schlag, Irie & Schmidhuber, "Linear transformers are secretly fast weight programmers", 2021; Grazzi et
    al., "Unlocking state-tracking in linear RNNs through negative eigenvalues", 2024.

    Initialisation: exp(a) uniform in [0, 16]; b_a so that the softplus is log-uniform in [0.001, 0.1] where
    nothing is read; matrices uniform in plus or minus 1 / sqrt(D).

    Args:
        spec: what is known of the task.
        heads: the number of heads, each of d = D / heads numbers.
        fades: whether there is an alpha; without it alpha = 1, the delta rule by itself.
        negative_eigenvalues: whether the state may be turned over.
        **options: those of :class:`Stack`.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        heads: Annotated[int, Field(ge=1, le=1024)] = 4,
        fades: bool = True,
        negative_eigenvalues: bool = False,
        **options: Any,
    ) -> None:
        def mixer(width: int) -> DeltaRule:
            return DeltaRule(width, heads, fades=fades, negative=negative_eigenvalues)

        super().__init__(spec, mixer, **options)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **options: Any) -> int:
        """Return the nearest multiple of the number of heads that leaves each two numbers."""
        return nearest_multiple(hidden_size, heads, least=2)


class DeltaRule(Mixer):
    """The memories of :class:`GatedDelta`.

    Args:
        size: the width D.
        heads: the number of heads.
        fades: whether there is an alpha.
        negative: whether eigenvalues may be negative.
    """

    def __init__(self, size: int, heads: int, *, fades: bool, negative: bool) -> None:
        super().__init__(size)
        self.heads, self.negative = heads, negative
        self.qkvz = linear(size, 4 * size, bias=False)
        self.conv = ShortConv(3 * size)
        self.beta = linear(size, heads, bias=False)
        self.fading = linear(size, heads) if fades else None
        self.a = nn.Parameter(torch.empty(heads)) if fades else None
        self.norm = HeadNorm(size, heads)

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and S = 0, (B, heads, d, d); see :meth:`Mixer.start`."""
        d = self.size // self.heads
        return self.conv.start(rows), self.norm.weight.new_zeros(rows, self.heads, d, d)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        past, S = state
        qkv, z = torch.split(self.qkvz(x), [3 * self.size, self.size], -1)
        qkv, past = self.conv(qkv, past)
        q, k, v = F.silu(qkv).view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, T, d)
        q, k = (F.normalize(part, dim=-1) / scale for part, scale in ((q, q.shape[-1] ** 0.5), (k, 1)))
        beta = torch.sigmoid(self.beta(x)).to(S.dtype).transpose(1, 2) * (2 if self.negative else 1)
        if self.fading is None or self.a is None:
            log_alpha = torch.zeros_like(beta)
        else:
            log_alpha = -torch.exp(self.a) * F.softplus(self.fading(x))
            log_alpha = log_alpha.to(S.dtype).transpose(1, 2)  # (B, heads, T)
        heard = []
        with outside_autocast(x.device):
            parts = (torch.split(part, CHUNK, 2) for part in (q, k, v, beta, log_alpha))
            for piece in zip(*parts, strict=True):
                y, S = read_chunk(S, *piece)
                heard.append(y)
        y = torch.cat(heard, 2).transpose(1, 2).flatten(2)
        return self.norm(y) * F.silu(z), (past, S)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        bound = self.size**-0.5
        for weight in (self.qkvz.weight, self.beta.weight):
            weight.uniform_(-bound, bound, generator=generator)
        self.conv.initialise(generator)
        if self.fading is not None and self.a is not None:
            self.fading.weight.uniform_(-bound, bound, generator=generator)
            pace = (
                torch.empty_like(self.a).uniform_(math.log(1e-3), math.log(1e-1), generator=generator).exp_()
            )
            self.fading.bias.copy_(pace + torch.log(-torch.expm1(-pace)))  # softplus undone
            self.a.uniform_(0, 16, generator=generator).clamp_(min=1e-3).log_()


def read_chunk(
    S: Tensor, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_alpha: Tensor
) -> tuple[Tensor, Tensor]:
    """Read a few steps together.

    With A(t) the product of alpha from the first step on, S(t) = A(t) S + sum over s <= t of A(t)/A(s) k(s)
    n(s)', and what is written solves

        n(t) = beta(t) (v(t) - A(t) S' k(t) - sum over s < t of A(t)/A(s) (k(s) . k(t)) n(s))

    Args:
        S: (B, heads, d, d), from before.
        q: (B, heads, T, d), and so are k and v.
        k: of length 1.
        v: what is to be written.
        beta: (B, heads, T).
        log_alpha: (B, heads, T).

    Returns:
        S(t)' q(t), (B, heads, T, d), and S after the last step.
    """
    log_A = log_alpha.cumsum(-1)
    A = torch.exp(log_A)[..., None]
    between = torch.exp((log_A[..., None] - log_A[..., None, :]).tril()).tril()  # A(t)/A(s) for s <= t
    known = beta[..., None] * k
    system = (known @ k.mT * between).tril(-1)  # its diagonal of ones is not written down
    wanted = beta[..., None] * v - A * known @ S
    new = torch.linalg.solve_triangular(system, wanted, upper=False, unitriangular=True)
    heard = A * q @ S + (q @ k.mT * between) @ new
    left = torch.exp(log_A[..., -1:] - log_A)[..., None]  # of what each step writes, at the end
    return heard, A[..., -1:, :] * S + (left * k).mT @ new
