"""A digit in black and white, to be drawn again, step by step, after it has been told in a code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import LOSS, SEQUENCES, SHARE, Metric
from seqlab.tasks._passes import Integers, first_of_passes, in_passes
from seqlab.tasks._seeing import PICTURE, Form
from seqlab.tasks.pictures._images import absolute, load_images
from seqlab.tasks.pictures._turning import turned_a_little

ORDER = ("drawing",)
"""Of what random stream the order of a pass is."""

BOUND = Metric("bound", False, (0.0, None), "nats a picture")
CODE = Metric("code", None, (0.0, None), "nats of the code")
PIXELS = Metric("pixels", True, SHARE, "share of right pixels")


class DigitDrawing(Task):
    """See a picture in black and white, and draw it in so many steps; what is drawn at the last counts.

    The first figure, ``bound``, is in nats a picture, of all its pixels: the cross-entropy of the pixels, and
    what a model pays for the code that tells it which picture it is. Of a model that pays the
    Kullback-Leibler divergence, as ``draw``, that is an upper bound of minus the logarithm of the picture's
    probability, with one code drawn for each picture. Beside it stands what pixels cost that are drawn
    independently, each with its share of white.

        context    picture   (B, R, C, 1), 0 or 1
        inputs     0 0 ... 0                 a symbol for each step, which says nothing
        targets    the pixels, row by row, asked for at the last

    Pictures come in passes, each of which has all of a split once; where more sequences are asked for than
    there are pictures, they come again. A pixel is white where its shade is above a half, or, with
    ``white=drawn``, with the probability of its shade, anew each time. Those of training are shifted
    and turned a little.

    Args:
        steps: how many.
        white: how pixels become black or white.
        images: as of ``sequential-digits``.
        turn: whether training pictures are turned by up to 12 degrees and shifted by up to R / 32 pixels.

    Raises:
        TextError: when the pictures are not there, or not in that format.

    Source:
        Gregor et al., "DRAW: a recurrent neural network for image generation", 2015, of MNIST with pixels
        drawn once.

    >>> task = DigitDrawing(steps=4)
    >>> batch = task.batch("test", 0, size=1, seed=1)
    >>> tuple(batch.context["picture"].shape), tuple(batch.targets.shape), float(batch.targets[0, -1].sum())
    ((1, 8, 8, 1), (1, 4, 64), 27.0)
    """

    metrics = (BOUND, CODE, PIXELS, SEQUENCES, LOSS)
    reads = "images"

    def __init__(
        self,
        *,
        steps: Annotated[int, Field(ge=1, le=1000)] = 10,
        white: Literal["half", "drawn"] = "half",
        images: Annotated[str, AfterValidator(absolute)] = "digits",
        turn: bool = True,
    ) -> None:
        self.steps, self.white, self.turn, self.images = steps, white, turn, load_images(images)
        self.data = self.images.data
        rows, columns = self.images.size
        context = {PICTURE: Form(rows, columns).signal}
        self.spec = Spec("tokens", 1, "bits", rows * columns, causal=True, context=context)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` pictures of a pass, in black and white."""
        part = self.images.parts[split]
        which = in_passes(ORDER, len(part), index, size, split, seed)
        stream = numpy_stream(seed, "digit-drawing", split, index)
        return self._batch(split, which, stream)

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the first so many pictures of passes."""
        count = len(self.images.parts[split])
        for number, which in first_of_passes(ORDER, count, sequences, split, seed):
            yield self._batch(split, which, numpy_stream(seed, "digit-drawing", split, number))

    def _batch(self, split: Split, which: Integers, stream: np.random.Generator) -> Batch:
        pixels = self.images.parts[split].pixels[which]
        if split == "train" and self.turn:
            pixels = turned_a_little(pixels, stream)
        shades = pixels / np.float32(255)
        above = stream.random(shades.shape, np.float32) if self.white == "drawn" else np.float32(0.5)
        return self._shown(torch.from_numpy((shades > above).astype(np.float32))[..., None])

    def _shown(self, picture: Tensor) -> Batch:
        """Return a batch that wants pictures, (B, R, C, 1), to be drawn again."""
        inputs = torch.zeros(len(picture), self.steps, dtype=torch.int64)
        mask = torch.zeros(inputs.shape, dtype=torch.bool)
        mask[:, -1] = True
        targets = picture.flatten(1)[:, None].repeat(1, self.steps, 1)
        return Batch(inputs, targets, mask, context={PICTURE: picture})

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many pictures are drawn as there are."""
        return len(self.images.parts["train"]) / size

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return what a picture costs, and how much of that is its code."""
        found = super().figures(total)
        count = total["sequences"]
        figures = {"bound": found["loss"] * total["targets"] / count, "sequences": int(count)}
        if "paid" in total:
            figures["code"] = total["paid"] / count
        return figures | {"pixels": found["accuracy"], "loss": found["loss"]}
