"""What memory a training takes with long sequences, and with truncated BPTT over as many steps.

    python benchmarks/lengths.py [LENGTH ...]

A recurrent network of 16 units is trained with two sequences of so many steps, one after the other, through all of
which the gradient flows; then with as many steps of a text in windows of 1,000, with the state carried on. Each is a
process of its own; what is told is its greatest resident memory beyond that of two sequences of 100 steps. What would
take more than half of the memory that is free, by the length before it, is not tried.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

WINDOW = 1_000
SETTINGS = (
    "model.hidden_size=16", "model.embedding_size=null", "training.batch_size=1", "training.schedule=constant",
    "training.warmup_steps=0", "training.evaluation_sequences=1", "training.test_sequences=1", "training.passes=null",
    "training.averaging=null", "compute.threads=1",
)  # fmt: skip


def peak(what: Sequence[str], model: str, engine: str, updates: int, folder: str) -> float | None:
    """Return the greatest resident memory of a training in MB; None when it failed, which is said."""
    words = [f"training.steps={updates}", f"training.evaluate_every={updates}"]
    command = [sys.executable, "-m", "seqlab", "train", *what, "--model", model, "-q"]
    command += [f"training.engine={engine}", *SETTINGS, *words]
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) if done.returncode == 0 else "
        "sys.exit(done.stderr)"
    )
    told = {**os.environ, "SEQLAB_RUNS_DIR": folder, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code, *command], env=told, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip()[-300:], file=sys.stderr)
        return None
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6


def free() -> float:
    """Return how much memory is free, in MB."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6


def sequence(length: int) -> list[str]:
    """Return the words that train on sequences of so many steps and a few."""
    return ["selective-copy", f"task.length={length}"]


def beyond(greatest: float | None, first: float | None) -> str:
    return "failed" if greatest is None or first is None else f"{greatest - first:.0f}"


def main() -> None:
    lengths = [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("model\tengine\tsteps\tMB in one window\tMB in windows of 1,000\tMB to begin with")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "long.txt"
        text.write_text("To be, or not to be, that is the question.\n" * (25 * max(lengths) // 43))
        cut_up = ["--text", str(text), f"task.period={WINDOW}", "mixture=null"]
        for model, engine in (("lstm", "fused"), ("lstm", "torch"), ("gru", "fused"), ("mingru", "torch")):
            peak(sequence(100), model, engine, 1, folder)  # which compiles what is compiled once
            first = peak(sequence(100), model, engine, 2, folder)
            each = 0.0  # MB a step, by the length before
            for length in lengths:
                cut = peak(cut_up, model, engine, length // WINDOW, folder)
                if each * length > free() / 2:
                    whole, shown = None, f"not tried, some {each * length:,.0f}"
                else:
                    whole = peak(sequence(length), model, engine, 2, folder)
                    shown = beyond(whole, first)
                each = max(0.0, ((whole or 0) - (first or 0)) / length)
                row = (model, engine, f"{length:,}", shown, beyond(cut, first), f"{first or 0:.0f}")
                print(*row, sep="\t", flush=True)


if __name__ == "__main__":
    main()
