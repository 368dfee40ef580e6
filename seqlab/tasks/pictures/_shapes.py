"""Six shapes of six colours on a black ground, and what can be asked about them: Sort-of-CLEVR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.tasks._passes import Integers

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
}
SHAPES = ("square", "circle")
COUNTS = ("zero", "one", "two", "three", "four", "five")
ANSWERS = (*SHAPES, "yes", "no", *COUNTS)

PLAIN = {
    "shape": "what shape is the {} one",
    "left": "is the {} one on the left",
    "upper": "is the {} one in the upper half",
}
RELATIONAL = {
    "closest": "what shape is closest to the {} one",
    "furthest": "what shape is furthest from the {} one",
    "same": "how many others have the shape of the {} one",
}
KINDS = (*PLAIN, *RELATIONAL)
"""What is asked of one shape by itself, and of one among the others, by the names of kinds."""


@dataclass(frozen=True)
class Scenes:
    """Shapes, one of each colour.

    Attributes:
        centres: (B, 6, 2), row and column in pixels, in the order of :data:`COLOURS`.
        circles: (B, 6) bool, of the others they are squares.
        size: of the picture, in pixels.
    """

    centres: Integers
    circles: NDArray[np.bool_]
    size: int

    @property
    def half(self) -> int:
        """Pixels from the centre of a shape to its edge."""
        return half_of(self.size)

    def pictures(self) -> NDArray[np.float32]:
        """Draw them, (B, size, size, 3), from 0 to 1; what is drawn later hides what lies below."""
        found = np.zeros((len(self.centres), self.size, self.size, 3), np.float32)
        place = np.arange(self.size)
        for number, colour in enumerate(COLOURS.values()):
            down, right = (
                np.abs(place - self.centres[:, number, axis, None]) for axis in (0, 1)
            )  # (B, size) each
            square = (down <= self.half)[:, :, None] & (right <= self.half)[:, None]
            round_ = down[:, :, None] ** 2 + right[:, None] ** 2 <= self.half**2
            there = np.where(self.circles[:, number, None, None], round_, square)
            found[there] = np.array(colour, np.float32) / 255
        return found

    def distances(self, asked: Integers) -> Integers:
        """Return the squares of the distances of all shapes from that of a colour (B,), (B, 6)."""
        rows = np.arange(len(asked))
        apart: Integers = ((self.centres - self.centres[rows, asked][:, None]) ** 2).sum(-1)
        return apart

    def answers(self, kinds: Integers, asked: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """Answer a question about each.

        Args:
            kinds: (B,), by their places in :data:`KINDS`.
            asked: (B,), the colour it is about.

        Returns:
            Places in :data:`ANSWERS`, (B,), and of which it is certain: where shapes of both kinds are the
            closest, or the furthest, there is no right answer.
        """
        rows = np.arange(len(asked))
        centre, shape = self.centres[rows, asked], self.circles[rows, asked]
        before_middle = 2 * centre < self.size - 1
        said = before_middle[:, ::-1].astype(np.int64)  # left, upper
        apart, others = self.distances(asked), asked[:, None] != np.arange(len(COLOURS))
        near = apart == np.where(others, apart, apart.max() + 1).min(1, keepdims=True)
        far = apart == apart.max(1, keepdims=True)
        same = ((self.circles == shape[:, None]) & others).sum(1)
        found = np.stack(
            [
                shape,
                *(ANSWERS.index("no") - said.T),
                *((self.circles & there & others).any(1) for there in (near, far)),
                ANSWERS.index("zero") + same,
            ],
            1,
        )[rows, kinds]
        certain = np.ones((len(KINDS), len(asked)), bool)
        for kind, there in (("closest", near), ("furthest", far)):
            both = [(there & others & (self.circles == wanted)).any(1) for wanted in (True, False)]
            certain[KINDS.index(kind)] = ~(both[0] & both[1])
        return found.astype(np.int64), certain[kinds, rows]


def half_of(size: int) -> int:
    """Return the pixels from the centre of a shape to its edge: 5 of 75, and at least 2.

    >>> half_of(75), half_of(32)
    (5, 2)
    """
    return max(2, round(size / 15))


def draw_scenes(count: int, size: int, stream: np.random.Generator) -> Scenes:
    """Draw where shapes stand and which they are: centres are at least twice :func:`half_of` apart.

    Args:
        count: of scenes.
        size: of a picture, in pixels.
        stream: what is drawn from.
    """
    half, shapes = half_of(size), len(COLOURS)
    centres = np.empty((count, shapes, 2), np.int64)
    for number in range(shapes):
        free = np.arange(count)
        while len(free):
            centres[free, number] = stream.integers(half, size - half, (len(free), 2))
            apart = ((centres[free, :number] - centres[free, number][:, None]) ** 2).sum(-1)
            free = free[(apart < (2 * half) ** 2).any(1)]
    return Scenes(centres, stream.random((count, shapes)) < 0.5, size)
