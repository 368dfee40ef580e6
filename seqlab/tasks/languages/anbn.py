"""a^n b^n: as many b as a, which can be told by counting."""

from __future__ import annotations

from seqlab.tasks.languages._counting import CountingLanguage


class AnBn(CountingLanguage):
    """Read a mark, n letters a and n letters b, and say at each step what may come next.

    A context-free language; one counter suffices.

    Source:
        Gers & Schmidhuber, "LSTM recurrent networks learn simple context-free and context-sensitive
        languages", IEEE Transactions on Neural Networks, 2001.

    >>> batch = AnBn(longest=2).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, [step.nonzero().flatten().tolist() for step in batch.targets[0]]
    (tensor([[2, 0, 0, 1, 1]]), [[0], [0, 1], [0, 1], [1], [2]])
    """

    letters = 2
