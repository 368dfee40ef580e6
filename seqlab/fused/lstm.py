r"""The long short-term memory, compiled.

Equations and letters are those of :mod:`seqlab.models.recurrent.lstm`.

    c(t) = f * c(t-1) + i * g,   h(t) = o * tanh(c(t))

``sums`` holds in rows 4 H t to 4 H (t + 1) the sums of the gates i, f, g and o, then the gates, then
dJ/da.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import inlined
from seqlab.fused._lanes import alternate, fill, load, select, store
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, arrange_both
from seqlab.fused.readout import add_error
from seqlab.fused.vector import sigmoid, tanh


@inlined
def prepare(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange W in F, and its transpose in B."""
    arrange_both(P, n.W, 4 * n.H, n.H, F, B)


@inlined
def forward(
    n: Any, P: Any, F: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int, room: Any
) -> None:
    """Read a sequence from the state in the first H rows of ``h`` and ``c``; fill the others."""
    v, K = n.v, n.H * n.v  # K vectors in a gate
    for t in range(T):
        r = keep * t * 4 * K
        input_step(n, P, F, t, symbols, x, sums, r, room)
        add_product(v, F, n.W, 4 * n.H, n.H, h, t * K, sums, r)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            i, f = sigmoid(load(sums, r + j)), sigmoid(load(sums, r + K + j))
            g, o = tanh(load(sums, r + 2 * K + j)), sigmoid(load(sums, r + 3 * K + j))
            store(sums, r + j, i)
            store(sums, r + K + j, f)
            store(sums, r + 2 * K + j, g)
            store(sums, r + 3 * K + j, o)
            held, before = alternate(j, even, odd), load(c, t * K + j)
            new = f * before + i * g
            store(c, (t + 1) * K + j, select(held, before, new))
            store(h, (t + 1) * K + j, select(held, load(h, t * K + j), o * tanh(new)))


@inlined
def backward(
    n: Any, B: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, above: Any, dh: Any, dc: Any, G: Any, room: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn gates to dJ/da, dh and dc to those there; add dJ/dW to G."""
    v, K = n.v, n.H * n.v
    for t in range(end - 1, begin - 1, -1):
        r = 4 * K * t
        add_error(n, t, first, above, dh)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            held = alternate(j, even, odd)
            i, f = load(sums, r + j), load(sums, r + K + j)
            g, o = load(sums, r + 2 * K + j), load(sums, r + 3 * K + j)
            shown = tanh(load(c, (t + 1) * K + j))
            whole, later = load(dh, j), load(dc, j)
            zero = fill(whole, 0.0)
            d = select(held, zero, whole)
            into_c = select(held, zero, later + d * o * (1.0 - shown * shown))
            store(sums, r + j, into_c * g * i * (1.0 - i))
            store(sums, r + K + j, into_c * load(c, t * K + j) * f * (1.0 - f))
            store(sums, r + 2 * K + j, into_c * i * (1.0 - g * g))
            store(sums, r + 3 * K + j, d * shown * o * (1.0 - o))
            store(dc, j, select(held, later, into_c * f))
            store(dh, j, select(held, whole, zero))
        add_product(v, B, n.W, n.H, 4 * n.H, sums, r, dh, 0)
    steps = end - begin
    add_outer(v, sums, begin * 4 * K, 4 * K, 4 * n.H, h, begin * K, K, n.H, steps, G, n.W, room)
