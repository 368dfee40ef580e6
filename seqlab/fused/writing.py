"""Many texts written side by side by compiled code: a lane for each, a tile of them on each processor.

A step reads the symbols written last and draws the next as :mod:`seqlab.generation` does, but in float32:
the shares of the symbols are summed up in their order until they reach the uniform number that was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import numpy_stream
from seqlab.fused._compiling import compiled, part
from seqlab.fused._lanes import fill, lanes_of, load, select, store, total
from seqlab.fused.layers import Shape, arrange_weights, cut_layer, cut_rest, outputs_of, read, shape_of
from seqlab.fused.memory import LANES, aligned, shapes_of, weights_memory, working_space
from seqlab.fused.products import copy_vectors
from seqlab.fused.readout import answers
from seqlab.fused.vector import exp
from seqlab.generation.sampling import Sampling, Symbols, choose, not_finite
from seqlab.generation.writing import read_text
from seqlab.models import SequenceModel, State
from seqlab.runs.machine import processors
from seqlab.training.runtime import flush_denormals

AT_ONCE = 256
"""Symbols of each text that are written before the stop text is looked for."""


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


@compiled
def write(
    fresh: bool, sizes: Any, P: Any, arranged: Any, space: Any, state: Any, symbols: Any, uniforms: Any,
    sharpness: float, written: Any,
) -> float:  # fmt: skip
    """Let the texts of a tile go on; return a number that is finite if all scores were.

    Args:
        fresh: whether to arrange the weights first.
        sizes: (layers, ...), the :class:`~seqlab.fused.layers.Shape` of each layer.
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


def write_texts(
    model: SequenceModel, prime: Symbols, sampling: Sampling, count: int, stop: Sequence[int]
) -> list[NDArray[np.int64]]:
    """Write texts; the arguments are those of :func:`seqlab.fused.generate_many`."""
    model.eval()
    scores, state = read_text(model, prime)
    shapes = shapes_of(model, cast(Any, model), count)  # a model knows its spec, as its task does
    lanes = shapes[0].v * LANES
    network = _Network(model, shapes)
    tiles = [
        _Tile(network, sampling, range(first, min(first + lanes, count)), scores.numpy(), state)
        for first in range(0, count, lanes)
    ]
    with ThreadPoolExecutor(processors(), "writing", flush_denormals) as pool:
        for written in range(1, sampling.length, AT_ONCE):
            list(pool.map(_Tile.go_on, tiles, repeat(min(AT_ONCE, sampling.length - written))))
            if stop and all(len(text) < written for tile in tiles for text in tile.texts(stop)):
                break
    return [text for tile in tiles for text in tile.texts(stop)]


class _Network:
    """A model as the compiled code reads it.

    Args:
        model: of which :func:`seqlab.generation.fast.is_fast` is true.
        shapes: of its layers.
    """

    def __init__(self, model: SequenceModel, shapes: Sequence[Shape]) -> None:
        self.shapes, self.sizes = tuple(shapes), np.array(shapes)
        self.weights, self.arranged = weights_memory(model), weights_memory(model)
        parameters = np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])
        self.weights[: len(parameters)] = parameters
        none = aligned(0)
        state = aligned(len(shapes) * 2 * shapes[0].H * shapes[0].v * LANES)
        self.write(True, state, none, none, 1.0, none)

    def write(self, fresh: bool, *rest: Any) -> float:
        """Call the compiled function in this thread."""
        space = working_space(self.shapes, 1)
        return float(write(fresh, self.sizes, self.weights, self.arranged, space, *rest))


class _Tile:
    """Texts that are written together, a lane for each.

    Args:
        network: that writes.
        sampling: how.
        indices: the texts' numbers.
        scores: (V,) of the first symbol.
        state: of one row, in which it is to be read.
    """

    def __init__(
        self, network: _Network, sampling: Sampling, indices: Sequence[int], scores: Any, state: State
    ) -> None:
        shape = network.shapes[0]
        self.network, self.sampling, self.rows = network, sampling, len(indices)
        self.streams = [numpy_stream(sampling.seed, "sampling", index) for index in indices]
        first = choose(np.tile(scores, (self.rows, 1)), self._uniforms(1)[0], sampling)
        self.written = [first[None]]  # each (steps, rows)
        self.symbols = aligned(shape.v * LANES)
        self.symbols[: self.rows] = first
        self.state = aligned(len(network.shapes), 2, shape.H, shape.v * LANES)
        for layer, parts in zip(self.state, state, strict=True):
            for rows, values in zip(layer, parts, strict=False):
                rows[:] = values[0].numpy()[:, None]

    def go_on(self, steps: int) -> None:
        """Write so many symbols more of each text."""
        uniforms, written = aligned(steps, len(self.symbols)), aligned(steps, len(self.symbols))
        uniforms[:, : self.rows] = self._uniforms(steps)
        seen = self.network.write(
            False, self.state.ravel(), self.symbols, uniforms.ravel(), 1 / self.sampling.temperature,
            written.ravel(),
        )  # fmt: skip
        if not math.isfinite(seen):
            raise not_finite()
        self.written.append(written[:, : self.rows].astype(np.int64))

    def texts(self, stop: Sequence[int]) -> list[NDArray[np.int64]]:
        """Return what was written so far, each text up to the end of the first ``stop`` in it."""
        texts = list(np.ascontiguousarray(np.concatenate(self.written).T))
        if not stop or len(texts[0]) < len(stop):
            return texts
        there = (np.lib.stride_tricks.sliding_window_view(texts, len(stop), 1) == stop).all(
            -1
        )  # (rows, places)
        ends = np.where(there.any(1), there.argmax(1) + len(stop), len(texts[0]))
        return [text[:end] for text, end in zip(texts, ends, strict=True)]

    def _uniforms(self, steps: int) -> NDArray[np.float64]:
        """Return the next numbers in (0, 1] of each text, (steps, rows)."""
        return 1 - np.stack([stream.random(steps) for stream in self.streams], 1)
