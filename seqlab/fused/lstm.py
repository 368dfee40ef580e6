r"""The long short-term memory in all its forms but the one whose gates see one another, compiled.

Equations and letters are those of :mod:`seqlab.models.recurrent.lstm`.

    c(t) = f * c(t-1) + i * g,   h(t) = o * tanh(c(t))

With N gates, four in the usual form, ``sums`` holds in rows N H t to N H (t + 1) the sums of the gates i, f,
g and o, then the gates, then dJ/da. What a form leaves out is computed from some other gate's rows, and then
chosen away: a choice between two vectors costs next to nothing, a branch for each would.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._lanes import alternate, fill, load, select, splat, store, total
from seqlab.fused._marking import inlined, part
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, arrange_both
from seqlab.fused.readout import add_error
from seqlab.fused.vector import sigmoid, tanh


@inlined
def prepare(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange W in F, and its transpose in B; peepholes as they are."""
    arrange_both(P, n.W, n.N, n.H, F, B)
    for k in range(_peepholes(n) * n.H):
        if F.shape[0] > 0:
            F[n.p + k] = P[n.p + k]
        if B.shape[0] > 0:
            B[n.p + k] = P[n.p + k]


@inlined
def forward(
    n: Any, P: Any, F: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int, room: Any
) -> None:
    """Read a sequence from the state in the first H rows of ``h`` and ``c``; fill the others."""
    v, K, N = n.v, n.H * n.v, n.N // n.H  # K vectors in a gate
    i_at, f_at, g_at, o_at = max(n.i, 0) * K, max(n.f, 0) * K, n.g * K, max(n.o, 0) * K
    for t in range(T):
        r = keep * t * N * K
        input_step(n, P, F, t, symbols, x, sums, r, room)
        add_product(v, F, n.W, n.N, n.H, h, t * K, sums, r)
        if n.p >= 0:
            _look(n, F, c, t * K, sums, r)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            i, f = sigmoid(load(sums, r + i_at + j)), sigmoid(load(sums, r + f_at + j))
            sum_g, sum_o = load(sums, r + g_at + j), load(sums, r + o_at + j)
            g, one = tanh(sum_g), fill(i, 1.0)
            if n.i < 0:
                i = one
            if n.f < 0:
                f = one
            if n.coupled == 1:
                f = one - i
            if n.open_g == 1:
                g = sum_g
            held, before = alternate(j, even, odd), load(c, t * K + j)
            new = f * before + i * g
            if n.p >= 0 and n.o >= 0:
                sum_o = sum_o + splat(F, n.p + _place_of_o(n) * n.H + j // v) * new
            o = sigmoid(sum_o)
            if n.o < 0:
                o = one
            if n.i >= 0:
                store(sums, r + i_at + j, i)
            if n.f >= 0:
                store(sums, r + f_at + j, f)
            store(sums, r + g_at + j, g)
            if n.o >= 0:
                store(sums, r + o_at + j, o)
            shown = tanh(new)
            if n.open_c == 1:
                shown = new
            store(c, (t + 1) * K + j, select(held, before, new))
            store(h, (t + 1) * K + j, select(held, load(h, t * K + j), o * shown))


@inlined
def backward(
    n: Any, B: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, above: Any, dh: Any, dc: Any, G: Any, room: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn gates to dJ/da, dh and dc to those there; add dJ/dW to G."""
    v, K, N = n.v, n.H * n.v, n.N // n.H
    i_at, f_at, g_at, o_at = max(n.i, 0) * K, max(n.f, 0) * K, n.g * K, max(n.o, 0) * K
    for t in range(end - 1, begin - 1, -1):
        r = N * K * t
        add_error(n, t, first, above, dh)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            held = alternate(j, even, odd)
            i, f = load(sums, r + i_at + j), load(sums, r + f_at + j)
            g, o = load(sums, r + g_at + j), load(sums, r + o_at + j)
            now, before = load(c, (t + 1) * K + j), load(c, t * K + j)
            shown, one, zero = tanh(now), fill(now, 1.0), fill(now, 0.0)
            slope_c, slope_g, written = 1.0 - shown * shown, 1.0 - g * g, g
            if n.i < 0:
                i = one
            if n.f < 0:
                f = one
            if n.coupled == 1:
                f, written = one - i, g - before
            if n.o < 0:
                o = one
            if n.open_g == 1:
                slope_g = one
            if n.open_c == 1:
                shown, slope_c = now, one
            whole, later = load(dh, j), load(dc, j)
            d = select(held, zero, whole)
            into_o = d * shown * o * (1.0 - o)
            into_c = later + d * o * slope_c
            if n.p >= 0 and n.o >= 0:
                into_c = into_c + splat(B, n.p + _place_of_o(n) * n.H + j // v) * into_o
            into_c = select(held, zero, into_c)
            into_i, into_f = into_c * written * i * (1.0 - i), into_c * before * f * (1.0 - f)
            onward = into_c * f
            if n.i >= 0:
                store(sums, r + i_at + j, into_i)
                if n.p >= 0:
                    onward = onward + splat(B, n.p + j // v) * into_i
            if n.f >= 0:
                store(sums, r + f_at + j, into_f)
                if n.p >= 0:
                    onward = onward + splat(B, n.p + (n.i >= 0) * n.H + j // v) * into_f
            store(sums, r + g_at + j, into_c * i * slope_g)
            if n.o >= 0:
                store(sums, r + o_at + j, into_o)
            store(dc, j, select(held, later, onward))
            store(dh, j, select(held, whole, zero))
        add_product(v, B, n.W, n.H, n.N, sums, r, dh, 0)
    steps = end - begin
    add_outer(v, sums, begin * N * K, N * K, n.N, h, begin * K, K, n.H, steps, G, n.W, room)
    if n.p >= 0:
        _add_peepholes(n, begin, end, sums, c, G)


@inlined
def _peepholes(n: Any) -> Any:
    """Return how many gates look at c."""
    return 0 if n.p < 0 else (n.i >= 0) + (n.f >= 0) + (n.o >= 0)


@inlined
def _place_of_o(n: Any) -> Any:
    """Return the place of o among the gates that look at c."""
    return (n.i >= 0) + (n.f >= 0)


@part
def _look(n: Any, F: Any, c: Any, before: int, sums: Any, r: int) -> None:
    """Add to the sums of i and f what they see of c(t-1), which begins at the vector ``before``."""
    K = n.H * n.v
    for j in range(K):
        seen = load(c, before + j)
        if n.i >= 0:
            at = r + n.i * K + j
            store(sums, at, load(sums, at) + splat(F, n.p + j // n.v) * seen)
        if n.f >= 0:
            at = r + n.f * K + j
            store(sums, at, load(sums, at) + splat(F, n.p + (n.i >= 0) * n.H + j // n.v) * seen)


@part
def _add_peepholes(n: Any, begin: int, end: int, sums: Any, c: Any, G: Any) -> None:
    """Add the gradients of the peepholes, from dJ/da in ``sums``, to ``G``."""
    K, N = n.H * n.v, n.N // n.H
    for gate in range(3):
        row = n.i if gate == 0 else n.f if gate == 1 else n.o
        place = 0 if gate == 0 else (n.i >= 0) if gate == 1 else _place_of_o(n)
        ahead = 1 if gate == 2 else 0  # o sees c(t), the others c(t-1)
        for unit in range(n.H if row >= 0 else 0):
            for i in range(n.v):
                j = unit * n.v + i
                s = fill(load(c, j), 0.0)
                for t in range(begin, end):
                    s = s + load(sums, (t * N + row) * K + j) * load(c, (t + ahead) * K + j)
                G[n.p + place * n.H + unit] += total(s)
