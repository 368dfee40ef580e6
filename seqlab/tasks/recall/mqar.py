"""Multi-query associative recall: which value belongs to this key? It is asked again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task

BLANK = 0
POWER = 0.01
"""Exponent of the power law by which questions follow soon after the pairs: p(gap) ~ gap^(POWER - 1)."""


class MQAR(Task):
    """Read ``pairs`` of a key and its value, then say for each key, when it comes again, what its value was.

        inputs    k(1) v(1) k(2) v(2) ... k(P) v(P)   blank  k(2)  blank blank  k(1) ...
        targets                                              v(2)               v(1)

    Keys are drawn from 1 to S/2 - 1, values from S/2 to S - 1, no one twice in a sequence; 0 is the blank.
    Each key is asked for once, at an even distance behind the pairs; of the (T - 2 P) / 2 places, place g
    (from 1) is drawn with a weight of g^(0.01 - 1), without replacement. Only questions count.

    What can be recalled is bounded by the state: a network that must pack P pairs into a vector of fixed size
    falls behind one that keeps all it has read.

    Args:
        length: T, steps of a sequence; at least four for a pair.
        pairs: P.
        symbols: S, the blank, keys and values.
        filler: what stands where nothing is asked: blanks, or any symbols at random, keys among them.

    Source:
        Arora et al., "Zoology: measuring and improving recall in efficient language models", 2023, with 8,192
        symbols and (length, pairs) of (64, 4), (128, 8), (256, 16) and (512, 64).

    >>> batch = MQAR(length=12, pairs=2, symbols=16).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[ 4,  9,  1, 14,  0,  0,  1,  0,  0,  0,  4,  0]]), tensor([14,  9]))
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=4, le=1_000_000)] = 64,
        pairs: Annotated[int, Field(ge=1, le=100_000)] = 4,
        symbols: Annotated[int, Field(ge=4, le=100_000)] = 256,
        filler: Literal["blank", "random"] = "blank",
    ) -> None:
        if length < 4 * pairs:
            raise SettingsError(
                f"task.pairs is {pairs}, but {length} steps have room for {length // 4} that are asked for.",
                hint=f"Take task.length={4 * pairs}, or longer.",
            )
        if pairs > symbols // 2 - 1:
            raise SettingsError(
                f"task.pairs is {pairs}, but of {symbols} symbols only {symbols // 2 - 1} are keys.",
                hint=f"Take task.symbols={2 * pairs + 2}, or more.",
            )
        self.length, self.pairs, self.alphabet, self.filler = length, pairs, symbols, filler
        self.spec = Spec("tokens", symbols, "classes", symbols, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, T), of which the questions count."""
        stream = numpy_stream(seed, "mqar", split, index)
        first, count, half = 2 * self.pairs, self.pairs, self.alphabet // 2
        keys = 1 + _different(stream, size, half - 1, count)
        values = half + _different(stream, size, self.alphabet - half, count)
        inputs = np.full((size, self.length), BLANK)
        if self.filler == "random":
            inputs = stream.integers(0, self.alphabet, inputs.shape)
        inputs[:, :first:2], inputs[:, 1:first:2] = keys, values
        gap = np.arange(1, (self.length - first) // 2 + 1)
        # The places with the greatest log-weight plus Gumbel noise are drawn without replacement.
        order = (POWER - 1) * np.log(gap) + stream.gumbel(size=(size, len(gap)))
        places = first + 2 * np.argsort(-order, 1)[:, :count]
        np.put_along_axis(inputs, places, keys, 1)
        targets, mask = np.zeros_like(inputs), np.zeros(inputs.shape, dtype=bool)
        np.put_along_axis(targets, places, values, 1)
        np.put_along_axis(mask, places, True, 1)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


def _different(stream: np.random.Generator, rows: int, of: int, count: int) -> NDArray[np.int64]:
    """Return in each row ``count`` different numbers below ``of``, in any order."""
    return stream.random((rows, of), np.float32).argsort(1)[:, :count]


def recall(inputs: Sequence[int], pairs: int) -> dict[int, int]:
    """Return by its step the answer to each question of a sequence with blanks, by reading it.

    >>> recall([3, 9, 5, 12, 0, 0, 5, 0, 3], pairs=2)
    {6: 12, 8: 9}
    """
    known = {inputs[2 * pair]: inputs[2 * pair + 1] for pair in range(pairs)}
    return {step: known[key] for step, key in enumerate(inputs) if step >= 2 * pairs and key in known}
