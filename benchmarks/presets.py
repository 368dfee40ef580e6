"""The presets of char-shakespeare: what they must, ought to and do come to, alone and mixed with counts.

    python benchmarks/presets.py [--seeds 3] [--preset coffee] [KEY=VALUE ...]

Each run is a `seqlab train` of its own; seconds are of the whole process, with what it takes to start, to count and
to judge. A line has the mean over the seeds, and the least and the greatest. All three presets with three seeds
take about an hour, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

BARS = {
    "minute": (60, 1.56, 1.52), "coffee": (300, 1.445, 1.42), "lunch": (900, 1.415, 1.38),
    "gpu-minute": (60, 1.41, 1.39), "gpu-five": (300, 1.38, 1.36),
}  # fmt: skip
"""Of each preset the seconds that it may take, and the nats (stream) that it must and ought to come to."""
TRIALS = ("stream", "block-256", "block-64")


def main() -> None:
    """Train, and print a table."""
    parser = argparse.ArgumentParser(description="What the presets of char-shakespeare come to.")
    parser.add_argument(
        "--preset", choices=BARS, action="append", help="default: all for a processor; may be repeated"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("settings", nargs="*", help="key=value, laid over the preset")
    given = parser.parse_args()
    print(f"{'nats per character':<20}{'must':>7}{'aim':>7}", end="")
    print("".join(f"{trial:>24}" for trial in TRIALS) + f"{'seconds':>18}")
    for preset in given.preset or [name for name in BARS if not name.startswith("gpu")]:
        runs = [train(preset, seed, given.settings) for seed in range(1, given.seeds + 1)]
        seconds = sorted(took for took, _ in runs)
        budget, must, aim = BARS[preset]
        for which, name in (("trials", "alone"), ("mixture", "mixed")):
            if which not in runs[0][1]:
                continue
            told = [spread([run[which][trial]["nats_per_character"] for _, run in runs]) for trial in TRIALS]
            print(
                f"{f'{preset}, {name}':<20}{must:>7}{aim:>7}" + "".join(f"{one:>24}" for one in told), end=""
            )
            print(f"{f'{seconds[0]:.0f} to {seconds[-1]:.0f} of {budget}':>18}", flush=True)


def train(preset: str, seed: int, given: Sequence[str]) -> tuple[float, dict[str, Any]]:
    """Return the seconds of a run and its summary."""
    words = ["train", "char-shakespeare", "--preset", preset, "--seed", str(seed), "--json", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "seqlab", *words, *given], stdout=subprocess.PIPE, text=True, check=True,
            env={**os.environ, "SEQLAB_RUNS_DIR": folder},
        )  # fmt: skip
        return time.perf_counter() - started, json.loads(done.stdout)


def spread(values: Sequence[float]) -> str:
    """Return the mean, the least and the greatest."""
    return f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()
