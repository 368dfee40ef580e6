"""Layers of a recurrent cell, in one direction or more, read around padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from seqlab.contracts import State
from seqlab.models._cell import Cell, read_cell
from seqlab.models._padding import Parts, Reader, read_around

Direction = Literal["forwards", "backwards"]


class Layers(nn.Module):
    """Layers of a cell, each reading what the one before gives.

    Args:
        cell: the class of the cell.
        input_size: features of what is read.
        size: units H of each cell.
        layers: how many.
        directions: of the cells of each layer; what they give stands side by side.
    """

    def __init__(
        self,
        cell: type[Cell],
        input_size: int,
        size: int,
        layers: int,
        directions: Sequence[Direction] = ("forwards",),
    ) -> None:
        super().__init__()
        self.directions = directions
        widths = [input_size] + [size * len(directions)] * (layers - 1)
        self.cells = nn.ModuleList(cell(width, size) for width in widths for _ in directions)

    def start(self, rows: int) -> State:
        """Return the start states of the cells, layer by layer and in each by direction."""
        return tuple(cell.start(rows) for cell in self._cells())

    def forward(
        self, x: Tensor, state: State, padded: Tensor | None, drop: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            x: (B, T, I).
            state: of the cells, as of :meth:`start`.
            padded: (B, T) bool, where states are held and h is shown on; None where that is nowhere so.
            drop: dropout, of what each layer gives.

        Returns:
            h of the last layer, (B, T, directions H), and the states at the end of each cell's way.
        """
        ends, left = [], list(zip(self._cells(), state, strict=True))
        while left:
            outputs = []
            for direction in self.directions:
                cell, start = left.pop(0)
                backwards = direction == "backwards"
                h, end = read_direction(partial(read_cell, cell), x, start, padded, backwards=backwards)
                outputs.append(h)
                ends.append(end)
            x = drop(outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1))
        return x, tuple(ends)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights, cell by cell."""
        for cell in self._cells():
            cell.initialise(generator)

    def _cells(self) -> list[Cell]:
        return [cell for cell in self.cells if isinstance(cell, Cell)]


def read_direction(
    read: Reader, x: Tensor, state: Parts, padded: Tensor | None, *, backwards: bool
) -> tuple[Tensor, Parts]:
    """Read a sequence with one cell, holding the state where there is padding: h is shown on there."""
    if backwards:
        x = x.flip(1)
        padded = None if padded is None else padded.flip(1)
    if padded is None:
        h, state = read(x, state)
    else:
        h, state = read_around(read, x, state, padded, idle=lambda state: state[0], backwards=backwards)
    return (h.flip(1) if backwards else h), state
