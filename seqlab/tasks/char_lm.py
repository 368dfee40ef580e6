"""Character language model: read a text, and predict each next character."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import TextError, UnknownNameError
from seqlab.tasks._base import Sample, Task
from seqlab.text import Vocabulary, load_corpus
from seqlab.text.vocabulary import Codes

TRAINING_SHARE = 0.9

PIECES = 64
"""Pieces of the held-out text that the protocol ``stream`` reads side by side."""

WARM_UP = 512
"""Characters that each piece reads before its own, so that its state is that of the stream."""

STEPS = 256
"""Steps of the stream in one batch."""

POSITIONS = 16_384
"""Characters in one batch of blocks, about."""


@dataclass(frozen=True)
class CorpusInfo:
    """What a run records of its text.

    Attributes:
        name: as the corpus is called.
        source: where it was read from.
        sha256: of the text in UTF-8.
        characters: its length.
        symbols: its different characters.
        stands_in_for: the corpus that was asked for and could not be had, or None.
        reason: why it could not be had.
    """

    name: str
    source: str
    sha256: str
    characters: int
    symbols: int
    stands_in_for: str | None
    reason: str | None

    def to_dict(self) -> dict[str, str | int | None]:
        """Return plain data, for JSON."""
        return asdict(self)


class CharLM(Task):
    r"""Next-character prediction: p(x(t+1) | x(1), ..., x(t)).

    The first 90 % of the text are for training, the rest is held out. A text has no third part, so validation
    and test are the same: choose nothing by the one and report it as the other without saying so.

    Training reads the text as NYU 6-3 does: cut into ``size`` columns (:func:`batchify`), all read side by
    side, ``period`` characters a batch, the state carried on and detached (truncated BPTT). An epoch is over
    when the columns are; the next begins at another place, drawn anew, so that it cuts the text differently.

    Held out, every character but the first is predicted exactly once, by one of these protocols:

    - ``stream``: the state is carried through the whole text. To be quick, it is read as 64 pieces side by
      side, each but the first warmed by the 512 characters before it.
    - ``block_256``, ``block_64``: the text is cut into blocks, each read from the start state. The first
      characters of a block are hard to guess, so figures are worse than those of ``stream``.

    Args:
        corpus: ``shakespeare``, ``python``, ``miniature``, or the path of a UTF-8 file or folder.
        glob: which files of a folder to read.
        period: characters through which the gradient flows back.

    Attributes:
        vocabulary: the characters of the whole text.
        corpus_info: what a run records of the text.

    Raises:
        TextError: when there is no such text, or it is too short.
    """

    stream = True
    metric = "loss"
    higher_is_better = False
    bounds = (0.0, math.inf)
    protocols = ("stream", "block_256", "block_64")

    def __init__(
        self,
        *,
        corpus: str = "shakespeare",
        glob: str = "*",
        period: Annotated[int, Field(ge=1, le=100_000)] = 64,
    ) -> None:
        found = load_corpus(corpus, glob=glob)
        self.period = period
        self.vocabulary = Vocabulary.of(found.text)
        symbols = len(self.vocabulary)
        self.spec = Spec("tokens", symbols, "classes", symbols, causal=True)
        self.corpus_info = CorpusInfo(
            found.name,
            found.source,
            found.sha256,
            len(found.text),
            symbols,
            found.stands_in_for,
            found.reason,
        )
        self.sample = Sample(prime="\n" if "\n" in found.text else found.text[0])
        codes = self.vocabulary.encode(found.text)
        cut = int(TRAINING_SHARE * len(codes))
        self._parts = {"train": codes[:cut], "held out": codes[cut:]}
        if min(map(len, self._parts.values())) < 2:
            raise TextError(
                f"The text {corpus!r} is too short to train on 90 % and test on the rest: {found.text!r}.",
                hint="Give a longer text; `miniature` is one that is always there.",
            )

    def text(self, split: Split) -> Codes:
        """Return the tokens of a split, in order."""
        return self._parts["train" if split == "train" else "held out"]

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``period`` characters of ``size`` columns, (B, period)."""
        text = self.text(split)
        length = self._column_length(len(text), size)  # of a column: a whole number of periods
        epoch, place = divmod(index, length // self.period)
        slack = len(text) - 1 - size * length
        offset = int(numpy_stream(seed, "char-lm", split, epoch).integers(slack + 1))

        rows = slice(place * self.period, (place + 1) * self.period)
        inputs, targets = (
            batchify(text[start : start + size * length], size)[rows].T for start in (offset, offset + 1)
        )
        return Batch(_tensor(inputs), _tensor(targets), continues=place > 0)

    def _column_length(self, characters: int, size: int) -> int:
        """Return how long columns may be so that the offset has at least a period to vary in."""
        periods = (characters - self.period) // (size * self.period)
        if periods < 1:
            raise TextError(
                f"A batch of {size} times {self.period} characters needs a text of at least "
                f"{self.period * (size + 1):,}; there are {characters:,}.",
                hint=f"With this text, {_what_fits(characters, size, self.period)}.",
            )
        return periods * self.period

    def evaluation(
        self, split: Split, sequences: int, seed: int, protocol: str | None = None
    ) -> Iterator[Batch]:
        """Yield the whole held-out text by a protocol; ``sequences`` and ``seed`` have no say."""
        protocol = protocol or self.protocols[0]
        if protocol not in self.protocols:
            raise UnknownNameError("protocol", protocol, self.protocols)
        if protocol == "stream":
            return _stream(self.text(split))
        return _blocks(self.text(split), int(protocol.removeprefix("block_")))

    def metrics(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return loss (nats a character), bits (a character), perplexity and accuracy."""
        loss = total["loss"] / total["targets"]
        return {
            "loss": loss,
            "bits": loss / math.log(2),
            "perplexity": math.exp(min(loss, 700.0)),  # e^710 is more than a float holds
            "accuracy": total["correct"] / total["targets"],
        }


def batchify(text: Codes, columns: int) -> Codes:
    """Cut a text into columns: (N,) to (N // columns, columns); what is left over goes.

    Source: NYU 6-3.

    >>> batchify(np.arange(12), 4)
    array([[ 0,  3,  6,  9],
           [ 1,  4,  7, 10],
           [ 2,  5,  8, 11]])
    """
    rows = len(text) // columns
    return text[: rows * columns].reshape(columns, rows).T


def _blocks(text: Codes, length: int) -> Iterator[Batch]:
    """Yield a text in blocks, each from the start state; the last one, shorter, is a batch of its own."""
    predictions = len(text) - 1
    whole = predictions // length * length
    inputs, targets = text[:whole].reshape(-1, length), text[1 : whole + 1].reshape(-1, length)
    at_once = max(1, POSITIONS // length)
    for first in range(0, len(inputs), at_once):
        rows = slice(first, first + at_once)
        yield Batch(_tensor(inputs[rows]), _tensor(targets[rows]))
    if whole < predictions:
        yield Batch(_tensor(text[None, whole:-1]), _tensor(text[None, whole + 1 :]))


def _stream(text: Codes) -> Iterator[Batch]:
    """Yield a text as pieces side by side, the state carried from batch to batch.

    Every row reads WARM_UP + ``length`` characters and answers for the last ``length``, at which the next row
    begins to answer; the first row, with nothing before it, answers for all. The last row may run out of
    text: what stands there does not count.
    """
    predictions = len(text) - 1
    warm_up = min(WARM_UP, predictions - 1)
    length = -(-(predictions - warm_up) // PIECES)
    pieces = -(-(predictions - warm_up) // length)
    place = np.arange(pieces)[:, None] * length + np.arange(warm_up + length)  # (pieces, steps)
    counted = place < predictions
    counted[1:, :warm_up] = False
    place = np.minimum(place, predictions - 1)
    for first in range(0, warm_up + length, STEPS):
        steps = slice(first, first + STEPS)
        here = place[:, steps]
        yield Batch(
            _tensor(text[here]),
            _tensor(text[here + 1]),
            mask=torch.from_numpy(np.ascontiguousarray(counted[:, steps])),
            continues=first > 0,
        )


def _what_fits(characters: int, size: int, period: int) -> str:
    largest_size, largest_period = characters // period - 1, characters // (size + 1)
    fits = []
    if largest_size >= 1:
        fits.append(f"training.batch_size may be at most {largest_size}")
    if largest_period >= 1:
        fits.append(f"task.period at most {largest_period}")
    return ", or ".join(fits) or f"batches of 1 times {characters // 2} characters are the largest"


def _tensor(codes: Codes) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(codes, dtype=np.int64))
