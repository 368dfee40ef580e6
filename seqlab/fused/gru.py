r"""The gated recurrent unit, compiled.

Equations and letters are those of :mod:`seqlab.models.recurrent.gru`.

    reset after:    m = W_n h(t-1) + c,   n = tanh(U_n x + b_n + r * m)
    reset before:   s = r * h(t-1),       n = tanh(U_n x + b_n + W_n s)
    h(t) = z * h(t-1) + (1 - z) * n

``sums`` holds in rows 4 H t to 4 H (t + 1) first m or s and then r, z and n: their sums, then their values,
then dJ/da, where m's is dJ/dm. (s stays what it is: dJ/dW_n needs it.)
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._lanes import alternate, fill, load, select, store
from seqlab.fused._marking import inlined
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, add_sums, arrange_both, fill_rows
from seqlab.fused.readout import add_error
from seqlab.fused.vector import sigmoid, tanh

AFTER = 4
"""The number of the cell with reset after in :data:`seqlab.fused.layers.CELLS`."""


@inlined
def prepare(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange W in F, and its transpose in B: that of r and z, and that of n."""
    H = n.H
    arrange_both(P, n.W, 2 * H, H, F, B)
    arrange_both(P, n.W + 2 * H * H, H, H, F, B)


@inlined
def forward(
    n: Any, P: Any, F: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int, room: Any
) -> None:
    """Read a sequence from the state in the first H rows of ``h``; fill the others."""
    v, H, K, after = n.v, n.H, n.H * n.v, n.cell == AFTER  # K vectors in a gate
    Wn = n.W + 2 * H * H
    for t in range(T):
        m = keep * t * 4 * K
        r, z, new = m + K, m + 2 * K, m + 3 * K
        input_step(n, P, F, t, symbols, x, sums, m, room)
        add_product(v, F, n.W, 2 * H, H, h, t * K, sums, r)
        if after:
            fill_rows(v, P, n.c, H, sums, m)
            add_product(v, F, Wn, H, H, h, t * K, sums, m)
        for j in range(K):
            r_j = sigmoid(load(sums, r + j))
            store(sums, r + j, r_j)
            store(sums, z + j, sigmoid(load(sums, z + j)))
            if after:
                store(sums, new + j, load(sums, new + j) + r_j * load(sums, m + j))
            else:
                store(sums, m + j, r_j * load(h, t * K + j))
        if not after:
            add_product(v, F, Wn, H, H, sums, m, sums, new)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            z_j, n_j, before = load(sums, z + j), tanh(load(sums, new + j)), load(h, t * K + j)
            store(sums, new + j, n_j)
            shown = z_j * before + (1.0 - z_j) * n_j
            store(h, (t + 1) * K + j, select(alternate(j, even, odd), before, shown))


@inlined
def backward(
    n: Any, B: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, above: Any, dh: Any, dc: Any, G: Any, room: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn the gates into dJ/da, ``dh`` into dJ/dh there.

    dJ/dW and dJ/dc are added to ``G``; ``dc`` is room for dJ/ds.
    """
    v, H, K, after = n.v, n.H, n.H * n.v, n.cell == AFTER
    Wn = n.W + 2 * H * H
    for t in range(end - 1, begin - 1, -1):
        m = 4 * K * t
        r, z, new = m + K, m + 2 * K, m + 3 * K
        add_error(n, t, first, above, dh)
        even, odd = load(symbols, t * v) < 0, load(symbols, t * v + v - 1) < 0
        for j in range(K):
            held = alternate(j, even, odd)
            whole, before = load(dh, j), load(h, t * K + j)
            z_j, n_j = load(sums, z + j), load(sums, new + j)
            zero = fill(whole, 0.0)
            d = select(held, zero, whole)
            dn = d * (1.0 - z_j) * (1.0 - n_j * n_j)
            store(sums, new + j, dn)
            store(sums, z + j, d * (before - n_j) * z_j * (1.0 - z_j))
            store(dh, j, select(held, whole, d * z_j))
            if after:
                r_j = load(sums, r + j)
                store(sums, r + j, dn * load(sums, m + j) * r_j * (1.0 - r_j))
                store(sums, m + j, dn * r_j)
            store(dc, j, zero)
        if after:
            add_product(v, B, Wn, H, H, sums, m, dh, 0)
        else:
            add_product(v, B, Wn, H, H, sums, new, dc, 0)
            for j in range(K):
                r_j, ds_j = load(sums, r + j), load(dc, j)
                store(sums, r + j, ds_j * load(h, t * K + j) * r_j * (1.0 - r_j))
                store(dh, j, load(dh, j) + ds_j * r_j)
        add_product(v, B, n.W, H, 2 * H, sums, r, dh, 0)
    m, steps = begin * 4 * K, end - begin
    add_outer(v, sums, m + K, 4 * K, 2 * H, h, begin * K, K, H, steps, G, n.W, room)
    if after:
        add_outer(v, sums, m, 4 * K, H, h, begin * K, K, H, steps, G, Wn, room)
        add_sums(v, sums, m, 4 * K, H, steps, G, n.c, room)
    else:
        add_outer(v, sums, m + 3 * K, 4 * K, H, sums, m, 4 * K, H, steps, G, Wn, room)
