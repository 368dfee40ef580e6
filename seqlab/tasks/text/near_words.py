"""Which words stand near a word: what vectors of words are learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from seqlab.contracts import Batch, Spec, Split, at_once, numpy_stream
from seqlab.errors import TextError
from seqlab.tasks._base import Task
from seqlab.tasks._data import Data
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import SHARE, Metric
from seqlab.tasks.text._pieces import tensor_of
from seqlab.tasks.text._splitting import split
from seqlab.text import Reading, Vocabulary, encode_corpus, load_corpus
from seqlab.text.corpora import absolute
from seqlab.text.reading import Form, LineEnds, Normalisation
from seqlab.text.tokens import Tokens
from seqlab.text.vocabulary import Codes


class NearWords(Task):
    r"""Given a word of a text, say which words stand at most ``window`` words from it, before or behind.

    Frequent words, and the signs between words, tell little of their neighbours: before anything else is
    done, a token of frequency f stays in the text with the probability sqrt(subsample / f), drawn anew for
    every pass. How far the neighbours of a word may be is drawn for each word from 1 to ``window``, so that
    near ones count more (Mikolov et al. 2013). A sequence is one word with its neighbours: the word is read
    2 ``window`` times, and each time a neighbour is the target, where there is one.

    The first 90 % of the text are for training, the rest is held out; validation and test are the same. The
    loss is in nats per neighbour. Guessing answers with the frequencies of the training text.

    Args:
        corpus: ``shakespeare``, ``python``, ``miniature``, or the path of a text file or folder, which the
            settings keep absolute.
        glob: which files of a folder to read.
        encoding: of a path's files: utf-8, utf-16, cp949, latin-1, ...
        normalisation: ``NFC`` or ``NFKC`` brings the text into that Unicode form.
        line_ends: ``lf`` makes all lines end with a line feed; ``keep`` leaves carriage returns.
        tokens: ``word`` (words, and each sign between), ``char`` or ``byte``.
        rare: tokens seen less often than this are one symbol, which prints as U+FFFD; 0 keeps all.
        window: how far apart words are still neighbours.
        subsample: the frequency from which on tokens are left out.

    Attributes:
        vocabulary: the tokens of the whole text, with counts.
        data: what a run records of the text.

    Raises:
        TextError: when there is no such text, it is in another encoding, or it is too short.
    """

    metrics = (
        Metric("perplexity", False, (1.0, None)),
        Metric("accuracy", True, SHARE),
        Metric("loss", False, (0.0, None)),
    )
    has_test = False
    reads = "corpus"
    vocabulary: Vocabulary

    def __init__(
        self,
        *,
        corpus: Annotated[str, AfterValidator(absolute)] = "shakespeare",
        glob: str = "*",
        encoding: str = "utf-8",
        normalisation: Normalisation = "none",
        line_ends: LineEnds = "lf",
        tokens: Tokens = "word",
        rare: Annotated[int, Field(ge=0)] = 5,
        window: Annotated[int, Field(ge=1, le=100)] = 3,
        subsample: Annotated[float, Field(gt=0, le=1)] = 1e-3,
    ) -> None:
        found = load_corpus(corpus, glob=glob)
        read = encode_corpus(found, Reading(encoding, Form(normalisation, line_ends), tokens, rare))
        self.window, self.subsample, self.vocabulary = window, subsample, read.vocabulary
        symbols = len(read.vocabulary)
        self.spec = Spec("tokens", symbols, "classes", symbols, causal=True)
        self._read = read  # for as long as it is used, it is shared with other tasks of the process
        self._training, self._held_out = split(read.codes, read.vocabulary, "position")
        if len(self._held_out) < 2:
            raise TextError(
                f"The text {corpus!r} is too short to train on 90 % and test on the rest.",
                hint="Give a longer text; `miniature` is one that is always there.",
            )
        self.data = Data(found.name, found.source, read.sha256, found.stands_in_for, found.reason)
        self._thinned = lru_cache(maxsize=2)(self._thin)

    def text(self, split: Split) -> Codes:
        """Return the tokens of a split, in order."""
        return self._training if split == "train" else self._held_out

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return ``size`` words, each with its neighbours, (B, 2 window)."""
        a_pass = max(1, int(self._expected[split == "train"] // size))
        epoch, place = divmod(index, a_pass)
        text, order = self._thinned(split, epoch, seed)
        middle = order[np.arange(place * size, (place + 1) * size) % len(order)][:, None]
        random = numpy_stream(seed, "near-words", split, "reach", index)
        reach = random.integers(1, self.window + 1, (size, 1))
        apart = np.concatenate([np.arange(-self.window, 0), np.arange(1, self.window + 1)])
        other = middle + apart  # (B, 2 window)
        there = (np.abs(apart) <= reach) & (other >= 0) & (other < len(text))
        near = text[other.clip(0, len(text) - 1)]
        return Batch(
            tensor_of(np.broadcast_to(text[middle], near.shape)), tensor_of(near), torch.from_numpy(there)
        )

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the fixed set on which a model is judged, so many words at a time as can be answered."""
        size = min(sequences, 512, at_once(len(self.vocabulary) * 2 * self.window))
        for index in range(-(-sequences // size)):
            yield self.batch(split, index, size, seed)

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` the thinned training text is read once."""
        return self._expected[True] / size

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what the frequencies of the training text come to."""
        text, _ = self._thinned("train", 0, seed)
        counts = np.bincount(text, minlength=len(self.vocabulary)) + 0.5  # what did not come has half a count
        nats, commonest = -np.log(counts / counts.sum()), counts.argmax()
        total = {"loss": 0.0, "targets": 0.0, "correct": 0.0}
        for batch in self.evaluation("test", sequences, seed):
            targets = batch.targets[batch.mask].numpy()
            total["loss"] += nats[targets].sum()
            total["targets"] += len(targets)
            total["correct"] += (targets == commonest).sum()
        return Guess("1-gram", self.figures(total))

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the loss in nats per neighbour, the perplexity, and how often the likeliest was right."""
        loss = float(total["loss"] / total["targets"])
        accuracy = float(total["correct"] / total["targets"])
        return {"perplexity": float(np.exp(min(loss, 700.0))), "accuracy": accuracy, "loss": loss}

    def _thin(self, split: Split, epoch: int, seed: int) -> tuple[Codes, NDArray[np.int64]]:
        """Return the text of a pass, without some of its frequent tokens, and an order of its places."""
        text, random = self.text(split), numpy_stream(seed, "near-words", split, "thinning", epoch)
        stays = random.random(len(text)) < self._stays[text]
        stays[:2] |= not stays.any()  # of a text of a few tokens something is left
        thinned = text[stays]
        return thinned, random.permutation(len(thinned))

    @cached_property
    def _stays(self) -> NDArray[np.float64]:
        """The probability with which each token stays, by its frequency in the training text."""
        counts = np.bincount(self._training, minlength=len(self.vocabulary))
        return np.minimum(1.0, np.sqrt(self.subsample * len(self._training) / np.maximum(counts, 1)))

    @cached_property
    def _expected(self) -> dict[bool, float]:
        """How many tokens of the held-out and of the training text stay in the mean."""
        return {split == "train": float(self._stays[self.text(split)].sum()) for split in ("test", "train")}
