"""How people feel about a word, from its letters."""

from __future__ import annotations

import hashlib
import importlib.util
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import NotInstalledError
from seqlab.tasks._base import Task
from seqlab.tasks._data import Data
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import LOSS, MSE, SEQUENCES, Metric
from seqlab.text import Vocabulary

PACKAGE, LEXICON = "vaderSentiment", "vader_lexicon.txt"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BEGINNING = 5
"""Letters by which words are relatives, which may be held out together: foolishly, foolishness."""

Relatives = Literal["split", "together"]


class Words(NamedTuple):
    """Words and their scores.

    Attributes:
        words: of letters a to z.
        scores: (N,), the mean over people who were asked.
    """

    words: tuple[str, ...]
    scores: NDArray[np.float32]


class WordSentiment(Task):
    """Read a word letter by letter, and say at its end how people feel about it.

        foolishly -1.8        treasure 1.2        freedom 3.2

    The words are those of letters a to z in the lexicon of VADER, which ten people scored from -4 to 4 (Hutto
    & Gilbert, "VADER: a parsimonious rule-based model for sentiment analysis of social media text", 2014); it
    comes with the package vaderSentiment, of which nothing is run. A tenth of the words is for validation and
    a tenth for the test: which, is a matter of a hash. ``rank_correlation`` is Spearman's, over all held-out
    words.

    Guessing is a bag of letters: ridge regression on how often each letter stands in a word, in closed form.
    What a network has above it, it has from the order of letters.

    Args:
        relatives: whether words that begin with the same five letters are ``split`` like all others, so that
            foolishness may be asked for where foolishly was learned, or stay ``together``.
        ridge: what the bag of letters weighs its squared weights with.

    Raises:
        TextError: when the package is not installed.
    """

    vocabulary: Vocabulary
    metrics = (Metric("rank_correlation", True, (-1.0, 1.0), "rank correlation"), MSE, SEQUENCES, LOSS)

    def __init__(self, *, relatives: Relatives = "split", ridge: Annotated[float, Field(gt=0)] = 1.0) -> None:
        path = lexicon()
        read = path.read_bytes()
        self.ridge = ridge
        self.vocabulary = Vocabulary.of(LETTERS)
        self.spec = Spec("tokens", len(LETTERS), "values", 1, causal=False)
        self.data = Data(LEXICON, str(path), hashlib.sha256(read).hexdigest())
        words = _scored(read.decode("utf-8"))
        splits = np.array([_split(word, relatives) for word in words.words])
        self._parts = {
            split: Words(
                tuple(word for word, own in zip(words.words, splits, strict=True) if own == split),
                words.scores[splits == split],
            )
            for split in ("train", "validation", "test")
        }
        self._codes = {split: self._coded(part.words) for split, part in self._parts.items()}

    def words(self, split: Split) -> Words:
        """Return the words of a split."""
        return self._parts[split]

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return words drawn at random, (B, T), PAD in front of shorter ones."""
        stream = numpy_stream(seed, "word-sentiment", split, index)
        return self._batch(split, stream.integers(len(self.words(split).words), size=size))

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield all words of a split at once; ``sequences`` and ``seed`` have no say."""
        yield self._batch(split, np.arange(len(self.words(split).words)))

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many words are read as there are."""
        return len(self.words("train").words) / size

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what a bag of letters comes to."""
        training, test = self.words("train"), self.words("test")
        x, mean = _bags(training.words), training.scores.mean()
        weights = np.linalg.solve(x.T @ x + self.ridge * np.eye(len(LETTERS)), x.T @ (training.scores - mean))
        answers = torch.from_numpy(_bags(test.words) @ weights + mean)
        return Guess("bag of letters", self.figures(_counted(answers, torch.from_numpy(test.scores))))

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return whether each word is felt to be good or bad, and its length."""
        lengths = (batch.inputs != PAD).sum(1).tolist()
        return {
            "feeling": ["good" if score > 0 else "bad" for score in batch.targets.tolist()],
            "length": list(map(str, lengths)),
        }

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count the squared error, and the rank correlation of the batch for each of its words."""
        selected, targets = batch.select(outputs)
        return _counted(selected[:, 0], targets)

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return Spearman's rank correlation and the mean squared error."""
        count = total["sequences"]
        loss = total["loss"] / count
        return {
            "rank_correlation": total["rank_correlation"] / count,
            "mse": loss,
            "loss": loss,
            "sequences": int(count),
        }

    def _coded(self, words: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the letters of words, (N, T), PAD in front of shorter ones."""
        lengths = np.array([*map(len, words)])
        width = lengths.max()
        codes = np.full((len(words), width), PAD, np.int64)
        codes[np.arange(width) >= width - lengths[:, None]] = self.vocabulary.encode("".join(words))
        return codes

    def _batch(self, split: Split, chosen: NDArray[np.int64]) -> Batch:
        inputs = self._codes[split][chosen]
        inputs = np.ascontiguousarray(inputs[:, (inputs != PAD).any(0)])  # as wide as the longest
        mask = np.zeros(inputs.shape, bool)
        mask[:, -1] = True
        scores = self.words(split).scores[chosen]
        return Batch(torch.from_numpy(inputs), torch.from_numpy(scores), torch.from_numpy(mask))


def lexicon() -> Path:
    """Return where the lexicon lies.

    Raises:
        TextError: when the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)  # which looks for the package and does not import it
    places = (
        [] if found is None else [Path(place) / LEXICON for place in found.submodule_search_locations or ()]
    )
    for path in places:
        if path.is_file():
            return path
    raise NotInstalledError(
        f"The words are those of the package {PACKAGE}, which is not installed.",
        hint="pip install 'seqlab[sentiment]'",
    )


@cache
def _scored(lines: str) -> Words:
    """Return the words of the lexicon's lines: token, mean, standard deviation, all answers, with tabs."""
    entries = (line.split("\t") for line in lines.splitlines())
    scores = {
        entry[0]: float(entry[1]) for entry in entries if len(entry) > 1 and set(entry[0]) <= set(LETTERS)
    }
    return Words(tuple(scores), np.array(list(scores.values()), np.float32))


def _split(word: str, relatives: Relatives) -> Split:
    key = word[:BEGINNING] if relatives == "together" else word
    splits: dict[int, Split] = {0: "validation", 1: "test"}
    return splits.get(zlib.crc32(key.encode()) % 10, "train")


def _bags(words: tuple[str, ...]) -> NDArray[np.float64]:
    """Return how often each letter stands in each word, (N, 26)."""
    return np.array([[word.count(letter) for letter in LETTERS] for word in words], np.float64)


def _counted(answers: Tensor, scores: Tensor) -> Counter[str]:
    """Count what some answers are worth, both (N,)."""
    total, count = Counter[str](), len(scores)
    total["sequences"] = count
    total["loss"] = float((answers - scores).square().sum())  # type: ignore[assignment]
    total["rank_correlation"] = rank_correlation(answers, scores) * count  # type: ignore[assignment]
    return total


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Return Spearman's rank correlation; 0 where all of the one, or of the other, are the same.

    >>> rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.1, 0.3, 0.2]))
    0.5
    """
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(values.cpu().numpy()) for values in (one, other)])
    ranks -= ranks.mean(1, keepdims=True)
    scale = float(np.sqrt((ranks**2).sum(1).prod()))
    return float(ranks[0] @ ranks[1]) / scale if scale else 0.0
