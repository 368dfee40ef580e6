"""Writing text character by character: seqlab's sampler against a loop over torch's layers.

    python benchmarks/sampling.py

For each cell and size, microseconds a character, choice of the symbol included:

    torch     a Python loop over nn.RNN, nn.GRU or nn.LSTM with a read-out, softmax and torch.multinomial
    one       seqlab's sampler, one text
    many      seqlab's sampler, 64 texts side by side, as of one of them

One thread, whose processor time is measured. The ways take turns, a few characters at a time, and the fastest
turn of each counts, so that the ratios hold on a busy machine. A large network's step cannot be faster than
its weights are read from memory; the last column says what share of the time of ``one`` that reading takes.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy and torch are loaded

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from seqlab.contracts import Spec
from seqlab.generation import Sampling, generate
from seqlab.generation.sampling import choose
from seqlab.generation.writing import _Draws, open_reader
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.settings import Component

SYMBOLS, TEXTS, TURNS = 65, 64, 25
SIZES = ((1, 128), (2, 256), (2, 512))
CELLS = (("rnn", {}), ("gru", {"reset": "after"}), ("gru", {"reset": "before"}), ("lstm", {}))
SAMPLING = Sampling(length=10**9)


def torch_loop(name: str, layers: int, hidden_size: int) -> Iterator[int]:
    layer = getattr(nn, name.upper())(SYMBOLS, hidden_size, layers, batch_first=True)
    readout = nn.Linear(hidden_size, SYMBOLS)
    generator = torch.Generator().manual_seed(1)
    x, state, symbol = torch.zeros(1, 1, SYMBOLS), None, 0
    while True:
        with torch.no_grad():
            x.zero_()
            x[0, 0, symbol] = 1
            h, state = layer(x, state)
            share = (readout(h[0, 0]) / SAMPLING.temperature).softmax(-1)
            symbol = int(torch.multinomial(share, 1, generator=generator))
        yield symbol


def side_by_side(model: SequenceModel) -> Iterator[np.ndarray]:
    reader, scores = open_reader(model, np.array([0]), TEXTS)
    draws = _Draws(1, range(TEXTS))
    while True:
        symbols = choose(scores, draws.next(), SAMPLING)
        yield symbols
        scores = reader.read(symbols)


def seconds(writer: Iterator[object], steps: int) -> float:
    start = time.thread_time()
    for _ in range(steps):
        next(writer)
    return (time.thread_time() - start) / steps


def fastest(*ways: Callable[[], float]) -> list[float]:
    """Let the ways take turns; return the fastest turn of each."""
    return [min(times) for times in zip(*([way() for way in ways] for _ in range(TURNS)), strict=True)]


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'cell':>11}{'size':>9}{'torch':>9}{'one':>8}{'many':>8}", end="")
    print(f"{'torch/one':>11}{'torch/many':>12}{'one/many':>10}{'reading':>9}")
    for layers, hidden_size in SIZES:
        for name, options in CELLS:
            spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
            component = Component(name=name, hidden_size=hidden_size, layers=layers, **options)
            model = build_model(component, spec, 1)
            used = count_parameters(model) - SYMBOLS * len(model.cells[0].input.bias)  # of the table one row
            weights = np.ones(used, np.float32)
            loop = torch_loop(name, layers, hidden_size)
            one, many = generate(model, np.array([0]), SAMPLING), side_by_side(model)
            torch_time, one_time, many_time, reading = fastest(
                lambda loop=loop: seconds(loop, 30),
                lambda one=one: seconds(one, 30),
                lambda many=many: seconds(many, 3) / TEXTS,
                lambda weights=weights: seconds(iter(weights.max, None), 5),
            )
            label = " ".join((name, *options.values()))
            print(f"{label:>11}{layers:>3} x {hidden_size:<4}", end="")
            print(f"{torch_time * 1e6:>8.0f}{one_time * 1e6:>8.1f}{many_time * 1e6:>8.2f}", end="")
            print(f"{torch_time / one_time:>11.1f}{torch_time / many_time:>12.0f}", end="")
            print(f"{one_time / many_time:>10.1f}{reading / one_time:>9.0%}", flush=True)


if __name__ == "__main__":
    main()
