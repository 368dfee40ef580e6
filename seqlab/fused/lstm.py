r"""The long short-term memory, compiled; the equations and letters are those of :mod:`seqlab.models.lstm`.

    c(t) = f * c(t-1) + i * g,   h(t) = o * tanh(c(t))

``sums`` holds in rows 4 H t to 4 H (t + 1) the sums of the gates i, f, g and o, then the gates, then
dJ/da.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import part
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, transpose
from seqlab.fused.readout import add_readout_error
from seqlab.fused.vector import sigmoid, tanh


@part
def forward(n: Any, P: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int) -> None:
    """Read a sequence from the state in the first H rows of ``h`` and ``c``; fill the others."""
    H = n.H
    for t in range(T):
        r = keep * t * 4 * H
        input_step(n, P, t, symbols, x, sums, r, keep)
        add_product(P, n.W, 4 * H, H, h, t * H, sums, r)
        held = load(symbols, t) < 0
        for j in range(H):
            i, f = sigmoid(load(sums, r + j)), sigmoid(load(sums, r + H + j))
            g, o = tanh(load(sums, r + 2 * H + j)), sigmoid(load(sums, r + 3 * H + j))
            store(sums, r + j, i)
            store(sums, r + H + j, f)
            store(sums, r + 2 * H + j, g)
            store(sums, r + 3 * H + j, o)
            before = load(c, t * H + j)
            new = f * before + i * g
            store(c, (t + 1) * H + j, select(held, before, new))
            store(h, (t + 1) * H + j, select(held, load(h, t * H + j), o * tanh(new)))


@part
def backward(
    n: Any, P: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, errors: Any, dh: Any, dc: Any, Vt: Any, Wt: Any, G: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn gates to dJ/da, dh and dc to those there; add dJ/dW to G."""
    H = n.H
    transpose(P, n.W, 4 * H, H, Wt, 0, 4 * H)
    for t in range(end - 1, begin - 1, -1):
        r = 4 * H * t
        add_readout_error(n, t, first, Vt, errors, dh)
        held = load(symbols, t) < 0
        for j in range(H):
            i, f = load(sums, r + j), load(sums, r + H + j)
            g, o = load(sums, r + 2 * H + j), load(sums, r + 3 * H + j)
            shown = tanh(load(c, (t + 1) * H + j))
            whole, later = load(dh, j), load(dc, j)
            zero = fill(whole, 0.0)
            d = select(held, zero, whole)
            into_c = select(held, zero, later + d * o * (1.0 - shown * shown))
            store(sums, r + j, into_c * g * i * (1.0 - i))
            store(sums, r + H + j, into_c * load(c, t * H + j) * f * (1.0 - f))
            store(sums, r + 2 * H + j, into_c * i * (1.0 - g * g))
            store(sums, r + 3 * H + j, d * shown * o * (1.0 - o))
            store(dc, j, select(held, later, into_c * f))
            store(dh, j, select(held, whole, zero))
        add_product(Wt, 0, H, 4 * H, sums, r, dh, 0)
    add_outer(sums, begin * 4 * H, 4 * H, 4 * H, h, begin * H, H, H, end - begin, G, n.W)
