r"""The gated recurrent unit, compiled; the equations and letters are those of :mod:`seqlab.models.gru`.

    reset after:    m = W_n h(t-1) + c,   n = tanh(U_n x + b_n + r * m)
    reset before:   s = r * h(t-1),       n = tanh(U_n x + b_n + W_n s)
    h(t) = z * h(t-1) + (1 - z) * n

``sums`` holds in rows 4 H t to 4 H (t + 1) first m or s and then r, z and n: their sums, then their values,
then dJ/da, where m's is dJ/dm. (s stays what it is: dJ/dW_n needs it.)
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._compiling import part
from seqlab.fused._lanes import fill, load, select, store
from seqlab.fused.inputs import input_step
from seqlab.fused.products import add_outer, add_product, add_sums, fill_rows, transpose
from seqlab.fused.readout import add_readout_error
from seqlab.fused.vector import sigmoid, tanh

AFTER = 4
"""The number of the cell with reset after in :data:`seqlab.fused.network.CELLS`."""


@part
def forward(n: Any, P: Any, T: int, symbols: Any, x: Any, sums: Any, h: Any, c: Any, keep: int) -> None:
    """Read a sequence from the state in the first H rows of ``h``; fill the others."""
    H, after = n.H, n.cell == AFTER
    for t in range(T):
        m = keep * t * 4 * H
        r, z, new = m + H, m + 2 * H, m + 3 * H
        input_step(n, P, t, symbols, x, sums, m, keep)
        add_product(P, n.W, 2 * H, H, h, t * H, sums, r)
        if after:
            fill_rows(P, n.c, H, sums, m)
            add_product(P, n.W + 2 * H * H, H, H, h, t * H, sums, m)
        for j in range(H):
            r_j = sigmoid(load(sums, r + j))
            store(sums, r + j, r_j)
            store(sums, z + j, sigmoid(load(sums, z + j)))
            if after:
                store(sums, new + j, load(sums, new + j) + r_j * load(sums, m + j))
            else:
                store(sums, m + j, r_j * load(h, t * H + j))
        if not after:
            add_product(P, n.W + 2 * H * H, H, H, sums, m, sums, new)
        held = load(symbols, t) < 0
        for j in range(H):
            z_j, n_j, before = load(sums, z + j), tanh(load(sums, new + j)), load(h, t * H + j)
            store(sums, new + j, n_j)
            store(h, (t + 1) * H + j, select(held, before, z_j * before + (1.0 - z_j) * n_j))


@part
def backward(
    n: Any, P: Any, begin: int, end: int, symbols: Any, sums: Any, h: Any, c: Any,
    first: int, errors: Any, dh: Any, dc: Any, Vt: Any, Wt: Any, G: Any,
) -> None:  # fmt: skip
    """Go back from ``end`` to ``begin``: turn the gates into dJ/da, ``dh`` into dJ/dh there.

    dJ/dW and dJ/dc are added to ``G``; ``dc`` is room for dJ/ds.
    """
    H, after = n.H, n.cell == AFTER
    # Wt after: (H, 3 H), columns n, r, z as in sums; before: (H, 2 H) of r and z, then (H, H) of n
    if after:
        transpose(P, n.W + 2 * H * H, H, H, Wt, 0, 3 * H)
        transpose(P, n.W, 2 * H, H, Wt, H, 3 * H)
    else:
        transpose(P, n.W, 2 * H, H, Wt, 0, 2 * H)
        transpose(P, n.W + 2 * H * H, H, H, Wt, 2 * H * H, H)
    for t in range(end - 1, begin - 1, -1):
        m = 4 * H * t
        r, z, new = m + H, m + 2 * H, m + 3 * H
        add_readout_error(n, t, first, Vt, errors, dh)
        held = load(symbols, t) < 0
        for j in range(H):
            whole, before = load(dh, j), load(h, t * H + j)
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
            add_product(Wt, 0, H, 3 * H, sums, m, dh, 0)
        else:
            add_product(Wt, 2 * H * H, H, H, sums, new, dc, 0)
            for j in range(H):
                r_j, ds_j = load(sums, r + j), load(dc, j)
                store(sums, r + j, ds_j * load(h, t * H + j) * r_j * (1.0 - r_j))
                store(dh, j, load(dh, j) + ds_j * r_j)
            add_product(Wt, 0, H, 2 * H, sums, r, dh, 0)
    m, steps = begin * 4 * H, end - begin
    add_outer(sums, m + H, 4 * H, 2 * H, h, begin * H, H, H, steps, G, n.W)
    if after:
        add_outer(sums, m, 4 * H, H, h, begin * H, H, H, steps, G, n.W + 2 * H * H)
        add_sums(sums, m, 4 * H, H, steps, G, n.c)
    else:
        add_outer(sums, m + 3 * H, 4 * H, H, sums, m, 4 * H, H, steps, G, n.W + 2 * H * H)
