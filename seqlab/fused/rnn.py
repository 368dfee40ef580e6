r"""The plain recurrent cell, compiled; the equations and letters are those of :mod:`seqlab.models.rnn`.

    h(t) = tanh(a(t)) or relu(a(t)),    a(t) = U x(t) + b + W h(t-1)

    delta(t) = D(t) dJ~(t)/dh(t),       D = 1 - h^2 or h > 0
    dh(t-1)  = dJ(t-1)/dh(t-1) + W^T delta(t)

``sums`` holds U x(t) + b in rows t H to (t + 1) H, then a(t), then delta(t).
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import compiled
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.products import add_outer, add_product, transpose
from seqlab.fused.vector import tanh


@compiled
def forward(P: Any, W: int, H: int, T: int, relu: bool, symbols: Any, sums: Any, h: Any) -> None:
    """Read a sequence from the state in the first H rows of ``h``; fill the others."""
    for t in range(T):
        add_product(P, W, H, H, h, t * H, sums, t * H)
        held = load(symbols, t) < 0
        for j in range(H):
            a = load(sums, t * H + j)
            new = select(a > 0, a, fill(a, 0.0)) if relu else tanh(a)
            store(h, (t + 1) * H + j, select(held, load(h, t * H + j), new))


@compiled
def backward(
    P: Any, W: int, H: int, T: int, relu: bool, symbols: Any, sums: Any, h: Any,
    Vt: Any, O: int, first: int, errors: Any, dh: Any, Wt: Any, G: Any,
) -> None:  # fmt: skip
    """Go back: turn ``sums`` into delta, ``dh`` into dJ/dh at the start, and add dJ/dW to ``G``."""
    transpose(P, W, H, H, Wt, 0, H)
    for t in range(T - 1, -1, -1):
        if t >= first:
            add_product(Vt, 0, H, O, errors, (t - first) * O, dh, 0)
        held = load(symbols, t) < 0
        for j in range(H):
            d, now = load(dh, j), load(h, (t + 1) * H + j)
            zero = fill(d, 0.0)
            slope = select(now > 0, fill(d, 1.0), zero) if relu else 1.0 - now * now
            store(sums, t * H + j, select(held, zero, d * slope))
            store(dh, j, select(held, d, zero))
        add_product(Wt, 0, H, H, sums, t * H, dh, 0)
    add_outer(sums, 0, H, H, h, 0, H, H, T, G, W)
