"""Cycle navigation: where on a circle of five places does a walk end?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Decision

PLACES = 5

BACK, STAY, ON = range(3)


class CycleNavigation(Decision):
    """Read steps (0 back, 1 stay, 2 on) on a circle of 5 places, then say where the walk from 0 ends.

    A regular language.

    Source:
        Delétang et al. 2022.

    >>> batch = CycleNavigation(length=6).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 2, 1, 0, 0, 0, 3]]), tensor([2]))
    """

    letters, classes = 3, PLACES
    symbols = ("back", "stay", "on", "empty")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return steps (B, n), and the places at which they end (B, 1)."""
        steps = stream.integers(0, 3, (size, length))
        return steps, (steps - STAY).sum(1, keepdims=True) % PLACES


def walk(steps: Sequence[int]) -> int:
    """Return where a walk ends, by walking.

    >>> walk([ON, ON, ON, BACK]), walk([BACK])
    (2, 4)
    """
    circle = list(range(PLACES))
    for step in steps:
        if step == ON:
            circle = circle[1:] + circle[:1]
        elif step == BACK:
            circle = circle[-1:] + circle[:-1]
    return circle[0]
