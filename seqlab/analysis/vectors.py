"""Which symbols a model reads as nearly the same: the cosine of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqlab.errors import SettingsError, TextError, UsageError, nearest
from seqlab.models import SequenceModel
from seqlab.text import Vocabulary


@dataclass(frozen=True)
class Query:
    """A sum of vectors: of one word, or an analogy such as king - man + woman.

    Attributes:
        plus: words that are added.
        minus: words that are taken off.
    """

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " - ".join([" + ".join(self.plus), *self.minus])


@dataclass(frozen=True)
class Neighbour:
    """A word near what was asked for.

    Attributes:
        word: as the vocabulary has it.
        cosine: between its vector and the query.
        seen: how often it stands in the text.
    """

    word: str
    cosine: float
    seen: int


def queries(words: Sequence[str]) -> list[Query]:
    """Take what was asked for apart: words by themselves or, with signs between them, one sum.

    Raises:
        UsageError: when a sign has no word behind it, or a sum begins with one.

    >>> list(map(str, queries(["he", "two"]))), list(map(str, queries("king - man + woman".split())))
    (['he', 'two'], ['king + woman - man'])
    """
    if not {"+", "-"} & set(words):
        return [Query((word,)) for word in words]
    signs, terms = ["+", *words[1::2]], words[::2]
    if len(words) % 2 == 0 or not set(signs) <= {"+", "-"} or {"+", "-"} & set(terms):
        raise UsageError(
            f"{' '.join(words)!r} is no sum of words.", hint="Write it with spaces: king - man + woman"
        )
    plus, minus = (
        tuple(term for sign, term in zip(signs, terms, strict=True) if sign == wanted) for wanted in "+-"
    )
    return [Query(plus, minus)]


def vectors_of(model: SequenceModel, name: str) -> Tensor:
    """Return the vectors as which a model reads its symbols, (V, D), of length 1.

    Raises:
        SettingsError: when it has none.
    """
    vectors = model.vectors()
    if vectors is None:
        raise SettingsError(
            f"The model {name} reads no symbols as vectors.",
            hint="Train one that does: seqlab train word-vectors",
        )
    return torch.nn.functional.normalize(vectors.detach().float(), dim=1)


def neighbours(vectors: Tensor, vocabulary: Vocabulary, query: Query, count: int) -> list[Neighbour]:
    """Return the words nearest to a query, the nearest first; those of the query are left out.

    Vectors count by their direction: the query is the sum of vectors of length 1 (Mikolov, Yih & Zweig,
    "Linguistic regularities in continuous space word representations", 2013).

    Args:
        vectors: (V, D), of length 1.
        vocabulary: what they stand for.
        query: what is asked for.
        count: how many, at most.

    Raises:
        TextError: when a word is not in the vocabulary.
    """
    plus, minus = ([_number(vocabulary, word) for word in words] for words in (query.plus, query.minus))
    wanted = vectors[plus].sum(0) - vectors[minus].sum(0)
    cosines = vectors @ torch.nn.functional.normalize(wanted, dim=0)
    left_out = [*plus, *minus, *([] if vocabulary.rare is None else [vocabulary.rare])]
    cosines[left_out] = -torch.inf
    best = cosines.topk(max(0, min(count, len(vocabulary) - len(set(left_out)))))
    return [
        Neighbour(vocabulary.symbols[number], cosine, vocabulary.counts[number])
        for cosine, number in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _number(vocabulary: Vocabulary, word: str) -> int:
    """Return the number of a word; one that is not known is refused, and the nearest spelled offered."""
    if word in vocabulary:
        return vocabulary.symbols.index(word)
    near = nearest(word, vocabulary.symbols)
    raise TextError(
        f"The word {word!r} is none of the {len(vocabulary):,} that the model knows.",
        hint=f"Did you mean {near!r}?" if near else "Capitals count; rare words are known as one only.",
    )
