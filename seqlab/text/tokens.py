"""What a model reads and writes one at a time: characters, bytes, or words.

    char    a character, which is one Unicode code point
    byte    a byte of the text in UTF-8: 256 symbols for all the scripts there are
    word    a word (letters, digits, underscores and combining marks), or any other character by itself

In each of them the tokens of a text, put behind one another, are the text.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Tokens = Literal["char", "byte", "word"]
UNITS: dict[Tokens, str] = {"char": "character", "byte": "byte", "word": "token"}
"""What one of them is called in messages; a sign between words is a token, too."""

BYTES = tuple(bytes([value]).decode("ascii", "surrogateescape") for value in range(256))
"""Bytes as symbols: those below 128 are ASCII, the others what Python calls surrogate escapes."""

_ABOVE = 0x20000


def split(text: str, tokens: Tokens) -> list[str]:
    """Return the tokens of a text, which put behind one another are the text.

    >>> split("The cat's 9 lives.", "word")
    ['The', ' ', 'cat', "'", 's', ' ', '9', ' ', 'lives', '.']
    >>> split("예a", "byte") == [*split("예", "byte"), "a"]
    True
    """
    if tokens == "word":
        return _split_words(text)
    if tokens == "byte":
        return list(text.encode("utf-8", "surrogatepass").decode("ascii", "surrogateescape"))
    return list(text)


def join(units: Iterable[str], tokens: Tokens) -> str:
    """Return the text of tokens; bytes that are no UTF-8 become the replacement character."""
    text = "".join(units)
    if tokens == "byte":
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def count(blocks: Iterable[str], tokens: Tokens) -> Counter[str]:
    """Return how often each token stands in a text that comes in blocks, none of which cuts a token."""
    if tokens == "word":
        words = Counter[str]()
        for block in blocks:
            words.update(_split_words(block))
        return words
    symbols = np.zeros(256, np.int64)
    for block in blocks:
        numbers = as_bytes(block) if tokens == "byte" else code_points(block)
        found = np.bincount(numbers, minlength=len(symbols))
        found[: len(symbols)] += symbols
        symbols = found
    if tokens == "byte":
        return Counter(dict(zip(BYTES, symbols.tolist(), strict=True)))
    return Counter({chr(point): int(symbols[point]) for point in np.flatnonzero(symbols)})


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the numbers of the characters of a text, (T,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def as_bytes(text: str) -> NDArray[np.uint8]:
    """Return the bytes of a text in UTF-8."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def _split_words(text: str) -> list[str]:
    """Return words and, each by itself, the characters between them."""
    if not text:
        return []
    in_word = _word_table()[np.minimum(code_points(text), _ABOVE)]  # (characters,)
    starts = [0, *(np.flatnonzero(~(in_word[1:] & in_word[:-1])) + 1).tolist()]
    return [text[start:end] for start, end in itertools.zip_longest(starts, starts[1:])]


@cache
def _word_table() -> NDArray[np.bool_]:
    """Say for every character whether it belongs to a word; above two planes all do (ideographs)."""
    kinds = (unicodedata.category(chr(point))[0] in "LNM" or chr(point) == "_" for point in range(_ABOVE))
    return np.fromiter(itertools.chain(kinds, [True]), np.bool_, _ABOVE + 1)
