"""How long it takes to read a million lines, and a million labelled texts, and what memory that takes.

    python benchmarks/rows.py [--rows 1000000]

Each task is built in a process of its own; memory is what that grows by. Files are made in a temporary folder.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SYLLABLES = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]


def write(folder: Path, rows: int) -> None:
    """Write names of 3 to 10 syllables, and texts of 3 to 12 words with one of eight labels."""
    draw = random.Random(1)
    with (folder / "lines.txt").open("w") as file:
        file.writelines("".join(draw.choices(SYLLABLES, k=draw.randint(3, 10))) + "\n" for _ in range(rows))
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 8))) for _ in range(20_000)]
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for _ in range(rows):
            table.writerow([" ".join(draw.choices(words, k=draw.randint(3, 12))), draw.choice("abcdefgh")])


def build(file: Path) -> None:
    """Build the task of a file, and print seconds and megabytes."""
    from seqlab.tasks.own.labels import Labels
    from seqlab.tasks.text.lines import Lines

    before, began = memory(), time.perf_counter()
    task = Lines(corpus=str(file)) if file.stem == "lines" else Labels(table=str(file))
    seconds = time.perf_counter() - began
    print(
        f"{file.stem}\t{file.stat().st_size / 1e6:.0f} MB\t{seconds:.1f} s\t{memory() - before:.0f} MB more"
    )
    assert task.data is not None
    print("\t".join(task.data.notes))


def memory() -> float:
    """Return the most that this process has held, in megabytes (Linux counts it in kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.build:
        return build(given.build)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), given.rows)
        for name in ("lines.txt", "labels.csv"):
            subprocess.run([sys.executable, __file__, "--build", str(Path(folder) / name)], check=True)
    return None


if __name__ == "__main__":
    main()
