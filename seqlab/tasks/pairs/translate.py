"""Translation: sentences of one language and what people made of them in another."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Split, numpy_stream
from seqlab.errors import TextError
from seqlab.tasks._data import Data
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import ACCURACY, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Metric
from seqlab.tasks.pairs._overlap import BLEU, CHRF, overlap, signatures
from seqlab.tasks.pairs._pairs import Coded, Pair, Pairs, Side
from seqlab.tasks.pairs._word_for_word import WordForWord
from seqlab.text.parallel import absolute, load_pairs
from seqlab.text.tokens import split
from seqlab.text.vocabulary import RARE, Codes, Vocabulary

Symbols = Literal["word", "char"]
"""What texts are made of: words and the signs between them, or characters."""

ROWS = 256
"""Held-out sentences of a batch."""

AHEAD = 16
"""Batches that are drawn at once, of whose pairs the ones of about one length are read side by side."""


class Translate(Pairs):
    """Read a sentence, and write it in another language.

    The pairs are those of a dictionary or of programs that are installed, or of a file or folder that is
    given; nothing is shipped (:mod:`seqlab.text.parallel`). Sentences that are asked for are drawn by a hash
    of the source: no source of validation or test stands in training, whatever it was translated as. Of
    descriptions of packages it is the hash of the package, of which nothing else stands in training.

    Symbols are words and the signs between them, or characters. Answers that are written are compared with
    what the translator wrote by sacrebleu's BLEU and chrF (Papineni et al. 2002; Popović 2015; Post 2018), as
    texts. Beside the figures of the trial ``written`` stands a word-for-word translation: each word becomes
    the one that comes with it most, by Dice's coefficient over the training pairs.

    Args:
        pairs: ``de-en``, ``ko-en``, or the path of a file or folder, which the settings keep absolute.
        backwards: whether the target is read and the source is written.
        source: whether sources are read as words or characters.
        target: whether targets are written so.
        rare: words seen less often than this in training are one symbol, which prints as U+FFFD.
        longest: words of a training sentence, on each side, at most.
        asked: words of a held-out source, at most.
        held_out: sentences of the test set, at most, and half as many for validation; at most a tenth of all.

    Raises:
        TextError: when there are no such pairs, or too few.
    """

    metrics = (
        ACCURACY, BLEU, CHRF, Metric("perplexity", False, (1.0, None)), SEQUENCE_ACCURACY, SEQUENCES, LOSS,
    )  # fmt: skip
    reads = "pairs"

    def __init__(
        self,
        *,
        pairs: Annotated[str, AfterValidator(absolute)] = "de-en",
        backwards: bool = False,
        source: Symbols = "word",
        target: Symbols = "word",
        rare: Annotated[int, Field(ge=1)] = 3,
        longest: Annotated[int, Field(ge=1, le=1000)] = 15,
        asked: Annotated[int, Field(ge=1, le=1000)] = 10,
        held_out: Annotated[int, Field(ge=2)] = 1000,
    ) -> None:
        found = load_pairs(pairs)
        every = [(other, one) for one, other in found.pairs] if backwards else list(found.pairs)
        self._parts = parted(every, longest, asked, held_out, found.packages)
        if not all(self._parts.values()):
            raise TextError(
                f"{found.source} holds too few pairs: {len(every)}, of which some are held out.",
                hint="Give more, or set task.longest and task.asked higher.",
            )
        training = self._parts["train"]
        self.source = side([one for one, _ in training], source, rare)
        self.target = side([other for _, other in training], target, rare)
        self.data = Data(found.name, found.source, found.sha256, notes=tuple(self._notes()))
        longest = max(len(self.target.encode(other)) for part in self._parts.values() for _, other in part)
        lengths = [len(self.source.encode(one)) for one, _ in self._parts["test"]]
        self.finish(longest, ranges=map(int, np.quantile(lengths, (0.25, 0.5, 0.75))))

    def sentences(self, split: Split) -> Sequence[Pair]:
        """Return the pairs of a split, as they were read."""
        return self._parts[split]

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return pairs drawn at random, those of a training batch of about one length."""
        sentences, lengths = self._parts[split], self._lengths[split]
        batches, place = divmod(index, AHEAD)
        stream = numpy_stream(seed, "translate", split, batches)
        drawn = stream.integers(len(sentences), size=size * AHEAD)
        drawn = drawn[np.argsort(lengths[drawn], kind="stable")].reshape(AHEAD, size)
        return [sentences[number] for number in drawn[stream.permutation(AHEAD)[place]]]

    def coded(self, split: Split, index: int, size: int, seed: int) -> list[Coded]:
        """Return :meth:`pairs` as numbers."""
        return [self._numbers[pair] for pair in self.pairs(split, index, size, seed)]

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the sentences of a split in their order, so many as there are and are asked for."""
        sentences = self._parts[split][:sequences]
        for first in range(0, len(sentences), ROWS):
            yield self._batch([self._numbers[pair] for pair in sentences[first : first + ROWS]])

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many pairs are read as there are."""
        return len(self._parts["train"]) / size

    def text_of(self, answer: Codes) -> str:
        """Return an answer as text, without its end, as words are spaced in print."""
        return spaced(super().text_of(answer)) if self.target.joiner else super().text_of(answer)

    def together(self, written: Sequence[Codes]) -> dict[str, float]:
        """Return BLEU and chrF of answers, against what translators wrote."""
        right = [other for _, other in self._parts["test"][: len(written)]]
        return overlap([self.text_of(answer) for answer in written], right)

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return what all tasks do, and the perplexity."""
        found = super().figures(total)
        found.pop("errors", None)
        return found | ({"perplexity": float(np.exp(min(found["loss"], 700.0)))} if "loss" in found else {})

    def guess_written(self, sequences: int, seed: int) -> Guess:
        """Return BLEU and chrF of a word-for-word translation of the test set."""
        test = self._parts["test"][:sequences]
        words = WordForWord.learned([[units(text, "word") for text in pair] for pair in self._parts["train"]])
        written = [spaced(" ".join(words.of(units(one, "word")))) for one, _ in test]
        return Guess("word-for-word translation", overlap(written, [other for _, other in test]))

    def _notes(self) -> Iterator[str]:
        """Yield what the figures of written answers are, and what copying the sources comes to."""
        test = self._parts["test"]
        copied = overlap([one for one, _ in test], [other for _, other in test])
        if copied:
            yield f"Copying the test sentences has BLEU {copied['bleu']:.2f} and chrF {copied['chrf']:.2f}."
        yield f"{signatures()}."

    @cached_property
    def _numbers(self) -> dict[Pair, Coded]:
        encode, answer = self.source.encode, self.target.encode
        return {
            (one, other): (encode(one), answer(other)) for part in self._parts.values() for one, other in part
        }

    @cached_property
    def _lengths(self) -> dict[str, Codes]:
        """Of each pair of a split, how long its target is."""
        return {
            split: np.array([len(self._numbers[pair][1]) for pair in part])
            for split, part in self._parts.items()
        }


def parted(
    pairs: Sequence[Pair], longest: int, asked: int, held_out: int, packages: Sequence[str] = ()
) -> dict[Split, list[Pair]]:
    """Return pairs for training, validation and test; no source, and no package, of one stands in another.

    Args:
        pairs: all there are.
        longest: words of a training sentence, at most.
        asked: words of a held-out source, at most.
        held_out: sources of the test set, at most.
        packages: of each pair the package that it describes, empty for none; none where there are no such.
    """
    homes = dict(zip(pairs, packages, strict=True)) if packages else dict.fromkeys(pairs, "")
    fitting = [pair for pair in pairs if all(len(text.split()) <= longest for text in pair)]
    whose: dict[str, str] = {}
    for pair in fitting:
        if len(pair[0].split()) <= asked:
            whose.setdefault(pair[0], homes[pair])
    sources = sorted(whose, key=lambda one: (zlib.crc32((whose[one] or one).encode()), one))
    test = min(held_out, len(sources) // 10)
    chosen: dict[str, Split] = dict.fromkeys(sources[:test], "test")
    chosen |= dict.fromkeys(sources[test : test + test // 2], "validation")
    taken: dict[str, Split] = {}
    for one, part in chosen.items():
        taken.setdefault(whose[one] or one, part)
    parts: dict[Split, dict[Pair | str, Pair]] = {"train": {}, "validation": {}, "test": {}}
    for pair in fitting:
        part = chosen.get(pair[0], "train")
        if taken.get(homes[pair] or pair[0], part) != part:
            continue  # the rest of a package that is held out
        parts[part].setdefault(pair if part == "train" else pair[0], pair)  # held out, one target of each
    return {part: list(found.values()) for part, found in parts.items()}


def units(text: str, tokens: Symbols) -> list[str]:
    """Return the symbols of a text; of words and signs without the spaces between."""
    found = split(text, tokens)
    return [unit for unit in found if unit != " "] if tokens == "word" else found


def side(texts: Sequence[str], tokens: Symbols, rare: int) -> Side:
    """Return what texts are made of, with a symbol for what is rare, or comes in other texts only."""
    joiner = " " if tokens == "word" else ""
    counts = Counter(unit for text in texts for unit in units(text, tokens)) + Counter([RARE])
    vocabulary = Vocabulary.counted(dict(counts), tokens, rare=rare)
    return Side(replace(vocabulary, folded=max(vocabulary.folded, 1)), joiner)


def spaced(text: str) -> str:
    """Return words and signs, with spaces between all, as they are spaced in print.

    >>> spaced("Tom ' s sister , who 's (a bit ) well - known , isn ’ t here .")
    "Tom's sister, who's (a bit) well-known, isn’t here."
    """
    text = re.sub(r" ([.,!?;:%)\]}»…])", r"\1", text)
    text = re.sub(r"([(\[{«]) ", r"\1", text)
    return re.sub(r" ?(['’\-]) ?", r"\1", text)
