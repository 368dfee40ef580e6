"""Whether the fused engine and torch solve the same tasks at the same rate: temporal-order over 20 seeds.

    python benchmarks/engines.py [--seeds 20]

A seed has the same data and the same initial weights with either engine; they part by rounding, which training
amplifies. First, how far: the greatest difference of two loss curves over the first 20 and 200 steps at the level
hard, nats, the worst of five seeds; fused against torch, both in float32, and torch in float32 against torch in
float64, which is what rounding does to torch itself.

Then a line for each engine says how many seeds it solves and after how many sequences; a third compares them
seed by seed: McNemar's test of who solves, the sign test of who solves first. Runs lie in SEQLAB_RUNS_DIR where it
is set, and are then used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterable
from typing import Any

import torch

import seqlab
from seqlab.comparison.statistics import first_to_solve, mcnemar
from seqlab.fused import fit_together
from seqlab.models import build_model
from seqlab.settings import Component, Training
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.training import Learner, fit, new_learner
from seqlab.training.runtime import flush_denormals

HARD = TemporalOrder(difficulty="hard")
FIRST, LAST, CURVES = 20, 200, 5
"""Steps up to which loss curves are compared, and how many of them."""
SETTINGS = Training(
    steps=LAST,
    learning_rate=1e-2,
    decay=0.999,
    evaluate_every=LAST,
    evaluation_sequences=1,
    checkpoint_every=LAST,
)
LEVELS = ("easy", "hard")
ENGINES = ("torch", "fused")


def learner(name: str, hidden: int, seed: int, dtype: torch.dtype = torch.float32) -> Learner:
    model = build_model(Component(name=name, hidden_size=hidden), HARD.spec, seed)
    return new_learner(model.to(dtype), SETTINGS)


def by_torch(name: str, hidden: int, seed: int, dtype: torch.dtype) -> list[float]:
    one = learner(name, hidden, seed, dtype)
    torch.set_default_dtype(dtype)  # one-hot inputs take it
    try:
        return [step.loss for step in fit(one, HARD, SETTINGS, seed)]
    finally:
        torch.set_default_dtype(torch.float32)


def fused(name: str, hidden: int, seed: int) -> list[float]:
    together = fit_together([learner(name, hidden, seed)], HARD, SETTINGS, [seed], threads=1)
    return [step.loss for (step,) in together if step is not None]


def apart(curve: Iterable[float], other: Iterable[float]) -> tuple[float, float]:
    """Return the greatest difference over the first steps, and over all."""
    differences = [abs(a - b) for a, b in zip(curve, other, strict=True)]
    return max(differences[:FIRST]), max(differences)


def show_curves() -> None:
    """Print how far the loss curves part."""
    flush_denormals()
    print(f"{'':<14}{'fused - torch':>22}{'float32 - float64':>24}")
    print(f"{'units':<14}" + f"{f'{FIRST} steps':>12}{f'{LAST} steps':>12}" * 2)
    for name in ("rnn", "lstm", "gru"):
        for hidden in (12, 64):
            rows = []
            for seed in range(1, CURVES + 1):
                curve = by_torch(name, hidden, seed, torch.float32)
                exact = by_torch(name, hidden, seed, torch.float64)
                rows.append((*apart(fused(name, hidden, seed), curve), *apart(curve, exact)))
            worst = map(max, *rows)
            print(
                f"{name + ' ' + str(hidden):<14}" + "".join(f"{value:>12.1e}" for value in worst), flush=True
            )


def summaries(level: str, engine: str, seeds: int) -> list[dict[str, Any]]:
    """Train the LSTM of temporal-order with its shipped settings, and return what came out by seed."""
    study = seqlab.compare(["lstm"], seeds=seeds, difficulty=level, **{"training.engine": engine})
    return [item.summary for item in study.finished if item.summary is not None]


def sequences(summary: dict[str, Any]) -> int:
    """Return the sequences until it was solved, or all that were seen."""
    count: int = summary["sequences_to_solve"] or summary["sequences_seen"]
    return count


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(
        description="Whether both engines solve the same tasks at the same rate."
    )
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    show_curves()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SEQLAB_RUNS_DIR", folder)
        print(f"{'':<14}{'solved':>9}{'median':>9}{'quartiles':>18}  sequences until solved")
        for level in LEVELS:
            found = {engine: summaries(level, engine, seeds) for engine in ENGINES}
            for engine, results in found.items():
                solved = sum(one["solved"] for one in results)
                low, middle, high = statistics.quantiles(map(sequences, results), n=4, method="inclusive")
                print(
                    f"{level + ', ' + engine:<14}{f'{solved} of {seeds}':>9}{middle:>9,.0f}"
                    f"{f'{low:,.0f} to {high:,.0f}':>18}"
                )
            pairs = list(zip(*found.values(), strict=True))
            who = mcnemar([(a["solved"], b["solved"]) for a, b in pairs])
            when = first_to_solve(
                [(sequences(a), sequences(b)) for a, b in pairs],
                [(a["solved"], b["solved"]) for a, b in pairs],
            )
            print(
                f"  who solves: p = {who.p:.2f}; first on a seed: torch {when.first}, fused {when.second}, "
                f"p = {when.p:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
