"""Make docs/gallery.md: run what it shows, and put the pictures beside it, small.

    make gallery

Runs are kept in runs/gallery and used again; the first time takes about a quarter of an hour, most of it the
character model. Every picture is what the command above it draws, scaled down.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "runs" / "gallery"
PICTURES = ROOT / "docs" / "gallery"

WIDEST, COLOURS, MOST_BYTES = 1_000, 96, 200_000


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery.

    Attributes:
        name: of its file.
        title: above it.
        commands: that make it; a run that there is already is not trained again.
        drawn: where the last command draws it, below the folder of the runs.
        caption: below it.
    """

    name: str
    title: str
    commands: tuple[str, ...]
    drawn: str
    caption: str


ENTRIES = (
    Entry(
        "hello",
        "Four letters",
        ("train hello --explain model.hidden_size=3",),
        "hello-*/figures/unrolled.png",
        "Every number of a network with three units that learns e l l o from h e l l, before and after "
        "(DLE-11, CS231n-10).",
    ),
    Entry(
        "lstm",
        "A cell",
        ("explain lstm",),
        "reports/diagrams/lstm.png",
        "With its equations, weights and multiply-adds; rnn and gru likewise.",
    ),
    Entry(
        "gru",
        "Another",
        ("explain gru",),
        "reports/diagrams/gru.png",
        "Reset after the product, PyTorch's form; `gru[reset=before]` draws the published one.",
    ),
    Entry(
        "memory",
        "A memory driven by its gates",
        ("train memory-gates",),
        "reports/memory-gates-*/memory.png",
        "One LSTM unit whose gates are set by hand (NYU 6-3).",
    ),
    Entry(
        "states",
        "States and gates",
        (
            "train temporal-order --difficulty moderate training.stop_when={} training.steps=1500",
            "inspect temporal-order",
        ),
        "temporal-order-*/figures/states.png",
        "12 LSTM units at moderate difficulty; the unit in orange keeps in mind that X was read (NYU 6-3).",
    ),
    Entry(
        "classes",
        "One sequence of each class",
        ("inspect temporal-order",),
        "temporal-order-*/figures/classes.png",
        "The same network and unit: Q is X X, R is X Y, S is Y X, U is Y Y.",
    ),
    Entry(
        "lesions",
        "Lesions",
        ("inspect temporal-order --lesions",),
        "temporal-order-*/figures/lesions.png",
        "The same network with each unit silenced in turn.",
    ),
    Entry(
        "cells",
        "Units that stand for something",
        ("train char-python", "cells char-python"),
        "char-python-*/figures/cells.png",
        "The best unit for each feature of held-out Python, in one run; `luck` is what the best of all units "
        "scores at most in 95 of 100 searches with the feature moved along the text (Karpathy, Johnson & "
        "Fei-Fei 2015).",
    ),
)


def main() -> None:
    """Run what is missing, and write the page."""
    PICTURES.mkdir(exist_ok=True)
    parts = [
        "# Gallery",
        "Made by `make gallery` from real runs; every picture is what the command above it draws.",
    ]
    for entry in ENTRIES:
        for command in entry.commands:
            run(command)
        drawn = max(RUNS.glob(entry.drawn), key=lambda path: path.stat().st_mtime)
        shrink(drawn, PICTURES / f"{entry.name}.png")
        typed = "\n".join(f"    seqlab {command}" for command in entry.commands)
        parts.append(
            f"## {entry.title}\n\n{typed}\n\n![{entry.title}](gallery/{entry.name}.png)\n\n{entry.caption}"
        )
    (ROOT / "docs" / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def run(command: str) -> None:
    """Run a command, unless it trains a run that is there."""
    words = shlex.split(command)
    if words[0] == "train" and any(RUNS.glob(f"{words[1]}-*/summary.json")):
        return
    print(f"== seqlab {command}", flush=True)
    here = {**os.environ, "SEQLAB_RUNS_DIR": str(RUNS)}
    subprocess.run([sys.executable, "-m", "seqlab", *words], check=True, cwd=ROOT, env=here)


def shrink(source: Path, target: Path) -> None:
    """Save a picture in fewer colours, and smaller until it is small enough."""
    picture = Image.open(source).convert("RGB")
    width = min(WIDEST, picture.width)
    while True:
        size = (width, round(picture.height * width / picture.width))
        small = picture.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return
        width = round(width * 0.9)


if __name__ == "__main__":
    main()
