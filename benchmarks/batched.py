"""The batched engine against the torch engine: the time of a step of several seeds, at once and one by one.

    python benchmarks/batched.py [--quick] [--device cuda]

The cells are the one of docs/adding-a-model.md, which has nothing but its step, and cells with a fast path of
their own. Each engine makes its batches, clips and takes Adam's step; nothing is validated. The two take turns on
one thread; on the processor it is processor time that is compared, which other work on the machine disturbs
less. A line shows medians over the rounds, and the ratio's least and greatest.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from seqlab.models import build_model
from seqlab.registry import admit
from seqlab.settings import Component, Training
from seqlab.tasks.temporal_order import TemporalOrder
from seqlab.training import Learner, fit, new_learner
from seqlab.training.batched import fit_batched
from seqlab.training.runtime import flush_denormals

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-model.md"
SEEDS = range(1, 11)
ROUNDS = 7
SETTINGS = Training(
    steps=10**6, learning_rate=1e-2, decay=0.999, evaluate_every=10**6, checkpoint_every=10**6
)
STEPS = {"easy": 10, "hard": 2}


def own_cell(folder: str) -> str:
    """Save the cell of the page as a file, and return its path."""
    found = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    file = Path(folder) / "my_cell.py"
    file.write_text(found[1], encoding="utf-8")
    admit(str(file))
    return str(file)


def measure(name: str, level: str, device: torch.device, rounds: int) -> tuple[float, float, list[float]]:
    """Return the milliseconds of a step of all seeds, one by one and at once, and the ratios in rising order."""
    task = TemporalOrder(difficulty=level)  # type: ignore[arg-type]
    component = Component(name=name, hidden_size=12)

    def learner(seed: int) -> Learner:
        return new_learner(build_model(component, task.spec, seed).to(device), SETTINGS)

    at_once = fit_batched([learner(seed) for seed in SEEDS], task, SETTINGS, SEEDS)
    one_by_one = [fit(learner(seed), task, SETTINGS, seed) for seed in SEEDS]
    clock = time.process_time if device.type == "cpu" else time.perf_counter

    def timed(work: Callable[[], object]) -> float:
        started = clock()
        for _ in range(STEPS[level]):
            work()
        return (clock() - started) / STEPS[level] * 1e3

    turns = [
        (timed(lambda: [next(one) for one in one_by_one]), timed(lambda: next(at_once)))
        for _ in range(1 + rounds)
    ][1:]  # in the first much is set up
    singly, together = (statistics.median(times) for times in zip(*turns, strict=True))
    return singly, together, sorted(a / b for a, b in turns)


def main() -> None:
    parser = argparse.ArgumentParser(description="The batched engine against the torch engine.")
    parser.add_argument("--quick", action="store_true", help="three rounds each")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    options = parser.parse_args()
    rounds = 3 if options.quick else ROUNDS
    torch.set_num_threads(1)
    flush_denormals()
    print(
        f"{options.device}, {len(SEEDS)} seeds, 12 units, batches of 32, {rounds} rounds; ms per step of all seeds"
    )
    print(f"{'':<20}{'one by one':>12}{'at once':>10}{'ratio':>8}{'least to most':>18}")
    with tempfile.TemporaryDirectory() as folder:
        for level in STEPS:
            for name in (own_cell(folder), "rnn", "lstm", "gru", "mingru"):
                singly, together, ratios = measure(name, level, torch.device(options.device), rounds)
                label = f"{level} {Path(name).name}"
                spread = f"{ratios[0]:.1f} to {ratios[-1]:.1f}"
                print(
                    f"{label:<20}{singly:>12.1f}{together:>10.1f}{statistics.median(ratios):>8.1f}{spread:>18}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
