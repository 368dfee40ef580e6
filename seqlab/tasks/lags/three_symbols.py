"""Three symbols: in which order did X and Y appear, three of them among many distractors?"""

from __future__ import annotations

import numpy as np
import torch

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task

SYMBOLS = "XYabcdBE"
"""Tokens 0 to 7: the two that matter, four distractors, begin and end."""

ORDERS = ("XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY")
"""Classes 0 to 7, which the paper calls Q, R, S, U, V, A, B, C."""

DISTRACTORS, BEGIN, END = (2, 6), 7, 6
LENGTHS, PLACES = (100, 110), ((10, 20), (33, 43), (66, 76))
"""Both ends are included, positions count from 0."""

_FIRST = np.array([[first] for first, _ in PLACES])
"""The first place of each relevant symbol, (3, 1)."""

_CHOICES = np.array([[count] for first, last in PLACES for count in (2, last - first + 1)])
"""Of how many each relevant symbol, 0 for X or 1 for Y, then its place are drawn: (6, 1)."""

_WEIGHTS = 2 ** np.arange(len(PLACES))[::-1]
"""An order is the number that its symbols make in base 2."""


class ThreeSymbols(Task):
    """Classify a sequence by the order of its three relevant symbols.

    A sequence starts with E and ends with B, as the paper has it; positions t1, t2 and t3 hold X or Y, each
    with probability 1/2; all others hold a, b, c or d. The length is uniform in [100, 110], t1 in [10, 20],
    t2 in [33, 43], t3 in [66, 76]. One of eight classes is asked for at the last step. With two symbols the
    task is temporal-order.

    Source:
        Hochreiter & Schmidhuber 1997, experiment 6b.

    >>> batch = ThreeSymbols().batch("train", 0, size=4, seed=1)
    >>> batch.inputs.shape, ORDERS[batch.targets[0]]
    (torch.Size([4, 110]), 'YYX')
    """

    symbols, answers = tuple(SYMBOLS), ORDERS

    def __init__(self) -> None:
        self.spec = Spec("tokens", len(SYMBOLS), "classes", len(ORDERS), causal=False)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, 110) with padding in front, one class for each row."""
        stream, (shortest, width) = numpy_stream(seed, "three-symbols", split, index), LENGTHS
        start = width - stream.integers(shortest, width, size, endpoint=True)
        tokens = stream.integers(*DISTRACTORS, (size, width))
        front = tokens[:, : width - shortest]
        np.copyto(front, PAD, where=np.arange(width - shortest) < start[:, None])
        start += np.arange(0, size * width, width)  # counted through all rows
        tokens.put(start, BEGIN)
        drawn = stream.integers(_CHOICES.repeat(size, 1))  # (6, B)
        symbols, places = drawn[::2], drawn[1::2] + _FIRST
        tokens.put(start + places, symbols)
        tokens[:, -1] = END
        mask = np.zeros((size, width), dtype=bool)
        mask[:, -1] = True
        return Batch(torch.from_numpy(tokens), torch.from_numpy(_WEIGHTS @ symbols), torch.from_numpy(mask))


def classify(text: str) -> str:
    """Return the order of the relevant symbols of a sequence, by reading it.

    >>> classify("EbXcYcXaB")
    'XYX'
    """
    return "".join(symbol for symbol in text if symbol in "XY")
