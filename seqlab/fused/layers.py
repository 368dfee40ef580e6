"""A network's layers, compiled: a tile of sequences is read from the lowest layer up, the way back goes down.

    x of layer l + 1 = m * h of layer l,    m = 0 or 1 / (1 - dropout)

where m is the same at every step, or moves on by one unit at each.

``above`` holds dJ/dh(t) as it comes to a layer from the read-out or the layer above
it, T H rows; ``masks`` holds m, H rows for each layer, or is empty where nothing is dropped.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused import gru, lstm, rnn
from seqlab.fused._lanes import lanes_of, load, store
from seqlab.fused._marking import inlined, part
from seqlab.fused.inputs import input_errors, input_gradients, prepare_inputs
from seqlab.fused.layout import BLOCK, Shape
from seqlab.fused.readout import prepare_readout, readout_errors, readout_gradients

RELU, LSTM = 1, 2
"""Places in CELLS: up to the first a plain network, the second an LSTM, a GRU above."""


@part
def shape_of(sizes: Any, l: int) -> Shape:
    """Return the shape of layer number l, row l of ``sizes``."""
    s = sizes[l]
    return Shape(
        s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11],
        s[12], s[13], s[14], s[15], s[16], s[17], s[18], s[19], s[20], s[21], s[22], s[23],
    )  # fmt: skip


@inlined
def cut_layer(n: Any, l: int, T: int, space: Any) -> Any:
    """Return sums, h, c, shown, dh and dc of layer number l, cut from the working space."""
    row = n.v * lanes_of(space)
    a = l * (T * (n.R + n.H) + (2 * (T + 1) + 2) * n.H) * row
    b = a + T * n.R * row
    c = b + (T + 1) * n.H * row
    d = c + (T + 1) * n.H * row
    e = d + T * n.H * row
    f = e + n.H * row
    return space[a:b], space[b:c], space[c:d], space[d:e], space[e:f], space[f : f + n.H * row]


@inlined
def cut_rest(n: Any, layers: int, T: int, space: Any) -> Any:
    """Return out, above, wrong and room, cut from the working space after all layers."""
    row = n.v * lanes_of(space)
    a = layers * (T * (n.R + n.H) + (2 * (T + 1) + 2) * n.H) * row
    b = a + T * n.O * row
    c = b + T * n.H * row
    return space[a:b], space[b:c], space[c : c + row], space[c + row :]


@inlined
def outputs_of(n: Any, l: int, T: int, space: Any, masks: Any) -> Any:
    """Return what layer number l shows to what stands above it, T H rows."""
    _, h, _, shown, _, _ = cut_layer(n, l, T, space)
    return h[n.H * n.v * lanes_of(space) :] if masks.shape[0] == 0 else shown


@inlined
def arrange_weights(sizes: Any, P: Any, F: Any, B: Any) -> None:
    """Write the weights in F, in B, if not empty, as the way forward, the way back reads them."""
    for l in range(sizes.shape[0]):
        n = shape_of(sizes, l)
        prepare_inputs(n, P, F, B)
        if n.cell <= RELU:
            rnn.prepare(n, P, F, B)
        elif n.cell == LSTM:
            lstm.prepare(n, P, F, B)
        else:
            gru.prepare(n, P, F, B)
    prepare_readout(shape_of(sizes, 0), P, F, B)


@inlined
def read(
    sizes: Any, P: Any, F: Any, T: int, symbols: Any, features: Any, masks: Any, space: Any, keep: int
) -> None:
    """Run all layers over a tile of sequences, each from the state in the first H rows of its h and c.

    ``keep`` is 1 to keep what the way back needs of every step, 0 to keep h and c only.
    """
    x = features
    for l in range(sizes.shape[0]):
        n = shape_of(sizes, l)
        sums, h, c, _, _, _ = cut_layer(n, l, T, space)
        _, _, _, room = cut_rest(n, sizes.shape[0], T, space)
        if n.cell <= RELU:
            rnn.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)
        elif n.cell == LSTM:
            lstm.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)
        else:
            gru.forward(n, P, F, T, symbols, x, sums, h, c, keep, room)
        x = outputs_of(n, l, T, space, masks)
        if masks.shape[0] > 0:
            _mask(n, l, T, 0, masks, h, n.H * n.v, x)


@inlined
def go_back(
    sizes: Any, B: Any, T: int, symbols: Any, features: Any, masks: Any, first: int, errors: Any,
    G: Any, space: Any,
) -> None:  # fmt: skip
    """Add the gradient of every weight to ``G``.

    Comes from dJ/do(t), of the steps from ``first`` on, in ``errors``, and from dJ/dh(T), dJ/dc(T) in each
    layer's dh and dc, which become those at the start.
    """
    layers = sizes.shape[0]
    n = shape_of(sizes, layers - 1)
    _, above, _, room = cut_rest(n, layers, T, space)
    readout_gradients(n, T, first, outputs_of(n, layers - 1, T, space, masks), errors, G, room)
    readout_errors(n, B, T, first, errors, above)
    for l in range(layers - 1, -1, -1):
        n = shape_of(sizes, l)
        x = features if l == 0 else outputs_of(n, l - 1, T, space, masks)
        if masks.shape[0] > 0:
            _mask(n, l, T, first, masks, above, 0, above)
        sums, h, c, _, dh, dc = cut_layer(n, l, T, space)
        for end in range(T, 0, -BLOCK):
            begin = max(0, end - BLOCK)
            if n.cell <= RELU:
                rnn.backward(n, B, begin, end, symbols, sums, h, c, first, above, dh, dc, G, room)
            elif n.cell == LSTM:
                lstm.backward(n, B, begin, end, symbols, sums, h, c, first, above, dh, dc, G, room)
            else:
                gru.backward(n, B, begin, end, symbols, sums, h, c, first, above, dh, dc, G, room)
            input_gradients(n, G, begin, end, symbols, x, sums, room)
        if l > 0:
            input_errors(n, B, T, sums, above)
            first = 0


@part
def _mask(n: Any, l: int, T: int, first: int, masks: Any, X: Any, x: int, Y: Any) -> None:
    """Write m X(t) in Y(t) for the steps from ``first`` on; X begins at the vector ``x``."""
    K = n.H * n.v
    for t in range(first, T):
        moved = (t * n.move) % n.H * n.v
        for j in range(K):
            m = j + moved if j + moved < K else j + moved - K
            store(Y, t * K + j, load(masks, l * K + m) * load(X, x + t * K + j))
