"""Series that have names: errors of networks on their ends over seeds, beside what needs no network.

    python benchmarks/series.py [PART ...] [--seeds N]

Parts are mackey-glass (one step ahead), far (84 steps), co2 and sunspots; the last two need statsmodels. Runs are kept
in SEQLAB_RUNS_DIR (default: a temporary folder). Each figure is a mean over the seeds, with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from seqlab.configure import load_settings
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment

PARTS: Mapping[str, tuple[str, str | None, int, Sequence[str]]] = {
    "mackey-glass": ("mackey-glass", None, 10, ("lstm", "gru", "echo-state")),
    "far": ("mackey-glass", "far", 10, ("lstm", "gru", "echo-state")),
    "co2": ("series", "co2", 5, ("lstm", "gru")),
    "sunspots": ("series", "sunspots", 5, ("lstm", "gru")),
}


def measured(name: str, preset: str | None, model: str, seed: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the held-out figures of a model, and what guessing comes to."""
    experiment, _ = load_settings(name, preset=preset, model=model, seed=seed)
    assert isinstance(experiment, TrainExperiment)
    run, session = begin(experiment, command="benchmarks/series.py")
    figures: dict[str, float] = train(run, session)["held_out"]
    return figures, run.info().extra["guess"]["held_out"]


def spread(values: Sequence[float]) -> str:
    return f"{mean(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--seeds", type=int)
    arguments = parser.parse_args()
    os.environ.setdefault("SEQLAB_RUNS_DIR", tempfile.mkdtemp())
    for part in arguments.parts or PARTS:
        name, preset, usual, models = PARTS[part]
        guess: dict[str, Any] = {}
        print(f"== {part}", flush=True)
        for model in models:
            found = []
            for seed in range(1, (arguments.seeds or usual) + 1):
                figures, guess = measured(name, preset, model, seed)
                found.append(figures)
            told = {
                key: spread([one[key] for one in found])
                for key in found[0]
                if key not in ("sequences", "loss")
            }
            print(f"{model}: " + ", ".join(f"{key} {value}" for key, value in told.items()), flush=True)
        for one in (guess, *guess["others"]):
            told = {key: f"{value:.4g}" for key, value in one["figures"].items() if key != "sequences"}
            print(f"{one['name']}: " + ", ".join(f"{key} {value}" for key, value in told.items()), flush=True)


if __name__ == "__main__":
    main()
