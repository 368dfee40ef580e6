"""Every shipped experiment against what it must show: figures and seconds over seeds, one run after another.

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

from seqlab.configure import load_settings
from seqlab.errors import SeqlabError
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment

CLAIMS: dict[str, dict[str, Any]] = {
    "hello": {"name": "hello"},
    "echo": {"name": "echo"},
    "temporal-order-easy": {"name": "temporal-order", "difficulty": "easy"},
    "temporal-order-hard": {"name": "temporal-order", "difficulty": "hard"},
    "temporal-order-hard-tanh": {
        "name": "temporal-order", "difficulty": "hard", "model": "rnn[start=uniform]", "settings": ["training.steps=1000"],
    },
    "temporal-order-hard-relu": {
        "name": "temporal-order", "difficulty": "hard", "model": "rnn[start=uniform,nonlinearity=relu]", "settings": ["training.steps=1000"],
    },
    "adding": {"name": "adding"},
    "adding-t500": {"name": "adding", "preset": "t500"},
    "adding-t1000": {"name": "adding", "preset": "t1000"},
    "copy": {"name": "copy"},
    "embedded-reber": {"name": "embedded-reber"},
    "noise-free-lag-2a": {"name": "noise-free-lag", "difficulty": "2a"},
    "noise-free-lag-2b": {"name": "noise-free-lag", "difficulty": "2b"},
    "noise-free-lag-2c": {"name": "noise-free-lag", "difficulty": "2c"},
    "noise-free-lag-2c-1000": {"name": "noise-free-lag", "preset": "2c-1000"},
    "two-sequence-3a": {"name": "two-sequence", "difficulty": "3a"},
    "two-sequence-3b": {"name": "two-sequence", "difficulty": "3b"},
    "two-sequence-3c": {"name": "two-sequence", "difficulty": "3c"},
    "multiplication": {"name": "multiplication"},
    "three-symbols": {"name": "three-symbols"},
    "two-sequence-3a-guess": {"name": "two-sequence", "difficulty": "3a", "model": "guess"},
    "continual-reber": {"name": "continual-reber", "preset": "million"},
    "timing-msd": {"name": "timing", "difficulty": "msd"},
    "timing-gts": {"name": "timing", "difficulty": "gts"},
    "timing-pfg": {"name": "timing", "difficulty": "pfg"},
    "parity-check": {"name": "parity-check"},
    "even-pairs": {"name": "even-pairs"},
    "cycle-navigation": {"name": "cycle-navigation"},
    "modular-arithmetic": {"name": "modular-arithmetic"},
    "reverse-string": {"name": "reverse-string"},
    "stack-manipulation": {"name": "stack-manipulation"},
    "bucket-sort": {"name": "bucket-sort"},
    "parity-check-transformer": {"name": "parity-check", "model": "transformer", "settings": ["training.steps=3000"]},
    "dyck": {"name": "dyck"},
    "dyck-lstm": {"name": "dyck", "model": "lstm", "settings": ["training.batch_size=16", "training.steps=3000"]},
    "bounded-dyck": {"name": "bounded-dyck"},
    "anbn": {"name": "anbn"},
    "anbncn": {"name": "anbncn"},
    "permutations": {"name": "permutations"},
    "brackets": {"name": "brackets"},
    "mqar": {"name": "mqar"},
    "mqar-gated-delta": {"name": "mqar", "model": "gated-delta"},
    "induction-heads": {"name": "induction-heads", "settings": ["training.steps=1500"]},
    "execute": {"name": "execute"},
    "execute-ten-minutes": {"name": "execute", "settings": ["training.steps=52000"]},
    "execute-grid": {"name": "execute", "preset": "grid"},
    "dates": {"name": "dates"},
    "addition": {"name": "addition"},
    "reverse-words": {"name": "reverse-words"},
    "reverse-words-one-vector": {"name": "reverse-words", "model": "encoder-decoder[attention=none]"},
    "translate": {"name": "translate"},
    "translate-one-vector": {"name": "translate", "model": "encoder-decoder[attention=none]"},
    "word-vectors": {"name": "word-vectors"},
    "word-sentiment": {"name": "word-sentiment"},
    "char-shakespeare": {"name": "char-shakespeare"},
    "char-python": {"name": "char-python"},
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


def words(summary: dict[str, Any]) -> str:
    judged = {"held out": summary["held_out"], **summary["trials"]}
    return "; ".join(
        f"{name}: " + ", ".join(f"{key} {value:.5g}" for key, value in figures.items())
        for name, figures in judged.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(CLAIMS)}; or any experiment")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.setdefault("SEQLAB_RUNS_DIR", tempfile.mkdtemp())
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    claims = {name: CLAIMS.get(name, {"name": name}) for name in arguments.names or CLAIMS}
    try:
        for claim in claims.values():
            settings(claim)
    except SeqlabError as error:
        parser.error(str(error))
    for name, claim in claims.items():
        results = []
        for seed in range(1, arguments.seeds + 1):
            folder, session = begin(settings(claim, seed), command="benchmarks/claims.py")
            summary = train(folder, session)
            results.append(summary)
            solved = "" if summary["solved"] is None else f"solved at {summary['sequences_to_solve']}, "
            print(
                f"{name} seed {seed}: {solved}{words(summary)}, {summary['wall_seconds']:.1f} s", flush=True
            )
        count = sum(bool(summary["solved"]) for summary in results)
        seconds = [summary["wall_seconds"] for summary in results]
        steps = [summary["sequences_to_solve"] for summary in results if summary["solved"]]
        print(
            f"== {name}: solved {count}/{len(results)}, sequences to solve "
            f"{f'median {median(steps):,.0f}, most {max(steps):,}' if steps else '-'}; "
            f"seconds median {median(seconds):.1f}, most {max(seconds):.1f}\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
