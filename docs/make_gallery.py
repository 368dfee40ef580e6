"""Make docs/gallery.md: run what it shows, and put the pictures beside it, small.

    make gallery

Runs are kept in runs/gallery, in a folder for each command that trains and the settings of its experiment,
and used again; the first time takes about a quarter of an hour, most of it the character model. Every picture
is what the command above it draws, scaled down.
"""

from __future__ import annotations

import hashlib
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

WIDEST, COLOURS, MOST_BYTES = 1_000, 256, 150_000

TEMPORAL_ORDER = "train temporal-order --difficulty moderate training.stop_when={} training.steps=1500"


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery.

    Attributes:
        name: of its file.
        title: above it.
        commands: that make it; the first trains, unless ``after`` does.
        drawn: where the last command draws it, below the folder of the runs.
        caption: below it.
        after: the command of an entry above whose run it looks at.
    """

    name: str
    title: str
    commands: tuple[str, ...]
    drawn: str
    caption: str
    after: str = ""

    @property
    def folder(self) -> Path:
        """Where its runs are kept: another for another command, and for other settings of its experiment."""
        trains = self.after or self.commands[0]
        name = shlex.split(trains)[1]
        settings = ROOT / "experiments" / f"{name}.yaml"
        read = trains + (settings.read_text(encoding="utf-8") if settings.is_file() else "")
        return RUNS / f"{name}-{hashlib.sha256(read.encode()).hexdigest()[:8]}"


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
            TEMPORAL_ORDER,
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
        TEMPORAL_ORDER,
    ),
    Entry(
        "lesions",
        "Lesions",
        ("inspect temporal-order --lesions",),
        "temporal-order-*/figures/lesions.png",
        "The same network with each unit silenced in turn.",
        TEMPORAL_ORDER,
    ),
    Entry(
        "gradients",
        "The gradient through time of a run",
        ("gradients temporal-order --at 100,500",),
        "temporal-order-*/figures/gradients.png",
        "The same network at its start, on the way and trained, on sequences of its own task: how much of a "
        "state is left in a later one, and how much the loss feels of it.",
        TEMPORAL_ORDER,
    ),
    Entry(
        "cures",
        "What helps against a vanishing gradient",
        ("train cures",),
        "reports/cures-*/cures.png",
        "At the start, for weak and strong input: the spectral radius, other cells, clipping (NYU 6-2, "
        "CS231n-10, KMU-8).",
    ),
    Entry(
        "gradient-and-lag",
        "What a vanishing gradient does to learning",
        ("train gradient-and-lag",),
        "reports/gradient-and-lag-*/lags.png",
        "Above, what the loss feels of a state at the start; below, how well each cell learns when the lag "
        "grows (three seeds).",
    ),
    Entry(
        "exploding-gradient",
        "A gradient that explodes",
        ("train exploding-gradient",),
        "reports/exploding-gradient-*/curves.png",
        "The same network, started with a spectral radius of 1.05, with clipping off and on.",
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
        for command in (*filter(None, [entry.after]), *entry.commands):
            run(command, entry.folder)
        drawn = max(entry.folder.glob(entry.drawn), key=lambda path: path.stat().st_mtime)
        shrink(drawn, PICTURES / f"{entry.name}.png")
        typed = "\n".join(f"    seqlab {command}" for command in entry.commands)
        parts.append(
            f"## {entry.title}\n\n{typed}\n\n![{entry.title}](gallery/{entry.name}.png)\n\n{entry.caption}"
        )
    (ROOT / "docs" / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def run(command: str, folder: Path) -> None:
    """Run a command, unless it trains a run that is there."""
    words = shlex.split(command)
    if words[0] == "train" and any(folder.glob(f"{words[1]}-*/summary.json")):
        return
    print(f"== seqlab {command}", flush=True)
    here = {**os.environ, "SEQLAB_RUNS_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "seqlab", *words], check=True, cwd=ROOT, env=here)


def shrink(source: Path, target: Path) -> None:
    """Save a picture scaled down, in fewer colours where it has to be, smaller until it is small enough."""
    picture = Image.open(source).convert("RGB")
    width = min(WIDEST, picture.width)
    while True:
        size = (width, round(picture.height * width / picture.width))
        small = picture.resize(size, Image.Resampling.LANCZOS)
        for saved in (small, small.quantize(COLOURS, kmeans=COLOURS, dither=Image.Dither.NONE)):
            saved.save(target, optimize=True)
            if target.stat().st_size <= MOST_BYTES:
                return
        width = round(width * 0.9)


if __name__ == "__main__":
    main()
