"""Coloured shapes in relations, described in words: a grammar with combinations that are held out."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._judging import Trial
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import Form
from seqlab.tasks.pictures._captions import Captions

COLOURS = {
    "red": (0.9, 0.15, 0.15),
    "green": (0.15, 0.75, 0.2),
    "blue": (0.2, 0.35, 0.95),
    "yellow": (0.9, 0.85, 0.15),
}
SHAPES = ("circle", "square", "triangle", "cross")
RELATIONS = ("left of", "right of", "above", "below")
WORDS = (*COLOURS, *SHAPES, *RELATIONS)

SIDE = 24
"""Pixels of a canvas, along both axes."""

SIZES = (9, 7, 5)
"""Pixels of a shape from edge to edge; in a scene no two are of one size."""

APART = 2
"""By how many pixels two shapes that follow one another lie further apart along one axis than the other."""

HELD_OUT = np.eye(4, dtype=bool)
"""Combinations, of each colour one shape, that training does not show: red circles, green squares, ..."""


class SceneCaptions(Captions):
    """See a few coloured shapes, and say what they are and how they lie, from the largest to the smallest.

    "red square above blue cross left of green circle": each shape is named by its colour and its form, and
    between two stands how the one that is named first lies to the other: along the axis on which they are
    further apart. How many shapes, which, and where is drawn anew each time; none covers another.

        context    picture   (B, 24, 24, 3), red, green and blue from 0 to 1, with a little noise
        words      colour(1) shape(1) relation(1, 2) colour(2) shape(2) ...; a relation is one symbol

    A caption is right as a whole (``sequence_accuracy``) or not. Where each shape is lies in the notes of a
    batch, ``boxes``.

    Of the sixteen combinations of a colour and a shape four are held out: each colour and each shape is in
    one of them. A model that has learned what red is and what a circle is could say that it sees a red circle
    although it has never been shown one. The trial ``held-out`` has scenes with one such shape each.

    Args:
        fewest: shapes.
        most: shapes.
        combinations: of colour and shape. ``known``: without those that are held out; ``held-out``: one shape
            of each scene is such a one; ``all``: nothing is held out.

    Source:
        Captions of simple scenes, and combinations that training does not show, in the manner of Johnson et
        al., "CLEVR", 2017, on canvases made here.

    >>> task = SceneCaptions()
    >>> batch = task.batch("test", 0, size=1, seed=1)
    >>> " ".join(task.answers[word] for word in batch.targets[0])
    'green cross above blue cross below red square <end>'
    """

    trials = (
        Trial("written", answers="greedy"),
        Trial("held-out", {"combinations": "held-out"}, "greedy"),
    )

    def __init__(
        self,
        *,
        fewest: Annotated[int, Field(ge=1, le=3)] = 1,
        most: Annotated[int, Field(ge=1, le=3)] = 3,
        combinations: Literal["known", "held-out", "all"] = "known",
    ) -> None:
        if fewest > most:
            raise SettingsError(
                f"task.fewest is {fewest}, which is more than task.most, {most}.",
                hint=f"Set task.most={fewest}, or more.",
            )
        self.fewest, self.most, self.combinations = fewest, most, combinations
        self.finish(WORDS, 3 * most - 1, Form(SIDE, SIDE, features=3))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return scenes and their captions, as the class says."""
        stream = numpy_stream(seed, "scene-captions", split, index)
        counts = stream.integers(self.fewest, self.most, size, endpoint=True)
        colours, shapes = self._kinds(counts, stream)
        drawn = stream.permuted(np.tile(SIZES, (size, 1)), axis=1)[:, : self.most]
        sizes = np.sort(np.where(np.arange(self.most) < counts[:, None], drawn, 0), 1)[:, ::-1]
        places = _places(sizes, counts, stream)
        pictures = _pictures(colours, shapes, sizes, places, counts, stream)
        words = np.zeros((size, 3 * self.most), np.int64)
        words[:, 0::3], words[:, 1::3] = colours, len(COLOURS) + shapes
        words[:, 2:-1:3] = len(COLOURS) + len(SHAPES) + _relations(places)
        boxes = np.zeros((size, 3 * self.most, 4), np.int64)
        half = sizes[..., None] // 2
        boxes[:, 0::3] = boxes[:, 1::3] = np.concatenate([places - half, places + half + 1], -1)
        return self.described(words, boxes, 3 * counts - 1, pictures)

    def _kinds(self, counts: Integers, stream: np.random.Generator) -> tuple[Integers, Integers]:
        """Draw the colour and the shape of each, (B, most) each."""
        known, held_out = (np.argwhere(is_out == HELD_OUT) for is_out in (False, True))
        if self.combinations == "all":
            known = np.concatenate([known, held_out])
        kinds = known[stream.integers(len(known), size=(len(counts), self.most))]
        if self.combinations == "held-out":
            which = stream.integers(counts)
            kinds[np.arange(len(counts)), which] = held_out[stream.integers(len(held_out), size=len(counts))]
        return kinds[..., 0], kinds[..., 1]


def _places(sizes: Integers, counts: Integers, stream: np.random.Generator) -> Integers:
    """Draw the middle of each shape, (B, most, 2): row and column, until all of a row fit."""
    half, there = sizes[..., None] // 2, np.arange(sizes.shape[1]) < counts[:, None]
    places = np.zeros((*sizes.shape, 2), np.int64)
    open_rows = np.arange(len(sizes))
    while len(open_rows):
        own = half[open_rows]
        drawn = stream.integers(own, SIDE - own, (len(open_rows), sizes.shape[1], 2))
        places[open_rows] = drawn
        open_rows = open_rows[~_fit(drawn, sizes[open_rows], there[open_rows])]
    return places


def _fit(places: Integers, sizes: Integers, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say of each row whether no shape touches another, and it is clear how each lies to the next."""
    found = np.ones(len(places), bool)
    for one in range(places.shape[1]):
        for other in range(one + 1, places.shape[1]):
            apart = np.abs(places[:, one] - places[:, other])
            fits = (apart > (sizes[:, one] + sizes[:, other])[:, None] // 2).any(1)
            if other == one + 1:
                fits &= np.abs(apart[:, 0] - apart[:, 1]) >= APART
            found &= fits | ~there[:, other]
    return found


def _relations(places: Integers) -> Integers:
    """Return how each shape lies to the next, (B, most - 1), as a number in :data:`RELATIONS`."""
    down, right = np.moveaxis(places[:, 1:] - places[:, :-1], -1, 0)
    return np.where(np.abs(right) > np.abs(down), np.where(right > 0, 0, 1), np.where(down > 0, 2, 3))


def _pictures(
    colours: Integers,
    shapes: Integers,
    sizes: Integers,
    places: Integers,
    counts: Integers,
    stream: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw scenes, (B, 24, 24, 3), on grounds that are more or less dark."""
    size = len(counts)
    pictures = np.tile(stream.uniform(0, 0.2, (size, 1, 1, 1)), (1, SIDE, SIDE, 3))
    down, right = np.indices((SIDE, SIDE))
    for number in range(sizes.shape[1]):
        row, column = (places[:, number, axis, None, None] for axis in (0, 1))
        inside = _covers(down - row, right - column, sizes[:, number, None, None] // 2)
        shown = np.take_along_axis(inside, shapes[None, :, number, None, None], 0)[0]
        shown &= (number < counts)[:, None, None]
        colour = np.array(list(COLOURS.values()))[colours[:, number]] + stream.uniform(-0.1, 0.1, (size, 3))
        pictures[shown] = np.repeat(colour, shown.sum((1, 2)), 0)
    pictures += stream.normal(0, 0.03, pictures.shape)
    return pictures.clip(0, 1).astype(np.float32)


def _covers(down: Integers, right: Integers, half: Integers) -> NDArray[np.bool_]:
    """Say of pixels which shapes about (0, 0) cover them, in the order of :data:`SHAPES`: (4, ...)."""
    box = (np.abs(down) <= half) & (np.abs(right) <= half)
    circle = down**2 + right**2 <= (half + 0.4) ** 2
    triangle = 2 * np.abs(right) <= down + half
    bar = half // 3
    cross = (np.abs(down) <= bar) | (np.abs(right) <= bar)
    return np.stack([box & circle, box, box & triangle, box & cross])
