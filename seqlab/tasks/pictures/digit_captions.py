"""A row of digits on a canvas, described in words from left to right."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from seqlab.contracts import BOXES, PAD, Batch, Signal, Spec, Split, Written, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Trial
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import Form, Pixels
from seqlab.tasks.pictures._idx import Bytes
from seqlab.tasks.pictures._images import absolute, load_images
from seqlab.tasks.pictures._turning import turned

PICTURE = "picture"
"""What the context is called."""

BEGIN, END = "<begin>", "<end>"


class DigitCaptions(Task):
    """See a few digits beside one another, and write their names from left to right: three one seven.

    Pictures of R x C pixels stand on a canvas with room for the most there may be and one more, half as high
    again; none covers another. How many, which, and where is drawn anew each time. Training, validation and
    test canvases show pictures of these splits; those of training are turned by up to 12 degrees and shifted
    by up to R / 32 pixels along each axis.

        context    picture   (B, 3 R / 2, (most + 1) C, 1), from 0 to 1
        inputs     V  y(1) ... y(n)          PAD in front; V is read as the begin and written as the end
        targets    y(1) ... y(n)  V

    A caption is right as a whole (``sequence_accuracy``) or not. Where each digit stands is
    in the notes of a batch, ``boxes``.

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

    metrics = (SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, LOSS)
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
        self.symbols, self.answers, count = (*names, BEGIN), (*names, END), len(names)
        rows, columns = self.images.size
        self.canvas = rows + rows // 2, (most + 1) * columns
        self.sees = Form(*self.canvas)
        self.spec = Spec(
            "tokens",
            count + 1,
            "classes",
            count + 1,
            causal=True,
            context={PICTURE: Signal("features", 1, ("row", "column"))},
            writes=Written(begin=count, end=count, longest=most + 1),
        )

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return canvases and their captions, as the class says."""
        stream, part = numpy_stream(seed, "digit-captions", split, index), self.images.parts[split]
        counts = stream.integers(self.fewest, self.most, size, endpoint=True)
        which = stream.integers(len(part), size=(size, self.most))
        pixels = part.pixels[which]  # (B, most, R, C)
        if split == "train" and self.turn:
            flat = pixels.reshape(-1, *self.images.size)
            pixels = turned(flat, 12, self.images.size[0] / 32, stream).reshape(pixels.shape)
        boxes = self._boxes(counts, stream)
        canvas = torch.from_numpy(self._canvases(pixels, boxes, counts))
        return self._described(part.labels[which], boxes, counts, canvas)

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a canvas of a user's; see :meth:`Task.see`."""
        assert self.spec.writes is not None
        begin = torch.tensor([[self.spec.writes.begin]])
        canvas = torch.from_numpy(pixels[None])
        return Batch(begin, torch.zeros_like(begin), torch.ones(1, 1).bool(), context={PICTURE: canvas})

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
        rows, columns = self.images.size
        canvases = np.zeros((len(counts), *self.canvas), np.float32)
        row, number = (np.arange(self.most) < counts[:, None]).nonzero()
        top, left = boxes[row, number, :2].T[..., None, None]
        down, right = top + np.arange(rows)[:, None], left + np.arange(columns)
        canvases[row[:, None, None], down, right] = pixels[row, number] / np.float32(255)
        return canvases[..., None]

    def _described(self, labels: Integers, boxes: Integers, counts: Integers, canvas: torch.Tensor) -> Batch:
        """Return a batch of as many steps as the longest caption has words, and one more for its end."""
        steps, begin = int(counts.max()) + 1, len(self.images.names)
        at = np.arange(steps) - (steps - 1 - counts[:, None])  # 0 at the first word, n at the end
        names, number = (at >= 0) & (at < counts[:, None]), np.clip(at, 0, self.most - 1)
        words = np.take_along_axis(labels, number, 1)
        targets = np.where(at < 0, 0, np.where(names, words, begin))
        before = np.concatenate([np.full((len(counts), 1), begin), targets[:, :-1]], 1)
        inputs = np.where(at < 0, PAD, np.where(at == 0, begin, before))
        named = np.take_along_axis(boxes, number[..., None], 1) * names[..., None]
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(targets),
            torch.from_numpy(at >= 0),
            context={PICTURE: canvas},
            notes={BOXES: torch.from_numpy(named)},
        )
