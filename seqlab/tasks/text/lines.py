"""Language model of lines, blocks or records: each is a sequence of its own, with a beginning and an end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import TextError
from seqlab.tasks._by_hash import SPLITS, hashes, parted
from seqlab.tasks._data import Sample
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import Trial
from seqlab.tasks._passes import in_passes
from seqlab.tasks.text._language_model import (
    COUNTED,
    JUDGED,
    CorpusInfo,
    LanguageModel,
    counted,
    on_line_ends,
    on_vocabulary,
)
from seqlab.tasks.text._pieces import batch_of, documents, padded, stretches
from seqlab.text import Vocabulary, load_corpus
from seqlab.text.corpora import absolute
from seqlab.text.reading import Form, Normalisation
from seqlab.text.tokens import Tokens, count
from seqlab.text.units import CALLED, ENDS, Unit, Units, read_units
from seqlab.text.vocabulary import Codes

FEWEST = 10
"""Different lines that there must be: eight to learn from, one for validation, one for the test."""

LONGEST_SAMPLE = 10_000


class Lines(LanguageModel):
    r"""Predict each next token of a line, from its start, and where it ends: names, recipes, tunes, proteins.

        inputs    END  a  d  d
        targets    a   d  d  END

    END, the line feed, stands for the beginning, too. Each line is read from the start state; every token of
    it is predicted, and its end. Of 100 different lines 80 are for training, ten for validation and ten for
    the test, by a hash; equal ones fall into one part, so that no held-out line was learned. A pass reads
    each training line once, in another order each time; of one longer than ``period`` it reads a stretch
    drawn at random.

    The loss, and bits per character, are those of :class:`LanguageModel`; an end counts as a character. The
    3-gram model that stands beside a figure has counted the training lines, each with its beginning.

    Args:
        corpus: ``functions``, the names of the standard library's functions, or another text by name, or the
            path of a text file or folder, which the settings keep absolute.
        glob: which files of a folder to read.
        encoding: of a path's files: utf-8, utf-16, cp949, latin-1, ...
        normalisation: ``NFC`` or ``NFKC`` brings the text into that Unicode form.
        unit: what a sequence is: a ``line``; a ``block`` of lines that an empty line ends; or a record of
            ``fasta``, without its header.
        tokens: ``char``, ``byte`` (256 symbols for any text), or ``word`` (words, and each sign between).
        rare: tokens seen less often than this are one symbol, which prints as U+FFFD; 0 keeps all.
        period: tokens of a line through which the gradient flows back, at most.
        also: a text whose tokens are symbols, too, whether the lines have them or not.

    Raises:
        TextError: when there is no such text, it is in another encoding, or there are too few lines.

    >>> task = Lines(corpus="miniature")
    >>> batch = task.batch("train", 0, size=2, seed=1)
    >>> bool((batch.inputs[:, -1] != batch.targets[:, -1]).all()), task.sample.stop
    (True, '\n')
    """

    trials = (Trial("lines"),)

    def __init__(
        self,
        *,
        corpus: Annotated[str, AfterValidator(absolute)] = "functions",
        glob: str = "*",
        encoding: str = "utf-8",
        normalisation: Normalisation = "none",
        unit: Unit = "line",
        tokens: Tokens = "char",
        rare: Annotated[int, Field(ge=0)] = 0,
        period: Annotated[int, Field(ge=1, le=100_000)] = 256,
        also: str = "",
    ) -> None:
        found, form = load_corpus(corpus, glob=glob), Form(normalisation)
        read = read_units(found, unit, encoding, form)
        parts, end = parted(hashes(read.texts)), ENDS[unit]
        different = len(set(read.texts))
        if different < FEWEST:
            ones = CALLED[unit] if different == 1 else f"{CALLED[unit]}s"
            raise TextError(
                f"{corpus!r} has {different} different {ones}; at least {FEWEST} are wanted, of which a "
                "tenth is held out for validation, and a tenth for the test.",
                hint="A text that goes on from line to line is learned by: seqlab train char-shakespeare "
                "--text FILE",
            )
        texts = {
            split: "".join([end, *(f"{read.texts[place]}{end}" for place in np.flatnonzero(parts == part))])
            for part, split in enumerate(SPLITS)
        }
        self.vocabulary = Vocabulary.counted(count(texts.values(), tokens), tokens, form, rare, also)
        self._parts = {split: self.vocabulary.encode(text) for split, text in texts.items()}
        self.period, self._end = period, int(self.vocabulary.encode(end)[0])
        symbols = len(self.vocabulary)
        self.spec = Spec("tokens", symbols, "classes", symbols, causal=True)
        self.data = CorpusInfo.about(
            found,
            self.vocabulary,
            encoding,
            sha256=read.sha256,
            characters=sum(map(len, texts.values())),
            length=sum(map(len, self._parts.values())),
            notes=self._notes(read, unit, np.bincount(parts).tolist(), different),
        )
        longest = max(int(lengths.max()) for _, lengths in self._stretches.values())
        self.sample = Sample(prime=end, length=min(2 * longest, LONGEST_SAMPLE), stop=end)

    def _notes(self, read: Units, unit: Unit, sizes: list[int], different: int) -> Iterator[str]:
        """Yield what is to be said of the lines before they are learned."""
        name = CALLED[unit]
        train, validation, test = (f"{size:,}" for size in sizes)
        yield f"{train} {name}s are for training, {validation} for validation, {test} for the test."
        copies = len(read.texts) - different
        if copies:
            yield (
                f"{copies:,} {name}{'s repeat' if copies > 1 else ' repeats'} an earlier one; equal {name}s "
                "are in the same part."
            )
        if read.empty:
            yield f"{read.empty:,} empty {name}{'s are' if read.empty > 1 else ' is'} left out."
        if read.headers:
            yield f"{read.headers:,} headers (lines that begin with >) are no part of the sequences."
        if read.replaced:
            yield on_line_ends(read.replaced)
        large = on_vocabulary(self.vocabulary)
        if large is not None:
            yield large

    def text(self, split: Split) -> Codes:
        """Return the lines of a split behind one another, END before the first and behind each."""
        return self._parts[split]

    def read(self, text: str) -> Codes:
        """Return a line as it is read, from its beginning; see :meth:`Task.read`."""
        assert self.sample is not None
        return self.vocabulary.encode(self.sample.prime + text.removeprefix(self.sample.prime))

    @cached_property
    def _stretches(self) -> dict[Split, tuple[Codes, Codes]]:
        """Where the lines of each part begin, at the END before them, and how many tokens are predicted."""
        return {split: stretches(part, self._end) for split, part in self._parts.items()}

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` lines of a pass, (B, T), PAD in front of shorter ones."""
        starts, lengths = self._stretches[split]
        chosen = in_passes(("lines",), len(starts), index, size, split, seed)
        read = np.minimum(lengths[chosen], self.period)
        random = numpy_stream(seed, "lines", split, "stretches", index)
        begin = starts[chosen] + random.integers(lengths[chosen] - read + 1)
        return batch_of(*padded(self.text(split), begin, read, int(read.max())))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the lines of a split, each as a whole; ``sequences`` and ``seed`` have no say."""
        return documents(self.text(split)[:JUDGED], self._end, len(self.vocabulary))

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` each training line is read once."""
        return len(self._stretches["train"][0]) / size

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what counting comes to: a 3-gram model of the training lines, its first two million tokens.

        Two ENDs stand between lines, so that what a line begins with is counted as such.
        """
        text, judged = (self._twice(part) for part in (self.text("train")[:COUNTED], self.judged))
        model, answers = counted(text.tobytes(), judged.tobytes(), text.dtype.str, len(self.vocabulary))
        asked = (judged[1:] != self._end) | (judged[:-1] != self._end)
        nats = -model.log_probabilities(judged)[1:][asked]
        right = (answers[:-1] == judged[1:])[asked]
        total = {"loss": float(nats.sum()), "targets": len(nats), "correct": int(right.sum())}
        return Guess("3-gram", self.figures(total))

    def _twice(self, text: Codes) -> Codes:
        """Return a text with every END twice."""
        doubled: Codes = np.repeat(text, np.where(text == self._end, 2, 1))
        return doubled
