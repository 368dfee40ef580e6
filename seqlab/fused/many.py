"""Many texts at once, by compiled code, a tile of them on each processor."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from seqlab import generation
from seqlab.contracts import numpy_stream
from seqlab.fused.kernels import write
from seqlab.fused.layout import LANES, Shape
from seqlab.fused.memory import aligned, shapes_of, weights_memory, working_space
from seqlab.generation.fast import is_fast
from seqlab.generation.readers import read_text
from seqlab.generation.rule import Symbols
from seqlab.generation.sampling import Sampling, choose, not_finite
from seqlab.models import SequenceModel, State
from seqlab.runs.machine import processors
from seqlab.training.runtime import flush_denormals

ROWS = 32
"""Texts from which they are written by compiled code; for fewer it does not pay to compile, some ten seconds.

Whether that has been done has no say: what a command writes must not depend on what was run before.
"""

AT_ONCE = 256
"""Symbols of each text that are written before the stop text is looked for."""

COMPILING = "Compiling what writes many texts; this takes some ten seconds, once."


def generate_many(
    model: SequenceModel,
    prime: Symbols,
    sampling: Sampling,
    count: int,
    *,
    stop: Sequence[int] = (),
    announce: Callable[[str], None] | None = None,
) -> list[NDArray[np.int64]]:
    """Write several texts side by side, as :func:`seqlab.generation.generate_many` does.

    Compiled code writes many texts several times as fast, on all processors. It computes in float32, so
    a few draws in a million, on the very border of two symbols, may fall on the other side.

    Args:
        model: a trained language model; put into evaluation mode.
        prime: (P,) the symbols to begin with, at least one.
        sampling: length, temperature and so on.
        count: texts to write.
        stop: symbols after which a text ends.
        announce: called with a line when code must be compiled first.
    """
    if not can_write(model, sampling, count):
        return generation.generate_many(model, prime, sampling, count, stop=stop)
    if announce is not None and not write.is_compiled():
        announce(COMPILING)
    return write_texts(model, prime, sampling, count, stop)


def can_write(model: SequenceModel, sampling: Sampling, count: int) -> bool:
    """Say whether these texts are written by compiled code."""
    return (
        count >= ROWS
        and is_fast(model)
        and not (getattr(model, "embeds", False) or getattr(model, "residual", False))
        and next(model.parameters()).is_cpu
        and sampling.temperature > 0
        and not sampling.truncates
        and sampling.repetition_penalty == 1
        and importlib.util.find_spec("numba") is not None
    )


def write_texts(
    model: SequenceModel, prime: Symbols, sampling: Sampling, count: int, stop: Sequence[int]
) -> list[NDArray[np.int64]]:
    """Write texts by compiled code; the arguments are those of :func:`generate_many`."""
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
        windows = np.lib.stride_tricks.sliding_window_view(texts, len(stop), 1)
        there = (windows == stop).all(-1)  # (rows, places)
        ends = np.where(there.any(1), there.argmax(1) + len(stop), len(texts[0]))
        return [text[:end] for text, end in zip(texts, ends, strict=True)]

    def _uniforms(self, steps: int) -> NDArray[np.float64]:
        """Return the next numbers in (0, 1] of each text, (steps, rows)."""
        return 1 - np.stack([stream.random(steps) for stream in self.streams], 1)
