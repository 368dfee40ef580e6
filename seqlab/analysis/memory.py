"""The LSTM as a memory that is driven by hand: its gates are set, and what becomes of its content is seen.

NYU 6-3. One unit starts with something in its cell. Over some steps its gates are held so that it does one of

    output on   o = 1            the content is shown, h = tanh(c)
    output off  o = 0            it is kept but not shown
    reset       f = 0, i = 0     it is lost
    keep        f = 1, i = 0     it stays, whatever is read
    write       f = 0, i = 1     what is read takes its place, c = g

and before and after these it keeps and shows (f = 1, i = 0, o = 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from seqlab.analysis.gates import forced_gates, read_gates
from seqlab.models.recurrent.lstm import LSTM

CONTENT = 0.8
"""What is in the cell at the start."""

READ = (0.4, -0.6, 1.2, 0.3, -1.0, -0.5, 0.9, 0.6, -0.3, 0.5)
"""The input of each step; the unit would write g = tanh of it."""

HELD = range(3, 7)
"""The steps over which the gates are held, counted from 0."""

KEEPING = {"i": 0.0, "f": 1.0, "o": 1.0}
DRIVES: dict[str, dict[str, float]] = {
    "output on": {},
    "output off": {"o": 0.0},
    "reset": {"i": 0.0, "f": 0.0},
    "keep": {"i": 0.0, "f": 1.0},
    "write": {"i": 1.0, "f": 0.0},
}
"""What each setting changes of keeping and showing."""


@dataclass(frozen=True)
class Drive:
    """What a memory did under one setting of its gates.

    Attributes:
        name: of the setting.
        gates: i, f, g and o at each step, by name.
        c: the content after each step.
        h: what is shown after each step.
    """

    name: str
    gates: dict[str, tuple[float, ...]]
    c: tuple[float, ...]
    h: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return dict(vars(self))


def drive_memory() -> list[Drive]:
    """Drive the memory in each of the five ways.

    >>> {drive.name: round(drive.c[-1], 2) for drive in drive_memory()}
    {'output on': 0.8, 'output off': 0.8, 'reset': 0.0, 'keep': 0.8, 'write': 0.72}
    """
    return [_drive(name, {**KEEPING, **changed}) for name, changed in DRIVES.items()]


@torch.no_grad()
def _drive(name: str, held: dict[str, float]) -> Drive:
    cell = LSTM(1, 1).double()
    for weight in cell.parameters():
        weight.zero_()
    cell.input.weight[2] = 1  # g = tanh(x)
    content = torch.tensor([[CONTENT]], dtype=torch.float64)
    state: tuple[torch.Tensor, ...] = (torch.tanh(content), content)
    gates, contents, shown = [], [], []
    for t, value in enumerate(READ):
        x = torch.tensor([[value]], dtype=torch.float64)
        with forced_gates(cell, held if t in HELD else KEEPING, torch.ones(1, dtype=torch.bool)):
            gates.append([float(gate) for gate in read_gates(cell, x, state)])
            h, c = state = cell.step(x, state)
        contents.append(float(c))
        shown.append(float(h))
    by_name = dict(zip(cell.gate_names, zip(*gates, strict=True), strict=True))
    return Drive(name, by_name, tuple(contents), tuple(shown))
