"""Whether the fused engine and torch solve the same tasks at the same rate: temporal-order over 20 seeds.

    python benchmarks/engines.py [--seeds 20]

A seed has the same data and the same initial weights with either engine; they part by rounding, which training
amplifies. A line for each engine says how many seeds it solves and after how many sequences; a third compares
them seed by seed: McNemar's test of who solves, the sign test of who solves first. Runs lie in SEQLAB_RUNS_DIR
where it is set, and are then used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from typing import Any

import seqlab
from seqlab.comparison.statistics import first_to_solve, mcnemar

LEVELS = ("easy", "hard")
ENGINES = ("torch", "fused")


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
