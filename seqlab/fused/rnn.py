r"""The plain recurrent cell, compiled; the equations and letters are those of :mod:`seqlab.models.rnn`.

    h(t) = tanh(a(t)) or relu(a(t)),    a(t) = U x(t) + b + W h(t-1)

    delta(t) = D(t) dJ~(t)/dh(t),       D = 1 - h^2 or h > 0
    dh(t-1)  = dJ(t-1)/dh(t-1) + W^T delta(t)

``sums`` holds U x(t) + b in rows t H to (t + 1) H, then a(t), then delta(t).
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import part
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, transpose
from seqlab.fused.readout import add_readout_error
from seqlab.fused.vector import tanh

RELU = 1
"""The number of the cell with relu in :data:`seqlab.fused.network.CELLS`."""


@part
def forward(n: Any, P: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int) -> None:
    """Read a sequence from the state in the first H rows of ``h``; fill the others."""
    H, relu = n.H, n.cell == RELU
    for t in range(T):
        row = keep * t * H
        input_step(n, P, t, symbols, x, sums, row, keep)
        add_product(P, n.W, H, H, h, t * H, sums, row)
        held = load(symbols, t) < 0
        for j in range(H):
            a = load(sums, row + j)
            new = select(a > 0, a, fill(a, 0.0)) if relu else tanh(a)
            store(h, (t + 1) * H + j, select(held, load(h, t * H + j), new))


@part
def backward(
    n: Any, P: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, errors: Any, dh: Any, dc: Any, Vt: Any, Wt: Any, G: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn sums into delta, dh into dJ/dh there; add dJ/dW to ``G``."""
    H, relu = n.H, n.cell == RELU
    transpose(P, n.W, H, H, Wt, 0, H)
    for t in range(end - 1, begin - 1, -1):
        add_readout_error(n, t, first, Vt, errors, dh)
        held = load(symbols, t) < 0
        for j in range(H):
            d, now = load(dh, j), load(h, (t + 1) * H + j)
            zero = fill(d, 0.0)
            slope = select(now > 0, fill(d, 1.0), zero) if relu else 1.0 - now * now
            store(sums, t * H + j, select(held, zero, d * slope))
            store(dh, j, select(held, d, zero))
        add_product(Wt, 0, H, H, sums, t * H, dh, 0)
    add_outer(sums, begin * H, H, H, h, begin * H, H, H, end - begin, G, n.W)
