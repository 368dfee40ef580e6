"""Two numbers are added, digit by digit as they are written."""

from __future__ import annotations

import zlib
from itertools import chain, count, islice
from typing import Annotated

import numpy as np
from pydantic import Field

from seqlab.contracts import Split, numpy_stream
from seqlab.tasks._judging import Trial
from seqlab.tasks.pairs._pairs import Pair, Pairs, Side
from seqlab.text.vocabulary import Vocabulary


class Addition(Pairs):
    """Read a sum, write what it comes to.

        535+61      596

    Each number has from 1 to ``digits`` digits and is any of that length. Long ones, of which there are more,
    come more often: lengths of 1, 2 and 3 as 1 to 2 to 3. A sum belongs to the split that a hash of its two
    numbers says, in whichever order they stand: one of ten is for validation and one for the test. The trials
    ask for numbers of so many digits each.

    Args:
        digits: of the longest numbers.
        exactly: whether both numbers have as many.

    Source:
        The example addition_rnn of Keras, where numbers are padded with spaces and read backwards; a model
        does that with ``reverse_source``.

    >>> Addition(digits=3).pairs("train", 0, size=3, seed=1)
    [('230+219', '449'), ('16+502', '518'), ('61+4', '65')]
    """

    def __init__(self, *, digits: Annotated[int, Field(ge=1, le=9)] = 3, exactly: bool = False) -> None:
        lengths = np.arange(1, digits + 1)
        self.lengths = lengths[-1:] if exactly else np.repeat(lengths, lengths)
        self.source, self.target = Side(Vocabulary.of("+0123456789")), Side(Vocabulary.of("0123456789"))
        self.trials = () if exactly else (*Pairs.trials, *map(_of_digits, range(1, digits + 1)))
        self.finish(longest=digits + 1, ranges=(digits + 1, digits + 2, 2 * digits))

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return sums and what they come to, drawn until there are enough of the split."""
        stream = numpy_stream(seed, "addition", split, index)
        numbers = chain.from_iterable(self._drawn(stream, 4 * size) for _ in count())
        sums = ((f"{a}+{b}", str(a + b)) for a, b in numbers if split_of(a, b) == split)
        return list(islice(sums, size))

    def _drawn(self, stream: np.random.Generator, pairs: int) -> list[list[int]]:
        """Return so many pairs of numbers."""
        digits = stream.choice(self.lengths, (pairs, 2))
        drawn: list[list[int]] = stream.integers(10 ** (digits - 1) * (digits > 1), 10**digits).tolist()
        return drawn


def split_of(one: int, other: int) -> Split:
    """Return the split of the sum of two numbers.

    >>> split_of(12, 7) == split_of(7, 12)
    True
    """
    place = zlib.crc32(f"{min(one, other)}+{max(one, other)}".encode()) % 10
    return "validation" if place == 0 else "test" if place == 1 else "train"


def _of_digits(digits: int) -> Trial:
    return Trial(f"digits-{digits}", {"digits": digits, "exactly": True}, "greedy")
