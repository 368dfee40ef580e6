"""Interpolated modified Kneser-Ney n-gram models: the classical baseline of a language model.

A model of order n gives a symbol w after the context h, its n - 1 predecessors, the probability

    p(w | h) = max(c(hw) - D(c(hw)), 0) / sum_v c(hv)  +  weight(h) p(w | h')
    weight(h) = sum_v D(c(hv)) / sum_v c(hv)

where h' is h without its oldest symbol; below the unigrams stands the uniform distribution 1/V. At the
highest order c is the number of occurrences; below, it is the number of different symbols that were seen
before hw (its continuation count). After a context for which nothing was counted, weight(h) = 1 and only the
shorter context speaks. Each order has three discounts D(1), D(2), D(3 and more), see :func:`discounts`.

The grams are kept as a trie of sorted arrays: the k-gram hw has the key ``id(h) * V + w``, where ``id(h)`` is
the place of h among the sorted keys of order k - 1. A key is thus smaller than (length of the text) * V at
every order, and the k-grams of a whole text are looked up by one binary search each.

Source: Chen & Goodman, "An empirical study of smoothing techniques for language modeling", Computer Speech &
Language 13 (1999); n-gram models in KMU-8, eq. 8.47-8.48.

Shapes in comments: T symbols of a text, V symbols of the vocabulary, G_k different k-grams, N contexts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import SettingsError, TextError

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MAX_ORDER = 8
MAX_SYMBOLS = 100_000_000
"""Of a text that is counted: it takes some 70 bytes of memory a symbol."""

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)

_ABSENT = -1  # as an index it picks the last entry of a level's arrays: keep nothing, pass on everything
_LAST_KEY = np.iinfo(np.int64).max  # greater than any key, so that a search never ends behind the array


@dataclass(frozen=True, eq=False)
class Level:
    """The k-grams of one order k.

    Attributes:
        keys: (G_k + 1,) int64, sorted; the last entry is no gram.
        kept: (G_k + 1,) the discounted share ``(c(hw) - D) / sum_v c(hv)`` of a gram; 0 for an absent one.
        weight: (G_{k-1} + 1,) what a context leaves to the order below; 1 for an absent one.
    """

    keys: IntArray
    kept: FloatArray
    weight: FloatArray


@dataclass(frozen=True, eq=False)
class NGram:
    """An n-gram model; :func:`fit` makes one.

    Attributes:
        vocabulary_size: V, the number of symbols.
        levels: one :class:`Level` an order, unigrams first.
    """

    vocabulary_size: int
    levels: tuple[Level, ...]

    @property
    def order(self) -> int:
        """The n of n-gram: a symbol is predicted from its n - 1 predecessors."""
        return len(self.levels)

    def log_probabilities(self, symbols: NDArray[np.integer], *, block: int | None = None) -> FloatArray:
        """Return the natural logarithm of the probability of every symbol given those before it.

        The first symbol has no predecessor and is scored without context; drop it where a model that predicts
        the next symbol is compared, since such a model never predicts it.

        Args:
            symbols: (T,) integers in 0..V-1.
            block: None for one stream. Otherwise the context is cut as for a network that reads blocks of
                that many inputs from a zero state: inputs ``symbols[0:block]`` predict
                ``symbols[1:block + 1]``, inputs ``symbols[block:2 * block]`` the next ones, and a prediction
                sees the inputs of its own block only.

        Returns:
            (T,) nats, all at most 0.

        Raises:
            TextError: a symbol is outside the vocabulary.
            SettingsError: block is smaller than 1.
        """
        symbols = _checked(symbols, self.vocabulary_size)
        if block is not None and block < 1:
            raise SettingsError(f"A block holds at least 1 input, got {block}.")
        seen = np.arange(len(symbols))  # how many predecessors each prediction may use
        if block is not None:
            seen[1:] = seen[:-1] % block + 1
        probability: FloatArray = np.full(len(symbols), 1 / self.vocabulary_size)
        for length, (level, context, gram) in enumerate(self._walk(symbols)):
            within = seen >= length
            probability *= level.weight[np.where(within, context, _ABSENT)]
            probability += level.kept[np.where(within, gram, _ABSENT)]
        return np.asarray(np.log(probability))

    def _walk(self, symbols: IntArray) -> Iterator[tuple[Level, IntArray, IntArray]]:
        """Yield each order's level and, for every place of (..., T), the ids of context and gram."""
        gram = np.zeros_like(symbols)
        for k, level in enumerate(self.levels):
            context = gram
            if k > 0:  # the context of a place is the shorter gram that ends one place before
                context = np.full_like(gram, _ABSENT)
                context[..., 1:] = gram[..., :-1]
            gram = self._find(level, context, symbols)
            yield level, context, gram

    def _find(self, level: Level, context: IntArray, symbol: IntArray) -> IntArray:
        """Return the id of the gram (context, symbol) at that level, or -1."""
        key = context * self.vocabulary_size + symbol
        place = np.searchsorted(level.keys, key)
        found = (symbol >= 0) & (level.keys[place] == key)  # an absent context makes a negative key
        return np.where(found, place, _ABSENT)


def fit(symbols: NDArray[np.integer], vocabulary_size: int, order: int) -> NGram:
    """Count the n-grams of a text and return their model.

    Args:
        symbols: (T,) integers in 0..V-1, at least one.
        vocabulary_size: V; symbols that the text lacks get a probability too.
        order: the n of n-gram, 1 to 8. A text shorter than that is allowed.

    Raises:
        TextError: the text is empty or holds a symbol outside the vocabulary.
        SettingsError: the order or the vocabulary size is out of range.

    >>> model = fit(np.array([0, 1, 0, 1, 0, 2]), vocabulary_size=3, order=2)
    >>> np.exp(model.log_probabilities(np.array([0, 1]))).round(3)
    array([0.333, 0.5  ])
    """
    if not 1 <= order <= MAX_ORDER:
        raise SettingsError(f"The order of an n-gram model is 1 to {MAX_ORDER}, got {order}.")
    if vocabulary_size < 1:
        raise SettingsError(f"A vocabulary holds at least 1 symbol, got {vocabulary_size}.")
    check_countable(len(symbols))
    symbols = _checked(symbols, vocabulary_size)
    if len(symbols) == 0:
        raise TextError("An n-gram model cannot be made of an empty text.")
    levels: list[Level] = []
    gram = np.zeros(len(symbols) + 1, np.int64)  # the empty gram stands T + 1 times in the text
    keys, contexts = np.zeros(0, np.int64), 1
    for k in range(1, order + 1):
        # The i-th k-gram of the text begins with gram[i] and ends with gram[i+1], ids of (k-1)-grams.
        suffix = gram[1:]
        longer, first, gram_k, occurrences = np.unique(
            gram[:-1] * vocabulary_size + symbols[k - 1 :],
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        if k > 1:
            # Each different k-gram is one symbol seen before its suffix: continuation counts of order k-1.
            counts = np.bincount(suffix[first], minlength=len(keys))
            levels.append(_level(keys, counts, vocabulary_size, contexts))
            contexts = len(keys)
        keys, gram = longer, gram_k
    levels.append(_level(keys, occurrences, vocabulary_size, contexts))
    return NGram(vocabulary_size, tuple(levels))


def check_countable(symbols: int) -> None:
    """Raise a TextError when a text of so many symbols is too long to be counted."""
    if symbols > MAX_SYMBOLS:
        raise TextError(
            f"An n-gram model counts at most {MAX_SYMBOLS:,} symbols; there are {symbols:,}.",
            hint="Give a part of the text, or take a model that learns by gradient, such as lstm.",
        )


def commonest_next(text: NDArray[np.integer], read: NDArray[np.integer], vocabulary_size: int) -> IntArray:
    """Return what came most often in a text after the same two symbols, or, after unknown ones, at all.

    Args:
        text: (T,) symbols that are counted, at least one.
        read: (N,) symbols; the answer at a place is for the symbol that comes next.
        vocabulary_size: V.

    >>> commonest_next(np.array([0, 1, 2, 0, 1, 2, 1]), np.array([0, 1, 1]), vocabulary_size=3)
    array([1, 2, 1])
    """
    text, read = text.astype(np.int64), read.astype(np.int64)
    grams, counts = np.unique(
        (text[:-2] * vocabulary_size + text[1:-1]) * vocabulary_size + text[2:], return_counts=True
    )
    order = np.lexsort((-counts, grams // vocabulary_size))  # by context, there the commonest first
    contexts, first = np.unique(grams[order] // vocabulary_size, return_index=True)
    answers = grams[order][first] % vocabulary_size
    found: IntArray = np.full(len(read), np.bincount(text).argmax())
    if len(read) > 1 and len(contexts):
        wanted = read[:-1] * vocabulary_size + read[1:]
        place = np.minimum(np.searchsorted(contexts, wanted), len(contexts) - 1)
        found[1:] = np.where(contexts[place] == wanted, answers[place], found[1:])
    return found


def discounts(counts: IntArray) -> FloatArray:
    """Return the three discounts of one order.

    With n_j the number of grams that have the count j, and Y = n_1 / (n_1 + 2 n_2),

        D(j) = j - (j + 1) Y n_{j+1} / n_j      for j = 1, 2, 3;  D(3) serves all greater counts.

    The estimate needs every n_j > 0 and is of use only where all D(j) > 0, since else unseen symbols may be
    left without probability. Small texts and small vocabularies break this (the unigrams of many texts in
    characters do); then all three are j / 2, as in common toolkits. D(j) <= j always holds.

    Args:
        counts: (G,) the count of every gram of this order.

    Returns:
        (3,) D(1), D(2), D(3 and more).

    >>> discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).round(3)
    array([0.5 , 1.25, 1.  ])
    >>> discounts(np.array([1, 1, 2]))
    array([0.5, 1. , 1.5])
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if n.all():
        j = np.arange(1, 4)
        estimate = j - (j + 1) * (n[0] / (n[0] + 2 * n[1])) * n[1:] / n[:3]
        if np.all(estimate > 0):
            return np.asarray(estimate, np.float64)
    return np.array(FALLBACK_DISCOUNTS)


def _level(keys: IntArray, counts: IntArray, vocabulary_size: int, contexts: int) -> Level:
    """Return a level from its sorted keys (G_k,), their counts (G_k,) and the number of contexts."""
    context = keys // vocabulary_size
    taken = np.append(0.0, discounts(counts))[np.minimum(counts, 3)]
    total = np.bincount(context, counts, contexts)
    weight = np.ones(contexts + 1)
    np.divide(np.bincount(context, taken, contexts), total, out=weight[:-1], where=total > 0)
    kept = (counts - taken) / np.maximum(total, 1)[context]
    return Level(np.append(keys, _LAST_KEY), np.append(kept, 0.0), weight)


def _checked(symbols: NDArray[np.integer], vocabulary_size: int) -> IntArray:
    """Return the symbols as int64, or say which of them is none."""
    symbols = np.asarray(symbols)
    if symbols.ndim != 1:
        raise TextError(f"Symbols must have 1 dimension, got shape {symbols.shape}.")
    if symbols.size and not np.issubdtype(symbols.dtype, np.integer):
        raise TextError(f"Symbols must be integers, got {symbols.dtype}.")
    checked: IntArray = symbols.astype(np.int64)
    wrong = checked[(checked < 0) | (checked >= vocabulary_size)]
    if wrong.size:
        raise TextError(f"Symbol {wrong[0]} is outside the vocabulary of {vocabulary_size} symbols.")
    return checked
