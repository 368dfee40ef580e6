"""Four letters: given h, e, l, l, answer e, l, l, o."""

from __future__ import annotations

from collections.abc import Iterator

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
        tokens = self.vocabulary.encode(WORD).astype(np.int64)[None]
        self._read, self._wanted = tokens[:, :-1], tokens[:, 1:]  # (1, 4) each
        letters = len(self.vocabulary)
        self.spec = Spec("tokens", letters, "classes", letters, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the word ``size`` times."""
        read, wanted = self._read.repeat(size, 0), self._wanted.repeat(size, 0)
        return Batch(torch.from_numpy(read), torch.from_numpy(wanted))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the word once: there is no other sequence to judge on."""
        yield self.batch(split, 0, 1, seed)
