"""Four letters: given h, e, l, l, answer e, l, l, o."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch

from seqlab.contracts import Batch, Spec, Split
from seqlab.tasks._base import Task
from seqlab.tasks._data import Sample
from seqlab.text import Vocabulary

WORD = "hello"


class Hello(Task):
    """The smallest language model: learn one word by heart (DLE-11, CS231n-10).

    The second l is followed by o and the first by l, so the letter alone does not tell what comes next: the
    state must. There is one sequence and no chance: every batch of every split is the same.

    Attributes:
        vocabulary: the four letters e h l o, as tokens 0 to 3.

    >>> task = Hello()
    >>> batch = task.batch("train", 0, size=1, seed=1)
    >>> task.vocabulary.decode(batch.inputs[0]), task.vocabulary.decode(batch.targets[0])
    ('hell', 'ello')
    """

    sample = Sample(prime="h", length=4, temperature=0.0)

    def __init__(self) -> None:
        self.vocabulary = Vocabulary.of(WORD)
        letters = len(self.vocabulary)
        self.spec = Spec("tokens", letters, "classes", letters, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the word ``size`` times."""
        return _times(size)

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the word once: there is no other sequence to judge on."""
        yield self.batch(split, 0, 1, seed)


@lru_cache(maxsize=8)
def _times(size: int) -> Batch:
    """Return the word so many times, (B, 4) each."""
    tokens = torch.from_numpy(Vocabulary.of(WORD).encode(WORD).astype(np.int64))
    return Batch(tokens[:-1].repeat(size, 1), tokens[1:].repeat(size, 1))
