"""a^n b^n c^n: as many b as a, and as many c."""

from __future__ import annotations

from seqlab.tasks.languages._counting import CountingLanguage


class AnBnCn(CountingLanguage):
    """Read a mark, n letters each of a, b and c, and say at each step what may come next.

    A context-sensitive language; two counters suffice.

    Source:
        Gers & Schmidhuber 2001, as of a^n b^n.

    >>> batch = AnBnCn(longest=1).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, [step.nonzero().flatten().tolist() for step in batch.targets[0]]
    (tensor([[3, 0, 1, 2]]), [[0], [0, 1], [2], [3]])
    """

    letters = 3
