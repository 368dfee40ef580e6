"""Draw docs/figures/char-shakespeare: how the presets come down, against the n-gram model.

    python docs/make_char_curve.py NAME=RUN [NAME=RUN ...]

Each RUN is the id or path of a finished run of char-shakespeare, NAME what its line is called, as the preset
of its settings. Where the network is mixed with counts, the line ends in a hollow mark for the two together.
A run records no times, so the seconds of a step are its share of those that training took.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from seqlab.figures.style import line, look, save
from seqlab.runs import Run, find_run

PLACE = Path(__file__).parent / "figures" / "char-shakespeare"
NGRAM = 1.5165
"""Nats per character of the 7-gram model on the same split, stream."""

HIGHEST = 2.2
"""Nats that are shown."""


def label(name: str, run: Run) -> str:
    """Return the name of a run's settings, its seed, and what it came to."""
    summary = run.summary() or {}
    found = {
        which: summary[which]["stream"]["nats_per_character"]
        for which in ("trials", "mixture")
        if which in summary
    }
    mixed = f", with counts {found['mixture']:.3f}" if "mixture" in found else ""
    return f"{name}, seed {run.info().seed}: {found['trials']:.3f}{mixed}"


def draw(runs: dict[str, Run]) -> Figure:
    """Return the picture: training loss smoothed (thin), validation loss (marked), over seconds."""
    with look():
        figure = Figure(figsize=(7.5, 4.5))
        ax = figure.add_subplot()
        for index, (name, run) in enumerate(runs.items()):
            summary, records = run.summary(), list(run.metrics())
            assert summary is not None, f"{run.id} is not finished"
            per_step = summary["training_seconds"] / summary["steps"]
            style = line(index)
            for key, looks in (
                ("smoothed_loss", {"linewidth": 0.8, "linestyle": "-", "alpha": 0.6}),
                (
                    "validation_loss",
                    {"linestyle": style["linestyle"], "marker": style["marker"], "label": label(name, run)},
                ),
            ):
                points = np.array([(record["step"], record[key]) for record in records if key in record])
                ax.plot(points[:, 0] * per_step, points[:, 1], color=style["color"], **looks)
            if "mixture" in summary:
                ends = [summary[which]["stream"]["nats_per_character"] for which in ("trials", "mixture")]
                ax.plot(
                    [summary["training_seconds"]] * 2, ends, color=style["color"], linestyle=":",
                    marker=style["marker"], markerfacecolor="white", markevery=[1],
                )  # fmt: skip
        ax.axhline(NGRAM, color="#666666", linestyle=":", label=f"7-gram model: {NGRAM:.3f}")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.set_xlim(left=1)
        ax.set_ylim(top=HIGHEST)
        ax.set_xlabel("seconds of training")
        ax.set_ylabel("nats per character, stream (thin: training)")
        ax.legend()
    return figure


if __name__ == "__main__":
    words = [word.partition("=") for word in sys.argv[1:]]
    if not words:
        sys.exit("Which runs? python docs/make_char_curve.py NAME=RUN [NAME=RUN ...]")
    for path in save(draw({name: find_run(run) for name, _, run in words}), PLACE):
        print(path)
