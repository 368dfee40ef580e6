"""What a sequence costs in bits against the sequences seen: a neural Turing machine and an LSTM on its five tasks.

    python benchmarks/turing_curves.py [--output FILE.png] [--seed N]

It trains ten runs, which are kept in SEQLAB_RUNS_DIR (default: a temporary folder); they take more than an hour.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from seqlab.configure import load_settings
from seqlab.figures.style import lines_of, look
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment

LSTM = "lstm[layers=3,hidden_size=128]"
REPEATED = [
    "training.learning_rate=1e-3", "training.clip_norm=50", "training.batch_size=16", "training.schedule=constant",
    "training.steps=6000",
]  # fmt: skip
RUNS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "copy-bits": {"ntm": [], LSTM: []},
    "repeat-copy": {"ntm[hidden_size=100]": REPEATED, LSTM: REPEATED[2:3] + REPEATED[4:]},
    "associative-recall": {"ntm": [], LSTM: []},
    "dynamic-n-grams": {"ntm": [], LSTM: []},
    "priority-sort": {"ntm": [], LSTM: []},
}
"""By experiment and model the settings beside the experiment's."""

Curves = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""By experiment and model the lines of metrics.jsonl that hold a validation."""


def learned(name: str, model: str, words: Sequence[str], seed: int) -> list[dict[str, Any]]:
    experiment, _ = load_settings(name, model=model, overrides=list(words), seed=seed)
    assert isinstance(experiment, TrainExperiment)
    run, session = begin(experiment, command="benchmarks/turing_curves.py")
    train(run, session)
    return validations(run.metrics())


def validations(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines that hold a validation."""
    return [line for line in lines if "validation_bits" in line]


def draw(curves: Curves) -> Figure:
    """Draw the tasks side by side; the best that can be done is dotted, where a task knows it."""
    with look():
        figure = Figure(figsize=(11, 2.8), layout="constrained")
        for ax, (name, models) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
            for (model, lines), style in zip(models.items(), lines_of(["ntm", "lstm"]), strict=True):
                seen = [line["sequences"] / 1000 for line in lines]
                ax.plot(seen, [line["validation_bits"] for line in lines], **style, markersize=0, label=model)
                best = [line["validation_best_bits"] for line in lines if "validation_best_bits" in line]
                if best:
                    ax.axhline(best[-1], color="black", linestyle=":", linewidth=1)
            ax.set_title(name, fontsize=9)
            ax.set_xlabel("thousands of sequences", fontsize=8)
            ax.tick_params(labelsize=8)
        figure.axes[0].set_ylabel("bits of a sequence", fontsize=9)
        figure.legend(["ntm", "lstm, 3 layers of 128"], loc="outside lower center", ncols=2, fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--output", type=Path, default=Path("turing-curves.png"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.setdefault("SEQLAB_RUNS_DIR", tempfile.mkdtemp())
    curves = {
        name: {model: learned(name, model, words, arguments.seed) for model, words in models.items()}
        for name, models in RUNS.items()
    }
    draw(curves).savefig(arguments.output, dpi=110)
    print(arguments.output)


if __name__ == "__main__":
    main()
