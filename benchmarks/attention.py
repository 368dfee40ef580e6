"""What a character costs a transformer that writes, by how many it has read.

    python benchmarks/attention.py

Milliseconds of processor time of one thread for reading one character and choosing the next, after 100 and after
1,000 characters, with the keys and values of the window in the state; and for reading the last of them all again at
every character, as a model without a state must. In the setting of experiments/text/char-transformer.yaml, and
with windows of 256 and of 1,024 characters, of which the last is not full at 100 and at 1,000.

The two positions take turns, 64 characters at a time, and the fastest turn of each counts.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import numpy as np
import torch

from seqlab.contracts import Spec
from seqlab.generation import Sampling, generate
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component

SYMBOLS, TURNS, STEPS = 65, 9, 64
POSITIONS = (100, 1000)


def writes_on(model: SequenceModel, position: int) -> Callable[[], float]:
    """Return what measures a character from a position on."""
    text = np.arange(position) % SYMBOLS

    def turn() -> float:
        writer = generate(model, text, Sampling(length=STEPS + 1))
        next(writer)  # it reads the text
        start = time.thread_time()
        for _ in range(STEPS):
            next(writer)
        return (time.thread_time() - start) / STEPS

    return turn


@torch.no_grad()
def reads_again(model: SequenceModel, position: int, window: int) -> float:
    """Return the seconds of reading the last characters from the start state."""
    text = torch.arange(min(position, window))[None] % SYMBOLS
    start = time.thread_time()
    model(text)
    return time.thread_time() - start


def main() -> None:
    torch.set_num_threads(1)
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    print(f"{'window':>7}{'at 100':>9}{'at 1,000':>10}{'ratio':>7}{'read again at 1,000':>21}{'ratio':>7}")
    for window in (64, 256, 1024):
        settings = Component(name="transformer", hidden_size=128, layers=4, heads=4, window=window)
        model = build_model(settings, spec, 1).eval()
        ways = [writes_on(model, position) for position in POSITIONS]
        near, far = (
            min(times) for times in zip(*([way() for way in ways] for _ in range(TURNS)), strict=True)
        )
        again = min(reads_again(model, POSITIONS[1], window) for _ in range(TURNS))
        print(f"{window:>7}{near * 1e3:>9.2f}{far * 1e3:>10.2f}{far / near:>7.2f}", end="")
        print(f"{again * 1e3:>21.2f}{again / far:>7.1f}", flush=True)


if __name__ == "__main__":
    main()
