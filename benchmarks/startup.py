"""How soon seqlab is there, and how much memory a run takes.

    python benchmarks/startup.py [--quick]

Every line is a process of its own, from its start to its end, median and least to most of 7 (3), with the
processor time beside it, which other work on the machine disturbs less. Before that each command runs once, so
that byte code and compiled kernels are there, as they are from the second time on.

The first training step is that of a whole `seqlab train` of one step. Memory is the peak of a run at the level
hard, above that of a process that imports torch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROUNDS = 7
SEQLAB = ("-m", "seqlab")
IMPORT_TORCH = ("-c", "import torch")
HARD = (*SEQLAB, "train", "temporal-order", "--difficulty", "hard", "--quiet", "training.steps=200")
TIMES = {
    "seqlab --help": ((*SEQLAB, "--help"), 0.25, 0.15),
    "seqlab list": ((*SEQLAB, "list"), 0.25, 0.15),
    "first training step": ((*SEQLAB, "train", "hello", "--quiet", "training.steps=1"), 3.5, 2.5),
    "import torch, for comparison": (IMPORT_TORCH, None, None),
}
"""Each line's command, and the seconds that it must and ought to take at most."""
MEMORY = (200, 80)
"""The same for the memory of a run, MB."""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, processor seconds, and bytes at its peak."""

    wall: float
    cpu: float
    peak: int


def cost(words: tuple[str, ...]) -> Cost:
    """Run a Python process to its end."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{' '.join(words)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How soon seqlab is there, and how much memory a run takes.")
    parser.add_argument("--quick", action="store_true", help="three rounds each")
    rounds = 3 if parser.parse_args().quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEQLAB_RUNS_DIR"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its byte code
        print(f"{'s':<30}{'must':>6}{'aim':>6}{'measured':>10}{'least to most':>16}{'processor':>11}")
        for name, (words, must, aim) in TIMES.items():
            cost(words)
            costs = [cost(words) for _ in range(rounds)]
            walls = sorted(one.wall for one in costs)
            print(
                f"{name:<30}{must or '':>6}{aim or '':>6}{statistics.median(walls):>10.2f}"
                f"{f'{walls[0]:.2f} to {walls[-1]:.2f}':>16}"
                f"{statistics.median(one.cpu for one in costs):>11.2f}",
                flush=True,
            )
        peaks = sorted((cost(HARD).peak - cost(IMPORT_TORCH).peak) / 1e6 for _ in range(rounds))
        must, aim = MEMORY
        spread = f"{peaks[0]:.0f} to {peaks[-1]:.0f}"
        print(f"\n{'MB':<30}{'must':>6}{'aim':>6}{'measured':>10}{'least to most':>16}")
        print(
            f"{'a hard run above import torch':<30}{must:>6}{aim:>6}{statistics.median(peaks):>10.0f}{spread:>16}"
        )


if __name__ == "__main__":
    main()
