"""Writing text character by character: seqlab's sampler against a loop over torch's layers.

    python benchmarks/sampling.py [THREADS]

For each cell and size, microseconds a character, choice of the symbol included:

    torch     a Python loop over nn.RNN, nn.GRU or nn.LSTM as it is written everywhere: a module of one-hot vector,
              layer and read-out, called with (1, 1) symbols and the state; softmax; torch.multinomial
    one       seqlab's sampler, one text
    reading   what reading the weights once takes: no step can be faster than that
    many      64 texts side by side by compiled code, as of one of them

and the ratios torch / one, against the cell's own layer and against nn.LSTM of that size, and one / many.

With 1 thread (unless told otherwise) processor time is measured, and the last ratio is that of one processor;
each of several writes texts of its own, and waits for no other. With more threads all ways have them, and the
clock is read, which needs a machine that does nothing else. The ways take turns, a few characters at a time, and
the fastest turn of each counts.
"""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = [*sys.argv, "1"][1]  # NumPy reads it

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.contracts import Spec
from seqlab.fused.layout import LANES
from seqlab.fused.many import _Network, _Tile
from seqlab.fused.memory import shapes_of
from seqlab.generation import Sampling, generate
from seqlab.generation.readers import read_text
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.settings import Component
from seqlab.training.runtime import flush_denormals

THREADS = int(os.environ["OMP_NUM_THREADS"])
SYMBOLS, TEXTS, TURNS, STEPS = 65, 64, 25, 16
SIZES = ((1, 128), (1, 256), (2, 256), (2, 512))
CELLS = (("rnn", {}), ("gru", {"reset": "after"}), ("gru", {"reset": "before"}), ("lstm", {}))
SAMPLING = Sampling(length=10**9)
CLOCK = time.thread_time if THREADS == 1 else time.perf_counter


class Usual(nn.Module):
    """A character model as it is usually written."""

    def __init__(self, name: str, layers: int, hidden_size: int) -> None:
        super().__init__()
        self.layer = getattr(nn, name.upper())(SYMBOLS, hidden_size, layers, batch_first=True)
        self.readout = nn.Linear(hidden_size, SYMBOLS)

    def forward(self, x: Tensor, state: object) -> tuple[Tensor, object]:
        h, state = self.layer(F.one_hot(x, SYMBOLS).float(), state)
        return self.readout(h), state


def torch_loop(model: Usual) -> Iterator[int]:
    x, state = torch.zeros(1, 1, dtype=torch.long), None
    while True:
        with torch.no_grad():
            scores, state = model(x, state)
            share = (scores[0, -1] / SAMPLING.temperature).softmax(-1)
            x = torch.multinomial(share, 1)[None]
        yield int(x)


def side_by_side(model: SequenceModel) -> tuple[Callable[[int], None], int]:
    """Return what lets texts go on by so many steps, and how many texts: of one thread one tile's."""
    scores, state = read_text(model, np.array([0]))
    shapes = shapes_of(model, model, TEXTS)
    lanes, network = shapes[0].v * LANES, _Network(model, shapes)
    numbers = [range(first, first + lanes) for first in range(0, TEXTS if THREADS > 1 else lanes, lanes)]
    tiles = [_Tile(network, SAMPLING, rows, scores.numpy(), state) for rows in numbers]
    pool = ThreadPoolExecutor(THREADS, initializer=flush_denormals)

    def go_on(steps: int) -> None:
        each = map if THREADS == 1 else pool.map
        list(each(lambda tile: tile.go_on(steps), tiles))
        for tile in tiles:
            tile.written.clear()

    return go_on, lanes * len(tiles)


def seconds(writer: Iterator[object], steps: int) -> float:
    start = CLOCK()
    for _ in range(steps):
        next(writer)
    return (CLOCK() - start) / steps


def fastest(*ways: Callable[[], float]) -> list[float]:
    """Let the ways take turns; return the fastest turn of each."""
    return [min(times) for times in zip(*([way() for way in ways] for _ in range(TURNS)), strict=True)]


def measure(name: str, options: dict[str, str], layers: int, hidden_size: int) -> list[float]:
    """Return the seconds of torch's loop, of one text, of reading the weights, and of one of many texts."""
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    component = Component(name=name, hidden_size=hidden_size, layers=layers, **options)
    model = build_model(component, spec, 1)
    used = count_parameters(model) - SYMBOLS * len(model.cells[0].input.bias)  # of the table one row
    weights = np.ones(used, np.float32)
    torch.manual_seed(1)
    loop = torch_loop(Usual(name, layers, hidden_size).eval())
    one, (many, texts) = generate(model, np.array([0]), SAMPLING), side_by_side(model)
    return fastest(
        lambda: seconds(loop, 20),
        lambda: seconds(one, 40),
        lambda: seconds(iter(weights.max, None), 5) / THREADS,
        lambda: seconds(iter(lambda: many(STEPS), 0), 1) / STEPS / texts,
    )


def main() -> None:
    torch.set_num_threads(THREADS)
    print(f"{THREADS} thread(s), {'processor time' if THREADS == 1 else 'the clock'}, us a character")
    print(f"{'cell':>11}{'size':>9}{'torch':>8}{'one':>8}{'reading':>9}{'many':>8}", end="")
    print(f"{'torch/one':>11}{'nn.LSTM/one':>13}{'one/many':>10}")
    for layers, hidden_size in SIZES:
        found = {}
        for name, options in CELLS:
            found[" ".join((name, *options.values()))] = measure(name, options, layers, hidden_size)
        lstm = found["lstm"][0]
        for label, times in found.items():
            torch_time, one, reading, many = times
            print(f"{label:>11}{layers:>3} x {hidden_size:<4}", end="")
            print(f"{torch_time * 1e6:>7.0f}{one * 1e6:>8.1f}{reading * 1e6:>9.1f}{many * 1e6:>8.2f}", end="")
            print(f"{torch_time / one:>11.1f}{lstm / one:>13.1f}{one / many:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
