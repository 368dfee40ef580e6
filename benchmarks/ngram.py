"""Kneser-Ney n-gram models on Tiny Shakespeare: nats and bits per character and seconds, order by order.

    SEQLAB_DATA_DIR=<folder with tinyshakespeare.txt> python benchmarks/ngram.py

The first 90 % of the characters are counted, the last 10 % scored, as one stream and in blocks.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

import numpy as np

from seqlab.text.ngram import MAX_ORDER, fit

BLOCKS = (None, 256, 64)


def main() -> None:
    folder = os.environ.get("SEQLAB_DATA_DIR")
    if folder is None or not (Path(folder) / "tinyshakespeare.txt").is_file():
        sys.exit("Set SEQLAB_DATA_DIR to a folder that holds tinyshakespeare.txt.")
    text = (Path(folder) / "tinyshakespeare.txt").read_text(encoding="utf-8")
    letters, symbols = np.unique(np.array(list(text)), return_inverse=True)
    train, validation = np.split(symbols, [int(0.9 * len(symbols))])
    print(f"{len(letters)} symbols; {len(train):,} to count, {len(validation):,} to score")
    protocols = ["stream" if block is None else f"block {block}" for block in BLOCKS]
    print(f"{'order':>5}" + "".join(f"{name + ' nats':>16}{'bits':>8}" for name in protocols), end="")
    print(f"{'fit s':>8}{'score s':>9}{'grams':>12}")
    for order in range(1, MAX_ORDER + 1):
        start = time.perf_counter()
        model = fit(train, len(letters), order)
        fitted = time.perf_counter()
        nats = [-model.log_probabilities(validation, block=block)[1:].mean() for block in BLOCKS]
        scored = (time.perf_counter() - fitted) / len(BLOCKS)
        grams = sum(len(level.kept) - 1 for level in model.levels)
        print(f"{order:>5}" + "".join(f"{value:>16.4f}{value / math.log(2):>8.4f}" for value in nats), end="")
        print(f"{fitted - start:>8.2f}{scored:>9.2f}{grams:>12,}")


if __name__ == "__main__":
    main()
