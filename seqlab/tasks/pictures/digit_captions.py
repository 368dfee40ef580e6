"""A row of digits on a canvas, described in words from left to right."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._judging import Trial
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import Form
from seqlab.tasks.pictures._canvas import pasted
from seqlab.tasks.pictures._captions import Captions
from seqlab.tasks.pictures._idx import Bytes
from seqlab.tasks.pictures._images import absolute, load_images
from seqlab.tasks.pictures._turning import turned_a_little


class DigitCaptions(Captions):
    """See a few digits beside one another, and write their names from left to right: three one seven.

    Pictures of R x C pixels stand on a canvas with room for the most there may be and one more, half as high
    again; none covers another. How many, which, and where is drawn anew each time. Training, validation and
    test canvases show pictures of these splits; those of training are turned by up to 12 degrees and shifted
    by up to R / 32 pixels along each axis.

        context    picture   (B, 3 R / 2, (most + 1) C, 1), from 0 to 1
        inputs     V  y(1) ... y(n)          PAD in front; V is read as the begin and written as the end
        targets    y(1) ... y(n)  V

    A caption is right as a whole (``sequence_accuracy``) or not. Where each digit stands is in the notes of a
    batch, ``boxes``.

    Args:
        fewest: digits.
        most: digits.
        images: as of ``sequential-digits``.
        turn: whether training pictures are turned and shifted.

    Raises:
        TextError: when the pictures are not there, or not in that format.

    Source:
        One to many in CS231n-10 and Xu et al., "Show, attend and tell", 2015, on canvases made here.

    >>> task = DigitCaptions()
    >>> batch = task.batch("test", 0, size=1, seed=1)
    >>> tuple(batch.context["picture"].shape), " ".join(task.answers[word] for word in batch.targets[0])
    ((1, 12, 48, 1), 'two one nine <end>')
    """

    trials = (Trial("written", answers="greedy"),)
    reads = "images"

    def __init__(
        self,
        *,
        fewest: Annotated[int, Field(ge=1, le=20)] = 3,
        most: Annotated[int, Field(ge=1, le=20)] = 5,
        images: Annotated[str, AfterValidator(absolute)] = "digits",
        turn: bool = True,
    ) -> None:
        if fewest > most:
            raise SettingsError(
                f"task.fewest is {fewest}, which is more than task.most, {most}.",
                hint=f"Set task.most={fewest}, or more.",
            )
        self.fewest, self.most, self.turn, self.images = fewest, most, turn, load_images(images)
        self.data, names = self.images.data, self.images.names
        rows, columns = self.images.size
        self.canvas = rows + rows // 2, (most + 1) * columns
        self.finish(names, most, Form(*self.canvas))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return canvases and their captions, as the class says."""
        stream, part = numpy_stream(seed, "digit-captions", split, index), self.images.parts[split]
        counts = stream.integers(self.fewest, self.most, size, endpoint=True)
        which = stream.integers(len(part), size=(size, self.most))
        pixels = part.pixels[which]  # (B, most, R, C)
        if split == "train" and self.turn:
            pixels = turned_a_little(pixels, stream)
        boxes = self._boxes(counts, stream)
        return self.described(part.labels[which], boxes, counts, self._canvases(pixels, boxes, counts))

    def _boxes(self, counts: Integers, stream: np.random.Generator) -> Integers:
        """Draw where each digit stands, (B, most, 4)."""
        rows, columns = self.images.size
        number = np.arange(self.most)
        there = number < counts[:, None]
        free = self.canvas[1] - columns * counts[:, None]
        drawn = np.where(there, stream.random((len(counts), self.most)), 1.0)
        left = (np.sort(drawn, 1) * (free + 1)).astype(np.int64) + columns * number
        top = stream.integers(0, self.canvas[0] - rows + 1, left.shape)
        boxes = np.stack([top, left, top + rows, left + columns], -1)
        return np.where(there[..., None], boxes, 0)

    def _canvases(self, pixels: Bytes, boxes: Integers, counts: Integers) -> NDArray[np.float32]:
        row, number = (np.arange(self.most) < counts[:, None]).nonzero()
        shape = len(counts), *self.canvas
        return pasted(pixels[row, number], row, boxes[row, number, :2], shape)[..., None]
