"""Many texts written side by side, compiled: a lane for each, a tile of them at a time.

A step reads the symbols written last and draws the next as :mod:`seqlab.generation` does, but in float32:
the shares of the symbols are summed up in their order until they reach the uniform number that was drawn.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._lanes import fill, lanes_of, load, select, store, total
from seqlab.fused._marking import part
from seqlab.fused.layers import arrange_weights, cut_layer, cut_rest, outputs_of, read, shape_of
from seqlab.fused.products import copy_vectors
from seqlab.fused.readout import answers
from seqlab.fused.vector import exp


@part
def draw(n: Any, scores: Any, uniforms: Any, first: int, sharpness: float, symbols: Any) -> float:
    """Draw a symbol in each lane; return a number that is finite if the scores are.

    Args:
        n: the Shape of the network.
        scores: O rows; overwritten.
        uniforms: the numbers in (0, 1], a row from vector ``first`` on.
        sharpness: 1 / temperature.
        symbols: a row, written.
    """
    seen = 0.0
    for i in range(n.v):
        greatest = load(scores, i)
        for o in range(1, n.O):
            score = load(scores, o * n.v + i)
            greatest = select(score > greatest, score, greatest)
        zero, one = fill(greatest, 0.0), fill(greatest, 1.0)
        mass = zero
        for o in range(n.O):
            mass = mass + exp((load(scores, o * n.v + i) - greatest) * sharpness)
            store(scores, o * n.v + i, mass)
        wanted, symbol = load(uniforms, first + i) * mass, zero
        for o in range(n.O - 1):
            symbol = symbol + select(load(scores, o * n.v + i) < wanted, one, zero)
        store(symbols, i, symbol)
        seen += total(mass)
    return seen


def write(
    fresh: bool, sizes: Any, P: Any, arranged: Any, space: Any, state: Any, symbols: Any, uniforms: Any,
    sharpness: float, written: Any,
) -> float:  # fmt: skip
    """Let the texts of a tile go on; return a number that is finite if all scores were.

    Args:
        fresh: whether to arrange the weights first.
        sizes: (layers, ...), the :class:`~seqlab.fused.layout.Shape` of each layer.
        P: the flat weights.
        arranged: room for as many.
        space: working space of one step.
        state: for each layer 2 H rows, h and c; replaced by those at the end.
        symbols: a row, those written last; replaced likewise.
        uniforms: a row of numbers in (0, 1] for each step.
        sharpness: 1 / temperature.
        written: a row of symbols for each step, written.
    """
    n, layers = shape_of(sizes, 0), sizes.shape[0]
    nothing = symbols[:0]
    if fresh:
        arrange_weights(sizes, P, arranged, nothing)
    K, seen = n.H * n.v, 0.0
    for l in range(layers):
        _, h, c, _, _, _ = cut_layer(n, l, 1, space)
        copy_vectors(state, 2 * l * K, h, 0, K)
        copy_vectors(state, (2 * l + 1) * K, c, 0, K)
    out, _, _, _ = cut_rest(n, layers, 1, space)
    for t in range(uniforms.shape[0] // (n.v * lanes_of(space))):
        read(sizes, P, arranged, 1, symbols, nothing, nothing, space, 0)
        answers(n, P, arranged, 1, 0, outputs_of(n, layers - 1, 1, space, nothing), out)
        seen += draw(n, out, uniforms, t * n.v, sharpness, symbols)
        copy_vectors(symbols, 0, written, t * n.v, n.v)
        for l in range(layers):
            _, h, c, _, _, _ = cut_layer(n, l, 1, space)
            copy_vectors(h, K, h, 0, K)
            copy_vectors(c, K, c, 0, K)
    for l in range(layers):
        _, h, c, _, _, _ = cut_layer(n, l, 1, space)
        copy_vectors(h, 0, state, 2 * l * K, K)
        copy_vectors(c, 0, state, (2 * l + 1) * K, K)
    return seen
