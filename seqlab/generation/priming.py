"""A user's text as a model's symbols, with what to do about characters that the model does not know."""

from __future__ import annotations

import unicodedata
from typing import Literal

from seqlab.errors import TextError
from seqlab.text import Vocabulary
from seqlab.text.vocabulary import Codes

Unknown = Literal["refuse", "skip", "replace"]


def start_symbol(vocabulary: Vocabulary) -> str | None:
    """Return the symbol that stands for the start of a text: the end of a line, where there is one."""
    return "\n" if "\n" in vocabulary.symbols else None


def encode(vocabulary: Vocabulary, text: str, unknown: Unknown = "refuse") -> Codes:
    """Return the symbols of a text, (T,).

    Args:
        vocabulary: what the model knows.
        text: any text.
        unknown: what is done about a character that is not in the vocabulary: ``refuse`` the text, ``skip``
            the character, or ``replace`` it (:func:`known`).

    Raises:
        TextError: naming the first unknown character and its position, where such are refused.

    >>> vocabulary = Vocabulary.of("a be")
    >>> vocabulary.decode(encode(vocabulary, "é-B!", "replace"))
    'e b '
    >>> vocabulary.decode(encode(vocabulary, "bé-B", "skip"))
    'b'
    """
    if unknown == "replace":
        text = known(vocabulary, text)
    elif unknown == "skip":
        text = "".join(symbol for symbol in text if symbol in set(vocabulary.symbols))
    try:
        return vocabulary.encode(text)
    except TextError as error:
        raise TextError(
            error.message,
            hint="Add --unknown skip to leave such characters out, or --unknown replace to have the nearest "
            "known ones.",
        ) from None


def known(vocabulary: Vocabulary, text: str) -> str:
    """Replace unknown characters: by the letter without its marks, by its other case, else by a space.

    Where the vocabulary has no space, its first symbol is taken.
    """
    symbols = set(vocabulary.symbols)

    def nearest(symbol: str) -> str:
        plain = unicodedata.normalize("NFKD", symbol)[0]
        near = (symbol, plain, plain.swapcase(), " ", vocabulary.symbols[0])
        return next(one for one in near if one in symbols)

    return "".join(map(nearest, text))
