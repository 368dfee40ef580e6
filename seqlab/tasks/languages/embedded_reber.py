"""Embedded Reber: predict the next symbol of a string whose last but one repeats its second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._rows import side_by_side
from seqlab.tasks.languages._reber import SYMBOLS, LegalSymbols, draw_strings

BLOCK = 1024
"""Strings that are drawn at once."""


class EmbeddedReber(LegalSymbols):
    """Predict each next symbol of the strings B t R t E, in which R is a string of Reber's grammar.

    t is T or P, drawn once a string and read twice: it must be remembered while R is read. Where Reber's
    grammar lets two symbols come, each does with probability 1/2. The shortest string has 9 symbols; there
    is no longest.

    The answer to a symbol is the one after it. Two may be legal there, so none can be predicted for sure: a
    step is right where no symbol that is not legal scores higher than one that is, and a string where all
    its steps are.

    Source:
        Reber 1967; embedded: Fahlman 1991, Smith & Zipser 1989, Cleeremans, Servan-Schreiber & McClelland
        1989; Hochreiter & Schmidhuber 1997, experiment 1.

    >>> from seqlab.tasks.languages._reber import decode
    >>> batch = EmbeddedReber().batch("train", 0, size=1, seed=1)
    >>> decode(batch.inputs[0]), decode(batch.targets[0])
    ('BTBTXSET', 'TBTXSETE')
    """

    def __init__(self) -> None:
        self.spec = Spec("tokens", len(SYMBOLS), "classes", len(SYMBOLS), causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: strings but for their last symbol, (B, longest - 1)."""
        first, behind = index * size, (index + 1) * size
        rows: list[NDArray[np.int8]] = []
        for block in range(first // BLOCK, -(-behind // BLOCK)):
            start = block * BLOCK
            rows += _strings(seed, split, block)[max(first - start, 0) : behind - start]
        strings = side_by_side(rows)
        inputs = np.ascontiguousarray(strings[:, :-1])
        mask = inputs != PAD
        targets = np.where(mask, strings[:, 1:], 0)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))


@lru_cache(maxsize=8)
def _strings(seed: int, split: Split, block: int) -> list[NDArray[np.int8]]:
    """Return :data:`BLOCK` strings of the stream of strings."""
    strings = draw_strings(numpy_stream(seed, "embedded-reber", split, block), BLOCK)
    lengths = (strings != PAD).sum(1).tolist()
    return [string[:length] for string, length in zip(strings, lengths, strict=True)]
