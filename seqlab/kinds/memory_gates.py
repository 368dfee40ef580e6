"""The gates of one memory cell are set by hand; there is nothing to set."""

from __future__ import annotations

import json
from typing import Literal

from seqlab.kinds import Asked
from seqlab.settings import Experiment


class MemoryGates(Experiment):
    """The gates of one memory cell set by hand; there is nothing to set."""

    kind: Literal["memory-gates"]


SETTINGS = MemoryGates


def run(settings: MemoryGates, asked: Asked) -> None:
    """Drive a memory, keep the numbers and the picture in a folder of the reports, and show them."""
    from seqlab.analysis.memory import HELD, drive_memory
    from seqlab.cli.console import say, show_json, show_table, tell
    from seqlab.figures.memory import memory_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file

    drives = drive_memory()
    folder = create_report(settings.experiment)
    data = {"from": HELD.start, "to": HELD.stop, "drives": [drive.to_dict() for drive in drives]}
    replace_file(folder / "memory.json", json.dumps(data) + "\n")
    pictures = [*save(memory_figure(drives), folder / "memory"), folder / "memory.csv"]
    lines = ["drive,quantity,step,value"]
    for drive in drives:
        for name, values in (*drive.gates.items(), ("c", drive.c), ("h", drive.h)):
            lines += [f"{drive.name},{name},{step},{value:.6g}" for step, value in enumerate(values)]
    replace_file(pictures[-1], "\n".join(lines) + "\n")
    if asked.as_json:
        return show_json({**data, "figures": [str(path) for path in pictures]})
    at = (HELD.start - 1, HELD.start, HELD.stop - 1, HELD.stop)
    show_table(
        ("gates set to", "number", *(f"step {t}" for t in at)),
        [
            (drive.name, name, *(f"{values[t] + 0.0:.4f}" for t in at))
            for drive in drives
            for name, values in (*drive.gates.items(), ("c", drive.c), ("h", drive.h))
        ],
    )
    say(f"\nThe gates are set from step {HELD.start} to {HELD.stop - 1}; else f = 1, i = 0, o = 1.\n")
    for path in pictures:
        print(path)
    tell(
        "Next: seqlab train temporal-order, and then "
        "seqlab inspect temporal-order --force f=1,i=0 --from 20 --to 60"
    )
    return None
