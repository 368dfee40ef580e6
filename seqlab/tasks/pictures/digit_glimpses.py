"""A digit somewhere on a canvas, to be named after each of a few looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import BOXES, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCES
from seqlab.tasks._passes import Integers, first_of_passes, in_passes
from seqlab.tasks._seeing import PICTURE, Form, Pixels
from seqlab.tasks.pictures._canvas import pasted
from seqlab.tasks.pictures._images import absolute, load_images
from seqlab.tasks.pictures._turning import turned_a_little

ORDER = ("glimpses",)
"""Of what random stream the order of a pass is."""


class DigitGlimpses(Task):
    """Look a few times at a canvas on which a digit stands somewhere, and name it.

    A picture of R x C pixels stands on a canvas that is ``room`` times as high and wide, at a place drawn
    anew each time; with ``room=1`` it is the canvas. How much of it a look shows is the model's matter.

        context    picture   (B, room R, room C, 1), from 0 to 1
        inputs     0 0 ... 0                 a symbol for each look, which says nothing
        targets    the digit, at each look

    It is learned from the answer after each look, and judged after the last: accuracy and loss are those of
    the last answer.

    Pictures come in passes, each of which has all of a split once. Those of training are turned by up to 12
    degrees and shifted by up to R / 32 pixels along each axis. The notes of a batch have where the digit
    stands, the same at each step.

    Args:
        looks: how many.
        room: of the canvas; numbers with a fraction are rounded down to whole pixels.
        images: as of ``sequential-digits``.
        turn: whether training pictures are turned and shifted.

    Raises:
        TextError: when the pictures are not there, or not in that format.

    Source:
        Mnih et al., "Recurrent models of visual attention", 2014, of MNIST as it is and moved about canvases
        of 60 x 60.

    >>> task = DigitGlimpses(looks=3)
    >>> batch = task.batch("test", 0, size=1, seed=1)
    >>> tuple(batch.context["picture"].shape), [task.answers[digit] for digit in batch.targets[0]]
    ((1, 24, 24, 1), ['three', 'three', 'three'])
    """

    metrics = (ACCURACY, ERRORS, SEQUENCES, LOSS)
    reads = "images"

    def __init__(
        self,
        *,
        looks: Annotated[int, Field(ge=1, le=100)] = 6,
        room: Annotated[float, Field(ge=1, le=10)] = 3,
        images: Annotated[str, AfterValidator(absolute)] = "digits",
        turn: bool = True,
    ) -> None:
        self.looks, self.turn, self.images = looks, turn, load_images(images)
        self.answers, self.data = self.images.names, self.images.data
        rows, columns = self.images.size
        self.canvas = int(rows * room), int(columns * room)
        self.sees = Form(*self.canvas, fill=self.images.fill / room)
        context = {PICTURE: self.sees.signal}
        self.spec = Spec("tokens", 1, "classes", len(self.answers), causal=True, context=context)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return canvases, as the class says."""
        which = in_passes(ORDER, len(self.images.parts[split]), index, size, split, seed)
        return self._batch(split, which, numpy_stream(seed, "digit-glimpses", split, index))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield canvases with the first so many digits of passes."""
        count = len(self.images.parts[split])
        for number, which in first_of_passes(ORDER, count, sequences, split, seed):
            yield self._batch(split, which, numpy_stream(seed, "digit-glimpses", split, number))

    def _batch(self, split: Split, which: Integers, stream: np.random.Generator) -> Batch:
        part, size = self.images.parts[split], len(which)
        pixels = part.pixels[which]  # (B, R, C)
        if split == "train" and self.turn:
            pixels = turned_a_little(pixels, stream)
        boxes = self._boxes(size, stream)
        canvases = pasted(pixels, np.arange(size), boxes[:, :2], (size, *self.canvas))
        steps = torch.from_numpy(boxes)[:, None].repeat(1, self.looks, 1)
        labels = torch.from_numpy(part.labels[which])
        return Batch(
            torch.zeros(size, self.looks, dtype=torch.int64),
            labels[:, None].repeat(1, self.looks),
            context={PICTURE: torch.from_numpy(canvases[..., None])},
            notes={BOXES: steps},
        )

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as usual, of the answers after the last look."""
        last = replace(batch, inputs=batch.inputs[:, -1:], targets=batch.targets[:, -1:])
        return super().tally(outputs[:, -1:], last)

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a canvas of a user's; see :meth:`Task.see`."""
        inputs, mask = torch.zeros(1, self.looks, dtype=torch.int64), torch.zeros(1, self.looks).bool()
        mask[:, -1] = True
        return Batch(inputs, inputs, mask, context={PICTURE: torch.from_numpy(pixels[None])})

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return the digits."""
        return {"answer": [self.answers[label] for label in batch.targets[:, -1].tolist()]}

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures; with one answer a picture, a sequence is right where that is."""
        found = super().figures(total)
        del found["sequence_accuracy"]
        return found

    def _boxes(self, size: int, stream: np.random.Generator) -> Integers:
        """Draw where each digit stands, (B, 4)."""
        own = np.array(self.images.size)
        first = stream.integers(0, np.array(self.canvas) - own, (size, 2), endpoint=True)
        return np.concatenate([first, first + own], 1)
