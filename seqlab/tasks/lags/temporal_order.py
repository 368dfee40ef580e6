"""Temporal order: in which order did X and Y appear, two of them among many distractors?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task

SYMBOLS = "XYabcdBE"
"""Tokens 0 to 7: the two that matter, four distractors, begin and end."""

CLASSES = "QRSU"
"""Classes 0 to 3: XX -> Q, XY -> R, YX -> S, YY -> U."""

X, DISTRACTORS, BEGIN, END = 0, (2, 6), 6, 7


@dataclass(frozen=True)
class Ranges:
    """Where a level draws from; both ends are included, positions count from 0."""

    length: tuple[int, int]
    t1: tuple[int, int]
    t2: tuple[int, int]


LEVELS = {
    "easy": Ranges(length=(7, 8), t1=(1, 2), t2=(4, 5)),
    "normal": Ranges(length=(30, 40), t1=(2, 5), t2=(20, 27)),
    "moderate": Ranges(length=(60, 80), t1=(10, 20), t2=(45, 54)),
    "hard": Ranges(length=(100, 110), t1=(10, 20), t2=(50, 60)),
    "nightmare": Ranges(length=(300, 500), t1=(10, 80), t2=(250, 290)),
}


class TemporalOrder(Task):
    """Classify a sequence by the order of its two relevant symbols.

    A sequence starts with B and ends with E; positions t1 and t2 hold X or Y, each with probability 1/2; all
    others hold a, b, c or d. Length, t1 and t2 are uniform in the ranges of the level (:data:`LEVELS`). The
    class, named by the pair, is asked for at the last step; guessing is right 1 time in 4.

    Padding stands in front. A batch is one step wider than the level's longest sequence, so it is (32, 9) at
    easy, where sequences have 7 or 8 symbols: the lecture pads to the upper bound of its range of lengths,
    which that range does not contain.

    Args:
        difficulty: the level.

    Source:
        NYU 6-3; Hochreiter & Schmidhuber 1997, experiment 6a (the level hard; begin and end swapped).

    >>> batch = TemporalOrder(difficulty="easy").batch("train", 0, size=32, seed=1)
    >>> batch.inputs.shape, batch.targets.shape
    (torch.Size([32, 9]), torch.Size([32]))
    """

    symbols, answers = tuple(SYMBOLS), tuple(CLASSES)
    packed_by = "temporal_order"

    def __init__(
        self, *, difficulty: Literal["easy", "normal", "moderate", "hard", "nightmare"] = "easy"
    ) -> None:
        level = LEVELS[difficulty]
        self.width = level.length[1] + 1
        ranges = np.array([level.length, level.t1, level.t2, (0, 1), (0, 1)])  # the last two: X or Y
        self._low, self._choices = ranges[:, :1], ranges[:, 1:] - ranges[:, :1] + 1  # (5, 1) each
        self.spec = Spec("tokens", len(SYMBOLS), "classes", len(CLASSES), causal=False)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, longest + 1), one class for each row."""
        stream = numpy_stream(seed, "temporal-order", split, index)
        drawn = self._low + (stream.random((5, size)) * self._choices).astype(np.int64)
        length, t1, t2, first, second = drawn  # (B,) each; first and second are 0 for X, 1 for Y

        tokens = stream.integers(*DISTRACTORS, (size, self.width), dtype=np.int8)
        rows, start = np.arange(size), self.width - length
        tokens[np.arange(self.width) < start[:, None]] = PAD
        tokens[rows, start] = BEGIN
        tokens[rows, start + t1] = X + first
        tokens[rows, start + t2] = X + second
        tokens[:, -1] = END

        mask = np.zeros((size, self.width), dtype=bool)
        mask[:, -1] = True
        return Batch(
            torch.from_numpy(tokens.astype(np.int64)),
            torch.from_numpy(2 * first + second),
            torch.from_numpy(mask),
        )


def classify(text: str) -> str:
    """Return the class of a sequence of symbols, by reading it.

    >>> classify("BbXcXcbE")
    'Q'
    """
    relevant = "".join(symbol for symbol in text if symbol in "XY")
    return {"XX": "Q", "XY": "R", "YX": "S", "YY": "U"}[relevant]


def is_legal(text: str, difficulty: str) -> bool:
    """Say whether a level can produce a sequence, by checking every rule one after the other.

    >>> is_legal("BbXcXcbE", "easy"), is_legal("BXXccbE", "easy")
    (True, False)
    """
    ranges = LEVELS[difficulty]
    if not ranges.length[0] <= len(text) <= ranges.length[1]:
        return False
    if text[0] != "B" or text[-1] != "E":
        return False
    relevant = [position for position, symbol in enumerate(text) if symbol in "XY"]
    if len(relevant) != 2:
        return False
    if not ranges.t1[0] <= relevant[0] <= ranges.t1[1]:
        return False
    if not ranges.t2[0] <= relevant[1] <= ranges.t2[1]:
        return False
    return all(symbol in "abcdXY" for symbol in text[1:-1])


def encode(text: str) -> NDArray[np.int64]:
    """Return the tokens of a sequence of symbols.

    >>> encode("BXE")
    array([6, 0, 7])
    """
    return np.array([SYMBOLS.index(symbol) for symbol in text], dtype=np.int64)


def decode(row: ArrayLike) -> str:
    """Return the symbols of a row of tokens, without its padding.

    >>> decode([PAD, 6, 0, 7])
    'BXE'
    """
    return "".join(SYMBOLS[token] for token in np.asarray(row).tolist() if token != PAD)
