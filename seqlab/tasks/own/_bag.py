"""The baseline of labelled sequences: logistic regression on a bag of n-grams, or on what numbers come to."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seqlab.tasks.own._examples import Examples
from seqlab.tasks.own._scaling import means
from seqlab.text.tokens import Tokens, split

Floats = NDArray[np.float64]

FITTED_ON = 20_000
"""Examples of the training part that it is fitted to at most, evenly spaced."""

ORDERS = {"char": (1, 4), "byte": (1, 4), "word": (1, 2)}
"""The lengths of the n-grams, by what a token is."""

FEATURES = 50_000
"""N-grams that are told apart at most: the most frequent ones."""


def is_available() -> bool:
    """Say whether scikit-learn is installed."""
    return importlib.util.find_spec("sklearn") is not None


def bag_of(examples: Examples) -> str:
    """Return what the baseline is called."""
    return "bag of n-grams" if examples.texts else "summary of the numbers"


@dataclass(frozen=True)
class Question:
    """What the baseline is fitted to; two are the same by their first three.

    Attributes:
        sha256: of the examples.
        tokens: what the n-grams are made of.
        balanced: whether classes weigh the same, however many examples they have.
        examples: all of them.
        classes: of each, from 0 to C - 1.
        parts: of each: 0 for training, 2 for the test.
    """

    sha256: str
    tokens: Tokens
    balanced: bool
    examples: Examples = field(compare=False)
    classes: NDArray[np.int64] = field(compare=False)
    parts: NDArray[np.int64] = field(compare=False)


@lru_cache(maxsize=1)  # all seeds and trials of a process ask the same
def shares(asked: Question) -> Floats:
    """Return the probabilities of the classes for the test part, (N, C), fitted to the training part alone.

    N-grams are weighed by tf-idf, with logarithms of their counts; of numbers the mean, deviation, least,
    greatest, first and last of each column, and the length. Weights are penalised by their squares (C = 10).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = np.flatnonzero(asked.parts == 0)
    train = train[:: -(-len(train) // FITTED_ON)]
    learned, judged = (
        asked.examples.some(part.tolist()) for part in (train, np.flatnonzero(asked.parts == 2))
    )
    weight = "balanced" if asked.balanced else None
    regression = LogisticRegression(C=10.0, max_iter=300, tol=1e-3, class_weight=weight)
    if learned.texts:
        bag = make_pipeline(_vectorizer(asked.tokens), regression)
        bag.fit(learned.texts, asked.classes[train])
        said = bag.predict_proba(judged.texts)
    else:
        bag = make_pipeline(StandardScaler(), regression)
        mean = means(np.concatenate(learned.series))
        bag.fit(_summaries(learned.series, mean), asked.classes[train])
        said = bag.predict_proba(_summaries(judged.series, mean))
    found: Floats = np.full((len(judged), int(asked.classes.max()) + 1), 1e-9)
    found[:, bag.classes_] = said  # a class may have been passed over
    return np.asarray(found / found.sum(1, keepdims=True))


def _vectorizer(tokens: Tokens) -> object:
    from sklearn.feature_extraction.text import TfidfVectorizer

    low, high = ORDERS[tokens]

    def grams(text: str) -> Iterable[object]:
        units = split(text, tokens) if tokens == "word" else text
        for length in range(low, high + 1):
            yield from (tuple(units[at : at + length]) for at in range(len(units) - length + 1))

    if tokens == "word":
        return TfidfVectorizer(analyzer=grams, sublinear_tf=True, max_features=FEATURES)
    return TfidfVectorizer(
        analyzer="char", ngram_range=(low, high), lowercase=False, sublinear_tf=True, max_features=FEATURES
    )


def _summaries(series: Sequence[Floats], mean: Floats) -> Floats:
    """Return what sequences come to, (N, S); a gap is read as the mean, as the network reads it."""
    return np.array(
        [
            np.concatenate(
                [one.mean(0), one.std(0), one.min(0), one.max(0), one[0], one[-1], [np.log(len(one))]]
            )
            for one in (np.where(np.isnan(found), mean, found) for found in series)
        ]
    )
