"""A digit that bounces about a canvas: where it goes, whether it is still the same, which one it is."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._passes import Integers
from seqlab.tasks.pictures._canvas import pasted
from seqlab.tasks.pictures._images import Pictures, absolute, load_images

WAYS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Down and to the right, of each direction."""

DIRECTIONS = ("up", "up right", "right", "down right", "down", "down left", "left", "up left")
SAME = ("another", "same")

_NUMBERS = np.full((3, 3), -1)
"""Of each direction, by how it goes down and to the right, each and one more."""
_NUMBERS[tuple(np.array(WAYS).T + 1)] = np.arange(len(WAYS))


class MovingDigits(Task):
    """Watch a film of a digit, frame by frame, and say something of every frame, or of the film.

    A picture of R x C pixels moves over a canvas half as large again, one pixel at each step (three, of
    28 x 28) along one of eight directions; where it would leave the canvas, it turns back. Of T frames

        direction     at frames 2 to T: in which direction it has just gone                8 classes
        same          at frames 2 to T: whether it is of the class that was seen first     2 classes
        film          at frame T: which class it is of                                     many to one

    For ``same``, another picture takes its place at a frame drawn from 2 to T: in half of the films one of
    another class, in the others one of its own. Training, validation and test films show pictures of these
    splits.

    Args:
        asks: what is to be said.
        length: T.
        images: as of ``sequential-digits``.

    Raises:
        TextError: when the pictures are not there, or not in that format.

    >>> batch = MovingDigits(length=5).batch("train", 0, size=1, seed=1)
    >>> tuple(batch.inputs.shape), [DIRECTIONS[way] for way in batch.targets[0, 1:].tolist()]
    ((1, 5, 144), ['right', 'right', 'right', 'right'])
    """

    reads = "images"

    def __init__(
        self,
        *,
        asks: Literal["direction", "same", "film"] = "direction",
        length: Annotated[int, Field(ge=2, le=1000)] = 12,
        images: Annotated[str, AfterValidator(absolute)] = "digits",
    ) -> None:
        self.asks, self.length, self.images = asks, length, load_images(images)
        self.data = self.images.data
        self.answers = {"direction": DIRECTIONS, "same": SAME, "film": self.images.names}[asks]
        rows, columns = self.images.size
        self.canvas = rows + rows // 2, columns + columns // 2
        self.spec = Spec(
            "features",
            self.canvas[0] * self.canvas[1],
            "classes",
            len(self.answers),
            causal=asks != "film",
            frame=self.canvas,
        )

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return films (B, T, pixels), with an answer for each frame but the first, or for each film."""
        stream = numpy_stream(seed, "moving-digits", split, index)
        part = self.images.parts[split]
        places, ways = self._paths(size, stream)
        shown = self._shown(part, size, stream)
        frames = self._frames(part, shown, places)
        mask = np.zeros((size, self.length), bool)
        labels = part.labels[shown]
        if self.asks == "film":
            mask[:, -1], targets = True, labels[:, 0]
        else:
            mask[:, 1:] = True
            targets = ways if self.asks == "direction" else (labels == labels[:, :1]).astype(np.int64)
        return Batch(torch.from_numpy(frames), torch.from_numpy(targets), torch.from_numpy(mask))

    def _paths(self, size: int, stream: np.random.Generator) -> tuple[Integers, Integers]:
        """Return the upper left corner at each frame, (B, T, 2), and how it came there, (B, T)."""
        speed = max(1, self.images.size[0] // 8)
        room = np.array([whole - own for whole, own in zip(self.canvas, self.images.size, strict=True)])
        places, ways = np.empty((2, self.length, size, 2), np.int64)
        places[0] = place = stream.integers(0, room + 1, (size, 2))
        ways[0] = way = np.array(WAYS)[stream.integers(len(WAYS), size=size)]
        for step in range(1, self.length):
            ahead = place + speed * way
            way = np.where((ahead < 0) | (ahead > room), -way, way)
            place = np.minimum(np.maximum(place + speed * way, 0), room)
            places[step], ways[step] = place, way
        numbers = _NUMBERS[ways[..., 0] + 1, ways[..., 1] + 1]
        return places.swapaxes(0, 1), np.ascontiguousarray(numbers.T)

    def _shown(self, part: Pictures, size: int, stream: np.random.Generator) -> Integers:
        """Return which picture each frame shows, (B, T)."""
        first = stream.integers(len(part), size=size)
        if self.asks != "same":
            return np.repeat(first[:, None], self.length, 1)
        change = stream.integers(1, self.length, size)
        is_other = stream.random(size) < 0.5
        chance = stream.random((size, len(part)))
        fitting = (part.labels != part.labels[first][:, None]) == is_other[:, None]
        second = np.where(fitting, chance, -1).argmax(1)
        return np.where(np.arange(self.length) < change[:, None], first[:, None], second[:, None])

    def _frames(self, part: Pictures, shown: Integers, places: Integers) -> NDArray[np.float32]:
        each, corners = shown.ravel(), places.reshape(-1, 2)
        frames = pasted(part.pixels[each], np.arange(each.size), corners, (each.size, *self.canvas))
        return frames.reshape(*shown.shape, -1)
