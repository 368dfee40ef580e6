"""Draw docs/figures/char-shakespeare: how the presets come down, against the n-gram model.

    python docs/make_char_curve.py RUN [RUN ...]

Each RUN is the id or the path of a finished run of char-shakespeare; its line is named after the preset that
made it, and ends, where the network is mixed with counts, in a hollow mark for the two together. A run
records no times, so the seconds of a step are its share of those that training took.
"""

from __future__ import annotations

import shlex
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


def label(run: Run) -> str:
    """Return the preset that made a run (without one its model), its seed, and what it came to."""
    info = run.info()
    words = shlex.split(info.command)
    preset = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "--preset"), info.model)
    summary = run.summary() or {}
    mixed = f", with counts {summary['mixture']['stream']['nats']:.3f}" if "mixture" in summary else ""
    return f"{preset}, seed {info.seed}: {summary['validation']['stream']['nats']:.3f}{mixed}"


def draw(runs: list[Run]) -> Figure:
    """Return the picture: training loss smoothed (thin), validation loss (marked), over seconds."""
    with look():
        figure = Figure(figsize=(7.5, 4.5))
        ax = figure.add_subplot()
        for index, run in enumerate(runs):
            summary, records = run.summary(), list(run.metrics())
            assert summary is not None, f"{run.id} is not finished"
            per_step = summary["training_seconds"] / summary["steps"]
            style = line(index)
            for key, looks in (
                ("smoothed_loss", {"linewidth": 0.8, "linestyle": "-", "alpha": 0.6}),
                (
                    "validation_loss",
                    {"linestyle": style["linestyle"], "marker": style["marker"], "label": label(run)},
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
    if not sys.argv[1:]:
        sys.exit("Which runs? python docs/make_char_curve.py RUN [RUN ...]")
    for path in save(draw([find_run(name) for name in sys.argv[1:]]), PLACE):
        print(path)
