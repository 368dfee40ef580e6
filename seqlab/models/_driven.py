"""Cells that hear their input through sums alone, which are computed for a whole sequence at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from seqlab.models._cell import Cell, Input


class Driven(Cell):
    """A cell whose steps take from the input nothing but sums that do not depend on the state.

    Its fast path computes them for all steps before the first; what is left to each step is :meth:`react`.

    Attributes:
        input: U x + b, which :meth:`shares` returns unless a cell says otherwise.
    """

    input: Input

    def shares(self, x: Tensor) -> Tensor:
        """Return what the steps take from the input: (...) symbols or (..., I) features to (..., N)."""
        sums: Tensor = self.input(x)
        return sums

    @abstractmethod
    def react(self, share: Tensor, state: tuple[Tensor, ...], *prepared: Any) -> tuple[Tensor, ...]:
        """Advance one step as :meth:`step` does, given the input's share, (B, N)."""

    def step(self, x: Tensor, state: tuple[Tensor, ...], *prepared: Any, **_: Any) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        return self.react(self.shares(x), state, *prepared)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`."""
        outputs, prepared = [], self.prepared()
        for share in self.shares(x.transpose(0, 1)).unbind():
            state = self.react(share, state, *prepared)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state


class Gated(Driven):
    """A driven cell that shows its gates, from which its new state follows.

    Attributes:
        gate_names: the names of its gates.
    """

    gate_names: tuple[str, ...]

    @abstractmethod
    def gates_from(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the gates, each (B, H), from the input's share, (B, N), and the state."""

    @abstractmethod
    def update(self, gates: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the new state from the gates and the state."""

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the gates, each (B, H), of the step that :meth:`step` would take."""
        return self.gates_from(self.shares(x), state)

    def step(self, x: Tensor, state: tuple[Tensor, ...], *prepared: Any, **_: Any) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        return self.update(self.gates(x, state), state)

    def react(self, share: Tensor, state: tuple[Tensor, ...], *prepared: Any) -> tuple[Tensor, ...]:
        """Advance one step, given the input's share; see :meth:`Driven.react`."""
        return self.update(self.gates_from(share, state), state)
