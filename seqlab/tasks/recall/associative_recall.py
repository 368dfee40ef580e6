"""Associative recall: read items one by one, then say which came after the one that is shown again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._judging import Trial
from seqlab.tasks.recall._bits import Bits


class AssociativeRecall(Bits):
    """Read K items, each of L vectors of W bits behind a mark; one of them is shown again: say the next.

        inputs    | item(1) | item(2) ... | item(K)  ? item(i) ?   0 ...
        targets                                                    item(i + 1)

    An input has the W random bits, one for the mark of an item (|), one for that of the question (?). K is
    uniform in [2, items], and i in [1, K - 1]; the rows of a batch share K. A memory that finds a slot by its
    content, and then goes on to the next, does it for any K.

    Args:
        items: the greatest K.
        item_length: L.
        bits: W.
        exactly: whether K is always the greatest, as where it is judged on more items.

    Source:
        Graves, Wayne & Danihelka, "Neural Turing machines", 2014: three vectors of 6 bits, 2 to 6 items,
        tested on more.

    >>> task = AssociativeRecall(items=2, item_length=1, bits=1)
    >>> batch = task.batch("train", 0, size=1, seed=1)
    >>> batch.inputs[0, :, 0].tolist(), batch.targets[batch.mask].tolist()
    ([0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [[0.0]])
    """

    trials = tuple(Trial(f"items-{items}", {"items": items, "exactly": True}) for items in (6, 10, 15, 20))

    def __init__(
        self,
        *,
        items: Annotated[int, Field(ge=2, le=1_000)] = 6,
        item_length: Annotated[int, Field(ge=1, le=1_000)] = 3,
        bits: Annotated[int, Field(ge=1, le=1_000)] = 6,
        exactly: bool = False,
    ) -> None:
        if items > 2 ** min(60, item_length * bits):
            raise SettingsError(
                f"task.items is {items}, and of {item_length} x {bits} bits there are only "
                f"{2 ** (item_length * bits)} different items.",
                hint="Take more task.bits: two equal items could both be meant.",
            )
        self.items, self.item_length, self.bits, self.exactly = items, item_length, bits, exactly
        self.spec = Spec("features", bits + 2, "bits", bits, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, (K + 1)(L + 1) + 1 + L, W + 2)."""
        stream = numpy_stream(seed, "associative-recall", split, index)
        count = int(stream.integers(2, self.items + 1))
        count, length = self.items if self.exactly else count, self.item_length
        items = self._different(stream, size, count)
        asked = stream.integers(0, count - 1, size)
        rows, end = np.arange(size), count * (length + 1)
        inputs = np.zeros((size, end + 2 * length + 2, self.bits + 2), np.float32)
        listed = inputs[:, :end].reshape(size, count, length + 1, -1)
        listed[:, :, 0, -2], listed[:, :, 1:, :-2] = 1, items
        inputs[:, [end, end + length + 1], -1] = 1
        inputs[:, end + 1 : end + length + 1, :-2] = items[rows, asked]
        targets, mask = np.zeros_like(inputs[:, :, :-2]), np.zeros(inputs.shape[:2], dtype=bool)
        targets[:, -length:], mask[:, -length:] = items[rows, asked + 1], True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    def _different(self, stream: np.random.Generator, size: int, count: int) -> np.ndarray:
        """Return items (B, K, L, W), of which no two of a row are the same."""
        shape = (count, self.item_length, self.bits)
        possible = 2 ** min(60, self.item_length * self.bits)
        if possible < count**2:  # of so few, most rows would hold two that are the same, however often drawn
            chosen = np.stack([stream.choice(possible, count, replace=False) for _ in range(size)])
            bits = chosen[..., None] >> np.arange(self.item_length * self.bits) & 1
            return bits.reshape(size, *shape).astype(np.float32)
        items = stream.integers(0, 2, (size, *shape)).astype(np.float32)
        for row in items:
            while len({item.tobytes() for item in row}) < count:
                row[:] = stream.integers(0, 2, shape)
        return items


def recall(lines: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the item that is asked for, by reading the lines one by one.

    >>> recall([[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
    [[0]]
    """
    items, questions = list[list[list[int]]](), 0
    question = list[list[int]]()
    for *bits, is_item, is_question in lines:
        questions += is_question
        if is_item:
            items.append([])
        elif questions == 0:
            items[-1].append(bits)
        elif questions == 1 and not is_question:
            question.append(bits)
    return items[items.index(question) + 1]
