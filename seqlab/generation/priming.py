"""A user's text as a model's symbols, with what to do about characters that the model does not know."""

from __future__ import annotations

import unicodedata
from typing import Literal

from seqlab.errors import TextError
from seqlab.text import Vocabulary
from seqlab.text.vocabulary import Codes

Unknown = Literal["refuse", "skip", "replace"]


def encode(vocabulary: Vocabulary, text: str, unknown: Unknown = "refuse") -> Codes:
    """Return the symbols of a text, (T,).

    Args:
        vocabulary: what the model knows.
        text: any text.
        unknown: what is done about a token that is not in the vocabulary: ``refuse`` the text, ``skip`` the
            token, or ``replace`` it (:func:`known`). A vocabulary with a symbol for rare tokens refuses none.

    Raises:
        TextError: naming the first unknown token and its position, where such are refused.

    >>> vocabulary = Vocabulary.of("a be")
    >>> vocabulary.decode(encode(vocabulary, "é-B!", "replace"))
    'e b '
    >>> vocabulary.decode(encode(vocabulary, "bé-B", "skip"))
    'b'
    """
    if unknown != "refuse":
        units = vocabulary.split(text)
        if unknown == "skip":
            return vocabulary.encode_units([unit for unit in units if unit in vocabulary])
        return vocabulary.encode_units([known(vocabulary, unit) for unit in units])
    try:
        return vocabulary.encode(text)
    except TextError as error:
        raise TextError(
            error.message,
            hint="Add --unknown skip to leave such out, or --unknown replace to have the nearest known ones.",
        ) from None


def known(vocabulary: Vocabulary, unit: str) -> str:
    """Return the nearest known token: without marks, in another case, the rare one, a space.

    Where the vocabulary has none of these, its first symbol is taken.

    >>> [known(Vocabulary.of("a be"), unit) for unit in "aÉB!"]
    ['a', 'e', 'b', ' ']
    """
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", unit) if not unicodedata.combining(sign))
    cases = (plain, plain.swapcase(), plain.lower(), plain.capitalize(), plain.upper())
    near = (unit, *cases, *(case[:1] for case in cases if vocabulary.tokens == "char"))
    if vocabulary.rare is not None:
        near += (vocabulary.symbols[vocabulary.rare],)
    return next((one for one in (*near, " ") if one in vocabulary), vocabulary.symbols[0])
