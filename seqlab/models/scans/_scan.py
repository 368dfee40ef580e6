"""A linear recurrence over a whole sequence at once, for cells whose gates do not look at h.

    h(t) = a(t) * h(t-1) + b(t)

With gates that depend on the input alone, a and b are known for all steps before the recurrence begins, and
it can be solved in parallel over time (Blelloch 1990; Martin & Cundy 2018). :func:`scan` does it for
0 < a(t) < 1 and b(t) > 0 in log space, as Feng et al. 2024, where a product of ten thousand gates is a sum
and cannot underflow; :func:`linear_scan` does it for a and b of either sign, or complex.

In log space the published way, log h = A + logcumsumexp(log b - A) with A = cumsum(log a), takes differences
of numbers that grow with the length: in float32 it loses 3 digits of its 7 in 10,000 steps. So the sequence
is cut into some sqrt(T) pieces of some sqrt(T) steps. Within the pieces, all at once, sums are only ever
added to:

    log h(t) = logaddexp(log b(t), log a(t) + log h(t-1))               or as it is above

and each piece then takes the state that the one before it ends with, which may have either sign:

    h(t) = exp(log h(t)) + exp(A(t)) * carried         A: the sum of log a from the beginning of the piece

The work grows as T, the number of operations that wait for one another as sqrt(T).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqlab.models._fast import full_precision


def positive(x: Tensor) -> Tensor:
    """Return g(x) = x + 0.5 for x >= 0 and sigmoid(x) below: positive, continuous and rising.

    Feng et al. 2024, appendix B: it takes the place of tanh, so that what is written has a logarithm.

    >>> positive(torch.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1192, 0.5000, 2.5000])
    """
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


def log_positive(x: Tensor) -> Tensor:
    """Return log g(x), which is finite where g(x) itself would underflow.

    >>> log_positive(torch.tensor([-200.0, 0.5]))
    tensor([-200., 0.])
    """
    # clamped, since a gradient passes through both branches and log has none below 0
    return torch.where(x >= 0, torch.log(x.clamp(min=0) + 0.5), F.logsigmoid(x))


def by_symbol(logs: Callable[[Tensor], Tensor], x: Tensor, symbols: int) -> Tensor:
    """Return ``logs(x)``; where there are fewer symbols than places, of each symbol once, and look it up.

    Args:
        logs: what depends on the input alone, such as gates: (...) symbols or (..., I) features to (..., N).
        x: (T, B) symbols or (T, B, I) features.
        symbols: how many there are.
    """
    if x.is_floating_point() or x.numel() <= symbols:
        return logs(x)
    return F.embedding(x, logs(torch.arange(symbols, device=x.device)))


def scan(log_a: Tensor, log_b: Tensor, start: Tensor) -> Tensor:
    """Solve h(t) = a(t) * h(t-1) + b(t).

    Args:
        log_a: (T, B, H).
        log_b: (T, B, H).
        start: h(0), (B, H), of either sign.

    Returns:
        h, (T, B, H), in float32 at least.

    >>> halves = torch.full((3, 1, 1), 0.5).log()
    >>> scan(halves, torch.ones(3, 1, 1).log(), torch.tensor([[8.0]])).flatten()
    tensor([5.0000, 3.5000, 2.7500])
    """
    h: Tensor = _Scan.apply(log_a, log_b, start)  # type: ignore[no-untyped-call]
    return h


class _Scan(torch.autograd.Function):
    """The scan, and the way back: the same recurrence from the end, in which a sum may have either sign.

    dh stands for dJ/dh(t) with all that later steps add:

        dh(t-1)    = dJ(t-1)/dh(t-1) + a(t) * dh(t)
        d log b(t) = dh(t) * b(t)
        d log a(t) = dh(t) * a(t) * h(t-1)
    """

    @staticmethod
    @full_precision
    def forward(ctx: Any, log_a: Tensor, log_b: Tensor, start: Tensor) -> Tensor:
        A, log_h = _pieces(log_a, 0.0), _pieces(log_b, -math.inf)
        steps = log_h.unbind(1)
        for before, now, log_a_t, A_before in zip(
            steps, steps[1:], A.unbind(1)[1:], A.unbind(1), strict=False
        ):
            torch.logaddexp(now, log_a_t + before, out=now)
            log_a_t += A_before
        h = _join(A.exp_(), log_h.exp_(), start)[: len(log_a)]
        ctx.save_for_backward(log_a, log_b, start, h)
        return h

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, ...]:
        log_a, log_b, start, h = ctx.saved_tensors
        a = log_a.exp()
        total = _solve_back(a, dh)
        into_a = total * a
        before = torch.cat([start[None], h[:-1]])
        return into_a * before, total * log_b.exp(), into_a[0]


def linear_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Solve h(t) = a(t) * h(t-1) + b(t) for a and b of either sign, or complex, both or neither.

    Args:
        a: (T, B, ...), or with an axis of 1 where all have the same, such as (T, 1, N) for all rows.
        b: (T, B, ...).
        start: h(0), (B, ...).

    Returns:
        h, (T, B, ...), in float32 at least.

    >>> signs = torch.full((3, 1, 1), -1.0)
    >>> linear_scan(signs, torch.zeros(3, 1, 1), torch.tensor([[8.0]])).flatten()
    tensor([-8.,  8., -8.])
    """
    h: Tensor = _LinearScan.apply(a, b, start)  # type: ignore[no-untyped-call]
    return h


class _LinearScan(torch.autograd.Function):
    """The scan, and the way back, with dh for dJ/dh(t) with all that later steps add, and * for conjugates:

    dh(t-1) = dJ(t-1)/dh(t-1) + a(t)* dh(t),   d b(t) = dh(t),   d a(t) = dh(t) h(t-1)*
    """

    @staticmethod
    @full_precision
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor) -> Tensor:
        h = _solve(a, b, start)
        ctx.save_for_backward(a, start, h)
        return h

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, ...]:
        a, start, h = ctx.saved_tensors
        a = a.conj()
        total = _solve_back(a, dh)
        before = torch.cat([start[None], h[:-1]])
        return (total * before.conj()).sum_to_size(a.shape), total, a[0] * total[0]


def _solve(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Solve the recurrence as it is, in pieces."""
    A, h = _pieces(a, 1.0), _pieces(b, 0.0)
    for (A_before, before), (a_t, now) in pairwise(zip(A.unbind(1), h.unbind(1), strict=True)):
        now.addcmul_(a_t, before)
        a_t *= A_before
    return _join(A, h, start)[: len(a)]


def _solve_back(a: Tensor, b: Tensor) -> Tensor:
    """Solve g(t) = a(t+1) * g(t+1) + b(t) from the end, where nothing comes after the last."""
    A, g = _pieces(a.roll(-1, 0), 1.0), _pieces(b, 0.0)
    steps = list(zip(A.unbind(1), g.unbind(1), strict=True))
    for (A_after, after), (a_t, now) in pairwise(reversed(steps)):
        now.addcmul_(a_t, after)
        a_t *= A_after
    for piece, A_piece, after in zip(g.unbind()[-2::-1], A.unbind()[-2::-1], g.unbind()[:0:-1], strict=True):
        piece.addcmul_(A_piece, after[0])
    return g.flatten(0, 1)[: len(a)]


def _pieces(x: Tensor, neutral: float) -> Tensor:
    """Copy (T, B, H) into (pieces, steps of a piece, B, H), filled up with what changes nothing."""
    steps = math.isqrt(len(x) - 1) + 1
    pieces = -(-len(x) // steps)
    cut = x.new_empty(pieces * steps, *x.shape[1:])
    cut[: len(x)] = x
    cut[len(x) :] = neutral
    return cut.view(pieces, steps, *x.shape[1:])


def _join(A: Tensor, h: Tensor, carried: Tensor) -> Tensor:
    """Let each piece go on from the end of the one before: h + A * carried, in place, as (T, B, H)."""
    for A_piece, h_piece in zip(A.unbind(), h.unbind(), strict=True):
        h_piece.addcmul_(A_piece, carried)
        carried = h_piece[-1]
    return h.flatten(0, 1)
