"""Words are said backwards: what one vector can hold of a sequence, and what attention need not hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqlab.contracts import Split, numpy_stream
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Trial
from seqlab.tasks._lengths import drawn_lengths
from seqlab.tasks.pairs._pairs import Coded, Pair, Pairs, Side
from seqlab.text.vocabulary import Vocabulary

WORDS = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor",
    "whiskey", "xray", "yankee", "zulu",
)  # fmt: skip
"""The spelling alphabet of radio, one word a letter."""

LENGTHS = (*range(5, 41, 5), 50, 60)
"""Of the trials."""

Length = Annotated[int, Field(ge=1, le=1000)]


class ReverseWords(Pairs):
    """Read words drawn at random, then write them in the opposite order.

        kilo alpha zulu alpha       alpha zulu alpha kilo

    Sequences of a training batch have one length, drawn anew for each; held-out ones have any. The trials ask
    for one length each, longer ones than in training too, and let the model write.

    What a model without attention knows of the words is the vector at their end: n words out of 26 carry
    4.7 n bits, and the vector gives out at some length. With attention the vector need not hold them.

    Args:
        shortest: the least number of words.
        longest: the greatest.
        length: of all sequences, in place of those two; null for lengths that are drawn.

    >>> ReverseWords(length=3).pairs("train", 0, size=1, seed=1)
    [('zulu hotel romeo', 'romeo hotel zulu')]
    """

    metrics = (ACCURACY, SEQUENCE_ACCURACY, ERRORS, SEQUENCES, LOSS)

    def __init__(self, *, shortest: Length = 5, longest: Length = 40, length: Length | None = None) -> None:
        self.lengths, self.drawn = drawn_lengths(shortest, longest, length)
        self.source = self.target = Side(Vocabulary(WORDS, "word"), joiner=" ")
        by_length = [Trial(f"length-{count}", {"length": count}, "greedy") for count in LENGTHS]
        self.trials = (*Pairs.trials, *by_length) if length is None else ()
        self.finish(longest=self.lengths[1], ranges=(10, 20, 30))

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return words, and the same backwards."""
        decode = self.source.decode
        return [(decode(words), decode(answer)) for words, answer in self.coded(split, index, size, seed)]

    def coded(self, split: Split, index: int, size: int, seed: int) -> list[Coded]:
        """Return the same as numbers."""
        stream = numpy_stream(seed, "reverse-words", split, index)
        low, high = self.lengths
        lengths = stream.integers(low, high + 1, size)
        if split == "train":
            lengths[:] = lengths[0]
        drawn = [stream.integers(len(WORDS), size=count) for count in lengths.tolist()]
        return [(words, words[::-1]) for words in drawn]
