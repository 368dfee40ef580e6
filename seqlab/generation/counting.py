"""The n-gram model read one symbol at a time, in NumPy, for one text or for several.

Of a context's continuations only a few were seen: they stand side by side among the sorted keys of an order,
so that p(w | h) = kept(hw) + weight(h) p(w | h') is one product with all of p and a sum into a few places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import PAD
from seqlab.models import State
from seqlab.models.counting.ngram import NGram

_ABSENT = -1


class FastNGram:
    """An n-gram model with what it has read, advanced symbol by symbol.

    Args:
        model: the model.
        state: the order - 1 symbols read last, of one row.
    """

    def __init__(self, model: NGram, state: State) -> None:
        self.V, self.levels = model.spec.input_size, _levels(model)
        self.contexts = [0] + [_ABSENT] * (model.order - 1)  # ids of the grams of 0, 1, ... symbols read last
        for symbol in state[0][0][0].tolist():
            if symbol != PAD:
                self._advance(symbol)

    def read(self, symbol: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read a symbol; return the log-probabilities of the next, (V,)."""
        self._advance(int(symbol))
        return self.scores()

    def keep(self, rows: NDArray[np.integer]) -> None:
        """One text has no other row to go on with."""
        assert len(rows) == 1

    def scores(self) -> NDArray[np.float32]:
        """Return the log-probabilities of the next symbol, (V,)."""
        probability = np.full(self.V, 1 / self.V)
        for (keys, kept, weight), context in zip(self.levels, self.contexts, strict=True):
            if context == _ABSENT:
                break  # nor was any longer one seen
            probability *= weight[context]
            first, last = np.searchsorted(keys, (context * self.V, (context + 1) * self.V))
            probability[keys[first:last] - context * self.V] += kept[first:last]
        scores: NDArray[np.float32] = np.log(probability).astype(np.float32)
        return scores

    def _advance(self, symbol: int) -> None:
        """Find the grams that end with the symbol: that of k symbols follows that of k - 1 before it."""
        grams = [0]
        for (keys, *_), context in zip(self.levels[:-1], self.contexts[:-1], strict=True):
            key = context * self.V + symbol
            place = int(np.searchsorted(keys, key)) if context != _ABSENT else _ABSENT
            grams.append(place if place != _ABSENT and keys[place] == key else _ABSENT)
        self.contexts = grams


class FastNGrams:
    """The same for several texts that go on side by side from one place.

    Args:
        model: the model.
        state: the order - 1 symbols read last, of so many rows or of one for all.
        rows: how many texts.
    """

    def __init__(self, model: NGram, state: State, rows: int) -> None:
        self.V, self.levels = model.spec.input_size, _levels(model)
        self.rows = np.arange(rows)
        ((read,),) = state
        each = [FastNGram(model, ((row[None],),)).contexts for row in read]
        self.contexts = [np.resize(np.array(contexts), rows) for contexts in zip(*each, strict=True)]

    def read(self, symbols: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read a symbol of each text, (rows,); return the log-probabilities of the next, (rows, V)."""
        grams = [np.zeros_like(self.rows)]
        for (keys, *_), context in zip(self.levels[:-1], self.contexts[:-1], strict=True):
            key = context * self.V + symbols
            place = keys.searchsorted(key)
            grams.append(np.where((context != _ABSENT) & (keys[place] == key), place, _ABSENT))
        self.contexts = grams
        probability = np.full((len(self.rows), self.V), 1 / self.V)
        for (keys, kept, weight), context in zip(self.levels, self.contexts, strict=True):
            probability *= weight[context][:, None]  # the last is that of an absent one, 1
            first, last = keys.searchsorted([context * self.V, (context + 1) * self.V])
            number = last - first  # of grams that go on from each context
            row = self.rows.repeat(number)
            place = np.arange(len(row)) + (last - number.cumsum())[row]
            probability[row, keys[place] - context[row] * self.V] += kept[place]
        scores: NDArray[np.float32] = np.log(probability).astype(np.float32)
        return scores

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with chosen rows."""
        self.contexts = [context[rows] for context in self.contexts]


def _levels(model: NGram) -> list[tuple[NDArray[Any], ...]]:
    """Return keys, kept and weight of each order."""
    return [tuple(array.detach().cpu().numpy() for array in level) for level in model.levels()]
