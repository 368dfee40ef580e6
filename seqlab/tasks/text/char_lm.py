"""Language model: read a text, and predict each next character, or byte, or word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError, TextError
from seqlab.tasks._data import Sample
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import Trial
from seqlab.tasks.text._language_model import (
    COUNTED,
    CorpusInfo,
    LanguageModel,
    counted,
    on_line_ends,
    on_vocabulary,
)
from seqlab.tasks.text._pieces import (
    batch_of,
    batchify,
    blocks,
    padded,
    stream,
    stretches,
    tensor_of,
)
from seqlab.tasks.text._pieces import documents as whole_documents
from seqlab.tasks.text._splitting import SplitBy, difference, split
from seqlab.text import EncodedText, Reading, encode_corpus, load_corpus
from seqlab.text.corpora import absolute
from seqlab.text.reading import DOCUMENT, Documents, Form, LineEnds, Normalisation
from seqlab.text.tokens import UNITS, Tokens
from seqlab.text.vocabulary import Codes


class CharLM(LanguageModel):
    r"""Next-character prediction: p(x(t+1) | x(1), ..., x(t)); or of bytes, or of words.

    The first 90 % of the text are for training, the rest is held out; or a tenth of its lines or documents,
    drawn at random. A text has no third part, so validation and test are the same: choose nothing by the one
    and report it as the other without saying so.

    Training reads the text as NYU 6-3 does: cut into ``size`` columns (:func:`batchify`), all read side by
    side, ``period`` tokens a batch, the state carried on and detached (truncated BPTT). An epoch is over
    when the columns are; the next begins at another place, drawn anew, so that it cuts the text differently.
    Or it reads blocks from places drawn at random, each from the start state, as models without a state are
    trained (nanoGPT). Or documents drawn at random, each from the start state; of one longer than ``period``
    a stretch drawn at random.

    Held out, every token but the first (of the first million) is predicted exactly once:

    - ``stream``, the ordinary way: the state is carried through the whole text. To be quick, it is read as 64
      pieces side by side, each but the first warmed by the 512 tokens before it.
    - ``block-256``, ``block-64``: the text is cut into blocks, each read from the start state. The first
      tokens of a block are hard to guess, so figures are worse than those of ``stream``.
    - documents, where these are what is trained on: each is read from the start state, as a whole.

    The loss, and bits per character, are those of :class:`LanguageModel`.

    Args:
        corpus: ``shakespeare``, ``python``, ``miniature``, or the path of a text file or folder, which the
            settings keep absolute.
        glob: which files of a folder to read.
        encoding: of a path's files: utf-8, utf-16, cp949, latin-1, ...
        normalisation: ``NFC`` or ``NFKC`` brings the text into that Unicode form.
        line_ends: ``lf`` makes all lines end with a line feed; ``keep`` leaves carriage returns.
        documents: the files of a folder are ``joined`` by ends of lines, or each is ``marked`` at its
            beginning, by ASCII's file separator.
        split_by: what the held-out part is made of: the last tenth (``position``), or a tenth of the lines or
            documents.
        tokens: ``char``, ``byte`` (256 symbols for any text), or ``word`` (words, and each sign between).
        rare: tokens seen less often than this are one symbol, which prints as U+FFFD; 0 keeps all.
        period: tokens through which the gradient flows back.
        block: tokens of the blocks in which the held-out text is judged; null for one stream.
        batches: ``columns`` that go on from batch to batch, ``blocks`` of ``period`` tokens from anywhere, or
            marked ``documents``.
        also: a text whose tokens are symbols, too, whether the corpus has them or not.

    Raises:
        TextError: when there is no such text, it is in another encoding, or it is too short.
        SettingsError: when documents are asked for, but are not marked.
    """

    has_test = False
    earlier: ClassVar = {"line_ends": "keep"}
    trials: Sequence[Trial] = (
        Trial("stream"),
        Trial("block-256", {"block": 256}),
        Trial("block-64", {"block": 64}),
    )

    def __init__(
        self,
        *,
        corpus: Annotated[str, AfterValidator(absolute)] = "shakespeare",
        glob: str = "*",
        encoding: str = "utf-8",
        normalisation: Normalisation = "none",
        tokens: Tokens = "char",
        rare: Annotated[int, Field(ge=0)] = 0,
        period: Annotated[int, Field(ge=1, le=100_000)] = 64,
        block: Annotated[int, Field(ge=1, le=1_000_000)] | None = None,
        batches: Literal["columns", "blocks", "documents"] = "columns",
        line_ends: LineEnds = "lf",
        documents: Documents = "joined",
        split_by: SplitBy = "position",
        also: str = "",
    ) -> None:
        if documents != "marked" and "document" in (split_by, batches.removesuffix("s")):
            asking = "task.split_by=document" if split_by == "document" else "task.batches=documents"
            raise SettingsError(
                f"{asking} asks for documents, which are not marked.",
                hint="Set task.documents=marked, and give a folder of files.",
            )
        found = load_corpus(corpus, glob=glob)
        reading = Reading(encoding, Form(normalisation, line_ends), tokens, rare, documents, also)
        self._read = read = encode_corpus(found, reading)
        self.period, self.block, self.batches = period, block, batches
        self.stream = batches == "columns"
        if batches == "documents":
            self.trials = (Trial("documents"),)
        self.vocabulary = read.vocabulary
        symbols = len(read.vocabulary)
        self.spec = Spec("tokens", symbols, "classes", symbols, causal=True)
        self._parts = dict(
            zip(("train", "held out"), split(read.codes, read.vocabulary, split_by), strict=True)
        )
        if min(map(len, self._parts.values())) < 2:
            raise TextError(
                f"The text {corpus!r} is too short to train on 90 % and test on the rest: it has "
                f"{len(read.codes)} {UNITS[tokens]}{'s' if len(read.codes) != 1 else ''}.",
                hint="Give a longer text; `miniature` is one that is always there.",
            )
        self.data = CorpusInfo.about(
            found,
            read.vocabulary,
            encoding,
            sha256=read.sha256,
            characters=read.characters,
            length=len(read.codes),
            notes=self._notes(read, split_by),
        )
        self.sample = Sample(prime=read.vocabulary.start or read.vocabulary.decode(read.codes[:1]))

    def _notes(self, read: EncodedText, split_by: SplitBy) -> Iterator[str]:
        """Yield what is to be said of the text before it is learned."""
        if read.replaced:
            yield f"{on_line_ends(read.replaced)} task.line_ends=keep keeps them."
        differs = difference(self.text("train"), self.text("test"), read.vocabulary)
        if differs is not None:
            lines = split_by == "position" and "\n" in read.vocabulary
            other = "task.split_by=line takes lines from everywhere." if lines else ""
            yield f"{differs} {other}".rstrip()
        large = on_vocabulary(read.vocabulary)
        if large is not None:
            yield large

    def text(self, split: Split) -> Codes:
        """Return the tokens of a split, in order."""
        return self._parts["train" if split == "train" else "held out"]

    def fitting(self, size: int) -> tuple[int, int]:
        """Return the largest batch size up to ``size``, and with it the longest period, that the text allows.

        It is the batch that is made smaller, and the period only where not even one column fits.
        """
        length = len(self.text("train"))
        if not self.stream:
            return size, min(self.period, length - 1)
        largest = min(size, length // self.period - 1)
        return (largest, self.period) if largest >= 1 else (1, max(1, length // 2))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``period`` tokens of ``size`` columns, or as many blocks, (B, period)."""
        text = self.text(split)
        if self.batches == "blocks":
            return self._drawn_blocks(text, numpy_stream(seed, "char-lm", split, "blocks", index), size)
        if self.batches == "documents":
            return self._drawn_documents(
                split, numpy_stream(seed, "char-lm", split, "documents", index), size
            )
        length = self._column_length(len(text), size)  # of a column: a whole number of periods
        epoch, place = divmod(index, length // self.period)
        slack = len(text) - 1 - size * length
        offset = _offset(slack, seed, split, epoch)

        rows = slice(place * self.period, (place + 1) * self.period)
        inputs, targets = (
            batchify(text[start : start + size * length], size)[rows].T for start in (offset, offset + 1)
        )
        return Batch(tensor_of(inputs), tensor_of(targets), continues=place > 0)

    def _drawn_blocks(self, text: Codes, random: np.random.Generator, size: int) -> Batch:
        if len(text) <= self.period:
            raise TextError(
                f"Blocks of {self.period} {UNITS[self.vocabulary.tokens]}s need a text of at least "
                f"{self.period + 1:,} to train on; there are {len(text):,}.",
                hint=f"Set task.period={len(text) - 1}.",
            )
        starts = random.integers(len(text) - self.period, size=size)
        places = starts[:, None] + np.arange(self.period)  # (B, period)
        return Batch(tensor_of(text[places]), tensor_of(text[places + 1]))

    def _drawn_documents(self, split: Split, random: np.random.Generator, size: int) -> Batch:
        starts, lengths = self._stretches["train" if split == "train" else "held out"]
        chosen = random.integers(len(lengths), size=size)
        read = np.minimum(lengths[chosen], self.period)
        begin = starts[chosen] + random.integers(lengths[chosen] - read + 1)
        return batch_of(*padded(self.text(split), begin, read, min(self.period, int(lengths.max()))))

    @property
    def _mark(self) -> int:
        """The number of what stands in front of every document."""
        return int(self.vocabulary.encode(DOCUMENT)[0])

    @cached_property
    def _stretches(self) -> dict[str, tuple[Codes, Codes]]:
        """Where the documents of each part begin, and how long they are."""
        return {name: stretches(part, self._mark) for name, part in self._parts.items()}

    def _column_length(self, length: int, size: int) -> int:
        """Return how long columns may be so that the offset has at least a period to vary in."""
        periods = (length - self.period) // (size * self.period)
        if periods < 1:
            fits, period = self.fitting(size)
            raise TextError(
                f"A batch of {size} times {self.period} {UNITS[self.vocabulary.tokens]}s needs a text of at "
                f"least {self.period * (size + 1):,} to train on; there are {length:,}.",
                hint=f"The largest that fits is training.batch_size={fits} with task.period={period}"
                f"{_or_shorter(length, size)}; --fit takes the first.",
            )
        return periods * self.period

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the held-out text, as a stream or in blocks; ``sequences`` and ``seed`` have no say."""
        text = self.judged
        symbols = len(self.vocabulary)
        if self.block is not None:
            return blocks(text, self.block, symbols)
        if self.batches == "documents":
            return whole_documents(text, self._mark, symbols)
        return stream(text, symbols)

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` the training text is read once."""
        row = float(self.period)
        if self.batches == "documents":
            row = float(np.minimum(self._stretches["train"][1], self.period).mean())
        return len(self.text("train")) / (size * row)

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what counting comes to: a 3-gram model of the training text, its first :data:`COUNTED`."""
        text, judged = self.text("train")[:COUNTED], self.judged
        model, answers = counted(text.tobytes(), judged.tobytes(), text.dtype.str, len(self.vocabulary))
        nats = -model.log_probabilities(judged, block=self.block)[1:]
        right = answers[:-1] == judged[1:]
        total = {"loss": float(nats.sum()), "targets": len(nats), "correct": int(right.sum())}
        return Guess("3-gram", self.figures(total))


@lru_cache(maxsize=64)
def _offset(slack: int, seed: int, split: Split, epoch: int) -> int:
    """Draw where an epoch's columns begin; to make the stream anew for each batch would cost half of it."""
    return int(numpy_stream(seed, "char-lm", split, epoch).integers(slack + 1))


def _or_shorter(length: int, size: int) -> str:
    period = length // (size + 1)
    return f", or training.batch_size={size} with task.period={period}" if period >= 1 else ""
