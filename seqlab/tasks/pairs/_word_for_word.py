"""A word-for-word translation: what each word comes with most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WordForWord:
    """For each word of one language one of the other.

    Attributes:
        words: the words of the one with those of the other.
    """

    words: Mapping[str, str]

    @classmethod
    def learned(cls, pairs: Sequence[Sequence[Sequence[str]]]) -> WordForWord:
        """Return what pairs of sentences, as words, show.

        For each word s it is the t with the greatest Dice coefficient, 2 n(s, t) / (n(s) + n(t)), of the
        numbers of sentences; of equal ones the first in order.

        >>> pairs = [("das haus", "the house"), ("das buch", "the book"), ("ein buch", "a book")]
        >>> words = WordForWord.learned([[text.split() for text in pair] for pair in pairs])
        >>> words.of("ein haus von tom".split())
        ['a', 'house', 'von', 'tom']
        """
        ones, others, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
        for source, target in pairs:
            here, there = set(source), set(target)
            ones.update(here)
            others.update(there)
            both.update((one, other) for one in here for other in there)
        best: dict[str, tuple[float, str]] = {}
        for (one, other), count in sorted(both.items()):
            dice = 2 * count / (ones[one] + others[other])
            if dice > best.get(one, (0.0, ""))[0]:
                best[one] = dice, other
        return cls({one: other for one, (_, other) in best.items()})

    def of(self, words: Sequence[str]) -> list[str]:
        """Return a sentence word for word; a word that is not known stays."""
        return [self.words.get(word, word) for word in words]
