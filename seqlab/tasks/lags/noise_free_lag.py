"""Noise-free lag: repeat the first symbol at the end of a long sequence, with noise in between or without."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task

LARGEST_ERROR = {"2a": 0.25, "2b": 0.25, "2c": 0.2}
"""A step is right where no output, a probability, is further from its target (0 or 1) than this."""

GOES_ON = 0.9
"""In 2c, the probability of one more distractor."""


class NoiseFreeLag(Task):
    """Read x or y, then many other symbols, and say at the end which of the two it was.

    With p other symbols a(1), a(2), ... there are three variants:

    - ``2a``: (s, a(1), a(2), ..., a(p-1), s), s being x or y: two sequences in all. Each next symbol is to be
      predicted. Nothing is random, so a short-cut is to be had: to forget all but the first symbol.
    - ``2b``: (s, p - 1 symbols of the a drawn at random, s), and only the last s is asked for: nothing local
      can be learned by the way.
    - ``2c``: (b, s, q + k distractors, e, s), and only what comes after e is asked for, x or y. After q
      distractors each step brings another one with probability 0.9, else e. So the lag is at least q + 1,
      and in the mean q + 10.

    A step is right where no probability is further from its target than 0.25, or 0.2 in ``2c``: the right one
    must be above 0.75, or 0.8.

    Args:
        difficulty: the variant.
        symbols: p; in ``2a`` and ``2b`` it is the lag, too.
        lag: q, of ``2c`` alone.

    Source:
        Hochreiter & Schmidhuber 1997, experiments 2a, 2b, 2c.

    >>> NoiseFreeLag(difficulty="2a", symbols=5).batch("train", 0, size=2, seed=1).inputs
    tensor([[5, 0, 1, 2, 3],
            [4, 0, 1, 2, 3]])
    """

    packed_by = "noise_free_lag"

    def __init__(
        self,
        *,
        difficulty: Literal["2a", "2b", "2c"] = "2c",
        symbols: Annotated[int, Field(ge=2, le=10_000)] = 100,
        lag: Annotated[int, Field(ge=1, le=100_000)] = 100,
    ) -> None:
        self.difficulty, self.alphabet, self.lag = difficulty, symbols, lag
        self._least = math.log(1 - LARGEST_ERROR[difficulty])
        if difficulty == "2c":  # the alphabet, x, y, b, e
            self.spec = Spec("tokens", symbols + 4, "classes", 2, causal=True)
        else:  # a(1) to a(p-1), x, y
            self.spec = Spec("tokens", symbols + 1, "classes", symbols + 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: in ``2c`` as wide as its longest sequence, with padding in front."""
        stream = numpy_stream(seed, "noise-free-lag", self.difficulty, split, index)
        first = stream.integers(0, 2, size)  # 0 for x, 1 for y
        if self.difficulty == "2c":
            tokens, targets = self._long(stream, first), first
        else:
            tokens = self._plain(stream, first)
            targets = np.roll(tokens, -1, 1)  # the first symbol comes again at the end
            targets = targets if self.difficulty == "2a" else targets[:, -1]
        mask = np.zeros(tokens.shape, dtype=bool)
        mask[:, slice(None) if self.difficulty == "2a" else -1] = True
        return Batch(torch.from_numpy(tokens), torch.from_numpy(targets), torch.from_numpy(mask))

    def _plain(self, stream: np.random.Generator, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sequences of 2a or 2b without their last symbol, (B, p)."""
        others = self.alphabet - 1
        tokens = np.empty((len(first), self.alphabet), dtype=np.int64)
        tokens[:, 0] = others + first
        in_order = np.arange(others)
        drawn = in_order if self.difficulty == "2a" else stream.integers(0, others, (len(first), others))
        tokens[:, 1:] = drawn
        return tokens

    def _long(self, stream: np.random.Generator, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sequences of 2c without their last symbol, (B, longest)."""
        more = stream.geometric(1 - GOES_ON, len(first)) - 1
        most = int(more.max())
        tokens = stream.integers(0, self.alphabet, (len(first), 3 + self.lag + most))
        start, x = most - more, self.alphabet
        np.copyto(tokens[:, :most], PAD, where=np.arange(most) < start[:, None])
        start += np.arange(0, tokens.size, tokens.shape[1])  # counted through all rows
        tokens.put(start, x + 2)
        tokens.put(start + 1, x + first)
        tokens[:, -1] = x + 3
        return tokens

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say of which outputs (N, O) the target's (N,) probability is so high that no error is too large."""
        probability = selected.log_softmax(-1).gather(1, targets[:, None]).squeeze(1)
        return probability > self._least
