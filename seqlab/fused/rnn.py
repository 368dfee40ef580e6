r"""The plain recurrent cell, compiled.

Equations and letters are those of :mod:`seqlab.models.recurrent.rnn`.

    h(t) = tanh(a(t)) or relu(a(t)),    a(t) = U x(t) + b + W h(t-1)

    delta(t) = D(t) dJ~(t)/dh(t),       D = 1 - h^2 or h > 0
    dh(t-1)  = dJ(t-1)/dh(t-1) + W^T delta(t)

``sums`` holds U x(t) + b in rows t H to (t + 1) H, then a(t), then delta(t).
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._lanes import alternate, fill, load, select, store
from seqlab.fused._marking import inlined
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, arrange_both
from seqlab.fused.readout import add_error
from seqlab.fused.vector import tanh

RELU = 1
"""The number of the cell with relu in :data:`seqlab.fused.layers.CELLS`."""


@inlined
def prepare(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange W in F, and its transpose in B."""
    arrange_both(P, n.W, n.H, n.H, F, B)


@inlined
def forward(
    n: Any, P: Any, F: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int, room: Any
) -> None:
    """Read a sequence from the state in the first H rows of ``h``; fill the others."""
    v, K, relu = n.v, n.H * n.v, n.cell == RELU  # K vectors in a state
    for t in range(T):
        r = keep * t * K
        input_step(n, P, F, t, symbols, x, sums, r, room)
        add_product(v, F, n.W, n.H, n.H, h, t * K, sums, r)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            a = load(sums, r + j)
            new = select(a > 0, a, fill(a, 0.0)) if relu else tanh(a)
            store(h, (t + 1) * K + j, select(alternate(j, even, odd), load(h, t * K + j), new))


@inlined
def backward(
    n: Any, B: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, above: Any, dh: Any, dc: Any, G: Any, room: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn sums into delta, dh into dJ/dh there; add dJ/dW to ``G``."""
    v, K, relu = n.v, n.H * n.v, n.cell == RELU
    for t in range(end - 1, begin - 1, -1):
        add_error(n, t, first, above, dh)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            held = alternate(j, even, odd)
            d, now = load(dh, j), load(h, (t + 1) * K + j)
            zero = fill(d, 0.0)
            slope = select(now > 0, fill(d, 1.0), zero) if relu else 1.0 - now * now
            store(sums, t * K + j, select(held, zero, d * slope))
            store(dh, j, select(held, d, zero))
        add_product(v, B, n.W, n.H, n.H, sums, t * K, dh, 0)
    add_outer(v, sums, begin * K, K, n.H, h, begin * K, K, n.H, end - begin, G, n.W, room)
