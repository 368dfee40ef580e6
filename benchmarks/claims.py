"""What the documents say of shipped experiments: figures and seconds over seeds, one run after another.

    python benchmarks/claims.py [NAME ...] [--seeds N]

Runs are kept in SEQLAB_RUNS_DIR (default: a temporary folder). Seconds are of training and judging, without
the start of Python; run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from statistics import median
from typing import Any

import numpy as np

from seqlab.comparison.statistics import kaplan_meier
from seqlab.comparison.wording import to_solve
from seqlab.configure import load_settings
from seqlab.errors import UnknownNameError, UsageError
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment
from seqlab.settings.catalogue import experiment_names, read_experiment

AS_SHIPPED = (
    "hello", "echo", "adding", "copy", "embedded-reber", "multiplication", "three-symbols",
    "parity-check", "even-pairs", "cycle-navigation", "modular-arithmetic", "reverse-string",
    "stack-manipulation", "bucket-sort", "dyck", "bounded-dyck", "anbn", "anbncn", "permutations",
    "brackets", "mqar", "execute", "dates", "addition", "reverse-words", "translate", "word-vectors",
    "word-sentiment", "char-shakespeare", "char-python",
)  # fmt: skip
"""Experiments with the settings that they have."""

CLAIMS: dict[str, dict[str, Any]] = {
    **{name: {"name": name} for name in AS_SHIPPED},
    "temporal-order-easy": {"name": "temporal-order", "difficulty": "easy"},
    "temporal-order-hard": {"name": "temporal-order", "difficulty": "hard"},
    "temporal-order-hard-tanh": {
        "name": "temporal-order", "difficulty": "hard", "model": "rnn[start=uniform]", "settings": ["training.steps=1000"],
    },
    "temporal-order-hard-relu": {
        "name": "temporal-order", "difficulty": "hard", "model": "rnn[start=uniform,nonlinearity=relu]", "settings": ["training.steps=1000"],
    },
    "adding-t500": {"name": "adding", "preset": "t500"},
    "adding-t1000": {"name": "adding", "preset": "t1000"},
    "noise-free-lag-2a": {"name": "noise-free-lag", "difficulty": "2a"},
    "noise-free-lag-2b": {"name": "noise-free-lag", "difficulty": "2b"},
    "noise-free-lag-2c": {"name": "noise-free-lag", "difficulty": "2c"},
    "noise-free-lag-2c-1000": {"name": "noise-free-lag", "preset": "2c-1000"},
    "two-sequence-3a": {"name": "two-sequence", "difficulty": "3a"},
    "two-sequence-3b": {"name": "two-sequence", "difficulty": "3b"},
    "two-sequence-3c": {"name": "two-sequence", "difficulty": "3c"},
    "two-sequence-3a-guess": {"name": "two-sequence", "difficulty": "3a", "model": "guess"},
    "continual-reber": {"name": "continual-reber", "preset": "million"},
    "timing-msd": {"name": "timing", "difficulty": "msd"},
    "timing-gts": {"name": "timing", "difficulty": "gts"},
    "timing-pfg": {"name": "timing", "difficulty": "pfg"},
    "parity-check-transformer": {"name": "parity-check", "model": "transformer[layers=2]", "settings": ["training.steps=400"]},
    "dyck-lstm": {"name": "dyck", "model": "lstm", "settings": ["training.batch_size=16", "training.steps=3000", "training.evaluate_every=300"]},
    "mqar-gated-delta": {"name": "mqar", "model": "gated-delta"},
    "induction-heads": {"name": "induction-heads", "settings": ["training.steps=1500"]},
    "execute-ten-minutes": {"name": "execute", "settings": ["training.steps=52000"]},
    "execute-grid": {"name": "execute", "preset": "grid"},
    "reverse-words-one-vector": {"name": "reverse-words", "model": "encoder-decoder[attention=none]"},
    "translate-one-vector": {"name": "translate", "model": "encoder-decoder[attention=none]"},
}  # fmt: skip


def settings(claim: dict[str, Any], seed: int = 1) -> TrainExperiment:
    experiment, _ = load_settings(
        claim["name"],
        difficulty=claim.get("difficulty"),
        preset=claim.get("preset"),
        model=claim.get("model"),
        overrides=claim.get("settings", []),
        seed=seed,
    )
    assert isinstance(experiment, TrainExperiment)
    return experiment


def judged(summary: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {"held out": summary["held_out"], **summary["trials"]}


def words(summary: dict[str, Any]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{key} {value:.5g}" for key, value in figures.items())
        for name, figures in judged(summary).items()
    )


def sequences_to_solve(results: list[dict[str, Any]]) -> str:
    """Return the median as a comparison has it, a seed that did not solve it being later than all, and the most."""
    solved = [bool(summary["solved"]) for summary in results]
    took = [summary["sequences_to_solve"] or summary["sequences_seen"] for summary in results]
    if not any(solved):
        return "-"
    most = max(count for count, done in zip(took, solved, strict=True) if done)
    return f"{to_solve(kaplan_meier(took, solved))}, most {most:,}"


def spreads(results: list[dict[str, Any]]) -> list[str]:
    """Return of each figure the median over seeds, quartiles, the least and the most, a line each."""
    lines = []
    for name, figures in judged(results[0]).items():
        for key in [key for key in figures if key != "sequences"]:
            values = [judged(summary)[name][key] for summary in results]
            least, low, middle, high, most = np.quantile(values, (0, 0.25, 0.5, 0.75, 1))
            lines.append(
                f"   {name}, {key}: {middle:.5g} ({low:.5g} to {high:.5g}; {least:.5g} to {most:.5g})"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(CLAIMS)}; or any experiment")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error(f"--seeds is {arguments.seeds}: take 1 or more.")
    os.environ.setdefault("SEQLAB_RUNS_DIR", tempfile.mkdtemp())
    known = {**{name: {"name": name} for name in experiment_names()}, **CLAIMS}
    claims = {}
    try:
        for name in arguments.names or CLAIMS:
            if name not in known:
                raise UnknownNameError("claim", name, known)
            if read_experiment(known[name]["name"]).data["kind"] != "train":
                raise UsageError(f"{name} trains no model by itself.", hint=f"Take seqlab train {name}.")
            claims[name] = known[name]
    except UsageError as error:
        parser.error(str(error))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    for name, claim in claims.items():
        results = []
        for seed in range(1, arguments.seeds + 1):
            folder, session = begin(settings(claim, seed), command="benchmarks/claims.py")
            summary = train(folder, session)
            results.append(summary)
            solved = f"solved at {summary['sequences_to_solve']}, " if summary["solved"] else ""
            print(
                f"{name} seed {seed}: {solved}{words(summary)}, {summary['wall_seconds']:.1f} s", flush=True
            )
        count = sum(bool(summary["solved"]) for summary in results)
        seconds = [summary["wall_seconds"] for summary in results]
        print(
            f"== {name}: solved {count}/{len(results)}, sequences to solve {sequences_to_solve(results)}; "
            f"seconds median {median(seconds):.1f}, most {max(seconds):.1f}"
        )
        print("\n".join(spreads(results)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
