"""Where in a picture a model looks at each word that it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.analysis.alignment import look_while_writing, wanted_of
from seqlab.analysis.symbols import answer_names
from seqlab.contracts import BOXES, Batch, Spec
from seqlab.errors import UsageError
from seqlab.models import SequenceModel
from seqlab.tasks import Task


@dataclass(frozen=True)
class Caption:
    """A picture of R x C pixels, and T words that were written about it, the end included.

    Attributes:
        picture: (R, C, features), from 0 to 1.
        written: the words.
        wanted: the right words as text, where they are known.
        probability: of each word behind those before it, (T,).
        weights: by the name of what looks, (T, S), which sum to 1 over the places.
        centres: the pixel that each place is centred on, (S, 2): row and column.
        boxes: where stands what the right words name, (T, 4), as in the note of a batch; where that is known.
    """

    picture: NDArray[np.float32]
    written: tuple[str, ...]
    wanted: str | None
    probability: NDArray[np.float64]
    weights: Mapping[str, NDArray[np.float64]]
    centres: NDArray[np.int64]
    boxes: NDArray[np.int64] | None

    def over_pixels(self, name: str) -> NDArray[np.float64]:
        """Return the weights of what looks, (T, R, C): each pixel has that of the place that is nearest."""
        grid = [np.unique(along) for along in self.centres.T]
        near = [
            np.abs(np.arange(size)[:, None] - along).argmin(1)
            for size, along in zip(self.picture.shape, grid, strict=False)
        ]
        shaped = self.weights[name].reshape(-1, *map(len, grid))
        return shaped[:, near[0][:, None], near[1]]

    def peaks(self, name: str) -> NDArray[np.int64]:
        """Return the pixel that the place with the greatest weight is centred on, (T, 2)."""
        found: NDArray[np.int64] = self.centres[self.weights[name].argmax(1)]
        return found

    def is_on_it(self, name: str) -> list[bool | None]:
        """Say of each word whether that pixel is of what is named; None where nothing is known to be."""
        if self.boxes is None:
            return [None] * len(self.written)
        hits = within(self.peaks(name), self.boxes)
        return [bool(hit) if box.any() else None for hit, box in zip(hits, self.boxes, strict=True)]

    def to_rows(self) -> Iterator[Sequence[object]]:
        """Yield a heading and then a row for each weight, for a CSV file."""
        yield "attention", "step", "written", "row", "column", "weight"
        for name, weights in self.weights.items():
            for step, word in enumerate(self.written):
                for (row, column), weight in zip(self.centres.tolist(), weights[step], strict=True):
                    yield name, step, word, row, column, round(float(weight), 6)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "written": list(self.written),
            "wanted": self.wanted,
            "probability": self.probability.tolist(),
            "centres": self.centres.tolist(),
            "weights": {name: weights.tolist() for name, weights in self.weights.items()},
            "boxes": None if self.boxes is None else self.boxes.tolist(),
        }


@dataclass(frozen=True)
class Found:
    """How often a model looks at what it names.

    Attributes:
        shares: by the name of what looks the share of words at which the place with the greatest weight is
            centred within what is named.
        chance: the share that a place drawn at random would come to.
        words: that name something, in the captions of the test set that were looked at.
        captions: how many these are.
    """

    shares: Mapping[str, float]
    chance: float
    words: int
    captions: int


def picture_of(spec: Spec) -> str | None:
    """Return the name of the picture that is known before the first step; None where none is."""
    return next((name for name, signal in spec.context.items() if signal.is_picture), None)


@torch.no_grad()
def read_caption(task: Task, model: SequenceModel, batch: Batch, *, is_answered: bool) -> Caption:
    """Let a model write about a picture, and say where it looked.

    Args:
        task: with a picture as context; its answers are written.
        model: put into evaluation mode.
        batch: of one row.
        is_answered: whether its targets are the right answer.

    Raises:
        UsageError: when the model does not look anywhere.
    """
    name = picture_of(task.spec)
    assert name is not None
    looked = look_while_writing(model, task.spec, batch)
    if not looked.weights:
        raise _blind()
    picture, names = batch.context[name][0].numpy(), answer_names(task)
    boxes = None
    if is_answered and BOXES in batch.notes and batch.mask is not None:
        boxes = _fitted(batch.notes[BOXES][batch.mask].numpy(), len(looked.symbols))
    return Caption(
        picture,
        tuple(names[symbol] for symbol in looked.symbols),
        wanted_of(task, batch) if is_answered else None,
        looked.probability,
        looked.weights,
        np.array(model.centres(*picture.shape[:2])),
        boxes,
    )


@torch.no_grad()
def find_named(task: Task, model: SequenceModel, captions: int, seed: int) -> Found | None:
    """Count how often a model looks at what it names, the right words shown; None where that is not known.

    Args:
        task: as in :func:`read_caption`.
        model: put into evaluation mode.
        captions: of the test set, at most.
        seed: of the test set.

    Raises:
        UsageError: when the model does not look anywhere.
    """
    name = picture_of(task.spec)
    assert name is not None
    hits: dict[str, int] = {}
    chance, words, seen = 0.0, 0, 0
    model.eval()
    for batch in task.evaluation("test", captions, seed):
        if BOXES not in batch.notes:
            return None
        boxes = batch.notes[BOXES]
        names = boxes.any(-1)  # (B, T)
        found = model.alignments(batch.inputs, model.start(batch.context, len(batch.inputs)))
        if not found:
            raise _blind()
        centres = np.array(model.centres(*batch.context[name].shape[1:3]))
        for key, weights in found.items():
            peaks = centres[weights[names].argmax(-1).numpy()]
            hits[key] = hits.get(key, 0) + int(within(peaks, boxes[names].numpy()).sum())
        chance += float(within(centres, boxes[names].numpy()[:, None]).mean(1).sum())
        words += int(names.sum())
        seen += len(boxes)
    if not words:
        return None
    return Found({key: count / words for key, count in hits.items()}, chance / words, words, seen)


def within(pixels: NDArray[np.int64], boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of pixels (..., 2) whether they lie in boxes (..., 4).

    >>> within(np.array([3, 8]), np.array([[3, 8, 4, 9], [0, 0, 3, 9]])).tolist()
    [True, False]
    """
    inside = (boxes[..., :2] <= pixels) & (pixels < boxes[..., 2:])
    return np.asarray(inside.all(-1))


def _fitted(boxes: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Return boxes of so many steps, where more or fewer words were written than are right."""
    found = np.zeros((steps, 4), np.int64)
    found[: len(boxes)] = boxes[:steps]
    return found


def _blind() -> UsageError:
    return UsageError(
        "This model does not look at parts of the picture, so there is nothing to show of where it looks.",
        hint="Train one on the same task that does: --model 'captioner[attention=soft]'",
    )
