"""Which parts of a picture a model sees or changes, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seqlab.analysis.captions import picture_of, within
from seqlab.analysis.symbols import answer_names
from seqlab.contracts import BOXES, Batch, State
from seqlab.models import SequenceModel
from seqlab.tasks import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """A picture of R x C pixels, and what a model made of it in T steps.

    Attributes:
        picture: (R, C, features), from 0 to 1.
        windows: by the name of what sees or changes, (T, N, 4): upper, left, lower and right edge of N
            windows in pixels, the first of which goes from 0 to 1.
        paid: after each step, in nats, (T,).
        said: what would be answered after each step, (T,); nothing where answers are no classes.
        probability: of that, (T,).
        wanted: the right answer, where it is one of several and known.
        drawn: the picture that is answered at each step, (T, R, C, features), from 0 to 1, where answers are
            its pixels.
        missing: the cross-entropy of all its pixels, in nats, (T,).
    """

    picture: NDArray[np.float32]
    windows: Mapping[str, Array]
    paid: Array
    said: tuple[str, ...] = ()
    probability: Array = field(default_factory=lambda: np.zeros(0))
    wanted: str | None = None
    drawn: Array | None = None
    missing: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def steps(self) -> int:
        """T."""
        return len(self.said) if self.drawn is None else len(self.drawn)

    def middles(self, name: str) -> Array:
        """Return the middle of the first window of what has this name, (T, 2): row and column in pixels."""
        edges = self.windows[name][:, 0]
        return (edges[:, :2] + edges[:, 2:]) / 2

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "windows": {name: edges.tolist() for name, edges in self.windows.items()},
            "said": list(self.said),
            "probability": self.probability.tolist(),
            "wanted": self.wanted,
            "drawn": None if self.drawn is None else self.drawn.tolist(),
            "paid": self.paid.tolist(),
            "missing": self.missing.tolist(),
        }


@dataclass(frozen=True)
class Found:
    """How often a model looks at what it is asked for.

    Attributes:
        shares: by the name of what looks and by step, (T,), the share of pictures in which the middle of the
            first window is on what is asked for.
        pictures: of the test set.
    """

    shares: Mapping[str, Sequence[float]]
    pictures: int


def to_rows(paths: Mapping[str, Path]) -> Iterator[Sequence[object]]:
    """Yield a heading and then a row for each window, for a CSV file.

    Args:
        paths: by what their pictures are called.
    """
    yield "picture", "window", "step", "number", "top", "left", "bottom", "right"
    for label, path in paths.items():
        for name, windows in path.windows.items():
            for step, steps in enumerate(windows):
                for window, edges in enumerate(steps.tolist()):
                    yield label, name, step, window, *(round(edge, 4) for edge in edges)


@torch.no_grad()
def follow(task: Task, model: SequenceModel, batch: Batch, *, is_answered: bool) -> Path:
    """Let a model read a batch of one row, and say what it saw or changed.

    Args:
        task: with a picture as context.
        model: one with windows; put into evaluation mode.
        batch: of one row, without padding.
        is_answered: whether its targets are the right answer.
    """
    model.eval()
    name = picture_of(task.spec)
    assert name is not None
    picture, start = batch.context[name][0].numpy(), model.start(batch.context, 1)
    windows = model.windows(batch.inputs, start)
    outputs, paid = _read_by_steps(model, batch.inputs, start)
    path = Path(picture, {key: edges[0].double().numpy() for key, edges in windows.items()}, paid=paid)
    if task.spec.outputs == "classes":
        names = answer_names(task)
        shares, which = outputs.softmax(-1).max(-1)
        wanted = names[int(batch.targets.flatten()[-1])] if is_answered else None
        said = tuple(names[label] for label in which.tolist())
        return replace(path, said=said, probability=shares.numpy(), wanted=wanted)
    pixels = torch.from_numpy(picture).double().flatten().expand_as(outputs)
    missing = F.binary_cross_entropy_with_logits(outputs, pixels, reduction="none").sum(-1)
    drawn = outputs.sigmoid().numpy().reshape(-1, *picture.shape)
    return replace(path, drawn=drawn, missing=missing.numpy())


def _read_by_steps(model: SequenceModel, inputs: Tensor, state: State) -> tuple[Tensor, Array]:
    """Return the outputs of a row, (T, O), and what is paid after each step, (T,)."""
    outputs, costs = [], []
    for symbol in inputs.unbind(1):
        answer, state = model(symbol[:, None], state)
        paid = model.paid(state)
        outputs.append(answer[0, 0].double())
        costs.append(0.0 if paid is None else float(paid[0]))
    return torch.stack(outputs), np.array(costs)


@torch.no_grad()
def find_looks(task: Task, model: SequenceModel, sequences: int, seed: int) -> Found | None:
    """Count how often a model looks at what it is asked for; None where the task does not say where that is.

    Args:
        task: with a picture as context.
        model: one with windows; put into evaluation mode.
        sequences: of the test set.
        seed: of the random streams.
    """
    model.eval()
    hits: dict[str, list[NDArray[np.bool_]]] = {}
    for batch in task.evaluation("test", sequences, seed):
        if BOXES not in batch.notes:
            return None
        boxes = batch.notes[BOXES].numpy()  # (B, T, 4)
        found = model.windows(batch.inputs, model.start(batch.context, len(batch.inputs)))
        for name, edges in found.items():
            middles = ((edges[:, :, 0, :2] + edges[:, :, 0, 2:]) / 2).floor().numpy()
            hits.setdefault(name, []).append(within(middles, boxes))
    shares = {name: np.concatenate(parts).mean(0).tolist() for name, parts in hits.items()}
    return Found(shares, sum(map(len, next(iter(hits.values())))))
