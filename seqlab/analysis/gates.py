"""The gates of a cell from outside: read, and held at a value while the cell works.

A cell shows its gates by ``gate_names`` and ``gates(x, state)``, and its ``step`` goes on from what ``gates``
answers. So a gate is held by answering in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqlab.errors import SettingsError
from seqlab.models import Cell, Recurrent


@dataclass(frozen=True)
class Force:
    """Gates that are held at a value over some steps.

    Attributes:
        gates: their values by name, such as ``{"f": 1, "i": 0}``.
        start: the first step, counted from 0 at the first symbol; padding is not counted.
        stop: the first step that is free again; None for the end.
    """

    gates: Mapping[str, float]
    start: int = 0
    stop: int | None = None

    def steps(self, count: int) -> range:
        """Return the steps of a sequence of so many at which the gates are held.

        >>> Force({"f": 1}, 2).steps(5)
        range(2, 5)
        """
        return range(min(self.start, count), count if self.stop is None else min(self.stop, count))

    @property
    def words(self) -> str:
        """What is held, and when.

        >>> Force({"f": 1, "i": 0}, 20, 60).words
        'f = 1, i = 0 from step 20 to 59'
        """
        held = ", ".join(f"{name} = {value:g}" for name, value in self.gates.items())
        return f"{held} from step {self.start} to {'the end' if self.stop is None else self.stop - 1}"

    @property
    def file_name(self) -> str:
        """The same for the name of a file.

        >>> Force({"f": 1, "i": 0}, 20, 60).file_name
        'f1-i0-steps-20-59'
        """
        held = "-".join(f"{name}{value:g}" for name, value in self.gates.items())
        return f"{held}-steps-{self.start}-{'end' if self.stop is None else self.stop - 1}"


def gate_names_of(cell: Cell) -> tuple[str, ...]:
    """Return the names of a cell's gates; empty where it shows none."""
    return tuple(getattr(cell, "gate_names", ())) if callable(getattr(cell, "gates", None)) else ()


def read_gates(cell: Any, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the gates, each (B, H), of the step that a cell with gates would take."""
    gates: tuple[Tensor, ...] = cell.gates(x, state)
    return gates


@contextmanager
def forced_gates(cell: Any, values: Mapping[str, float], rows: Tensor) -> Iterator[None]:
    """Have ``cell.gates`` answer with these values in the rows (B,) that are True.

    A cell's ``step`` asks ``gates``, so it goes on from what is forced.
    """
    own = cell.gates
    names = gate_names_of(cell)

    def gates(x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        found = own(x, state)
        return tuple(
            gate.masked_fill(rows[:, None], values[name]) if name in values else gate
            for name, gate in zip(names, found, strict=True)
        )

    cell.gates = gates
    try:
        yield
    finally:
        del cell.gates  # the class's own is seen again


def check_force(model: Recurrent, force: Force) -> None:
    """Refuse what cannot be forced.

    Raises:
        SettingsError: when a cell has no gates, none of that name, or one that acts inside ``gates``.
    """
    for cell in model.cells:
        assert isinstance(cell, Cell)
        names = gate_names_of(cell)
        kind = type(cell).__name__
        if not names:
            raise SettingsError(f"The cell {kind} has no gates that could be held.")
        for name in force.gates:
            if name not in names:
                raise SettingsError(f"The cell {kind} has no gate {name!r}; it has {', '.join(names)}.")
            if not _acts_in_step(model, cell, name):
                raise SettingsError(
                    f"The gate {name!r} of {kind} acts within the computation of its other gates, so it "
                    "cannot be held from outside.",
                    hint=f"Those that can: {', '.join(n for n in names if _acts_in_step(model, cell, n))}",
                )


@torch.no_grad()
def _acts_in_step(model: Recurrent, cell: Cell, name: str) -> bool:
    """Say whether the step changes with what ``gates`` answers for that gate, by trying."""
    parameter = next(cell.parameters())
    x = torch.zeros(1, cell.input_size).to(parameter)
    if model.spec.inputs == "tokens" and cell in list(model.cells)[: model.directions]:
        x = torch.zeros(1, dtype=torch.int64)
    state = tuple(part + 0.5 for part in cell.start(1))
    results = []
    for value in (0.0, 1.0):
        with forced_gates(cell, {name: value}, torch.ones(1, dtype=torch.bool)):
            results.append(torch.cat(cell.step(x, state, *cell.prepare()), -1))
    return not torch.equal(*results)
