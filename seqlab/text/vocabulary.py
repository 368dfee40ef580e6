"""Tokens as numbers."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqlab.errors import TextError
from seqlab.text.reading import DOCUMENT, USUAL, Form
from seqlab.text.tokens import BYTES, Tokens, as_bytes, code_points, count, join, split

Codes = NDArray[np.unsignedinteger | np.signedinteger]

RARE = "\ufffd"
"""The symbol into which rare ones are folded, and what it prints as: Unicode's replacement character."""

_UNKNOWN = -1


@dataclass(frozen=True)
class Vocabulary:
    """The different tokens of a text, in the order of their code points; a token's number is its place.

    It is all that is needed to go from text to numbers and back; a run keeps it.

    Attributes:
        symbols: ascending; single characters, all 256 bytes (:data:`seqlab.text.tokens.BYTES`), or words.
        tokens: of which kind they are.
        form: into which a text is brought first.
        counts: how often each stands in the text that the vocabulary was made of; empty where it is unknown.
        folded: how many different rare tokens :data:`RARE` stands for; 0 where none were folded. With it,
            every text can be encoded: what is unknown is rare.
        folded_length: characters of an occurrence of such a token, in the mean.

    Raises:
        TextError: when the symbols are not different, ascending tokens of their kind.

    >>> vocabulary = Vocabulary.of("hello")
    >>> vocabulary.symbols, vocabulary.counts
    (('e', 'h', 'l', 'o'), (1, 1, 2, 1))
    >>> vocabulary.encode("hello")
    array([1, 0, 2, 2, 3], dtype=uint8)
    >>> vocabulary.decode([1, 0, 2, 2, 3])
    'hello'
    """

    symbols: tuple[str, ...]
    tokens: Tokens = "char"
    form: Form = USUAL
    counts: tuple[int, ...] = field(default=(), compare=False)
    folded: int = 0
    folded_length: float = 1.0

    def __post_init__(self) -> None:
        if not self.symbols:
            raise TextError("A vocabulary needs at least one character.")
        if self.tokens not in get_args(Tokens):
            raise TextError(f"A vocabulary of {self.tokens!r} is none that is known.")
        for symbol in self.symbols:
            if not isinstance(symbol, str) or not symbol or (self.tokens == "char" and len(symbol) != 1):
                kind = "word" if self.tokens == "word" else "single character"
                raise TextError(f"{symbol!r} in the vocabulary is not a {kind}.")
        for before, after in zip(self.symbols, self.symbols[1:], strict=False):
            if before >= after:
                raise TextError(
                    f"The vocabulary is not in ascending order: {after!r} stands behind {before!r}."
                )
        if self.tokens == "byte" and self.symbols != BYTES:
            raise TextError("A vocabulary of bytes holds all 256.")
        if self.counts and len(self.counts) != len(self.symbols):
            raise TextError(f"There are {len(self.symbols)} symbols, but {len(self.counts)} counts.")
        if self.folded and RARE not in self.symbols:
            raise TextError("The vocabulary lacks the symbol of rare tokens.")

    @classmethod
    def of(cls, text: Iterable[str]) -> Vocabulary:
        """Return the vocabulary of a text's characters; with carriage returns where it has such."""
        counts = count(["".join(text)], "char")
        return cls.counted(counts, form=Form(line_ends="keep" if "\r" in counts else "lf"))

    @classmethod
    def counted(
        cls,
        counts: Mapping[str, int],
        tokens: Tokens = "char",
        form: Form = USUAL,
        rare: int = 0,
        also: str = "",
    ) -> Vocabulary:
        """Return the vocabulary of counted tokens.

        Args:
            counts: how often each token was seen.
            tokens: their kind.
            form: that they are in.
            rare: tokens seen less often than this are folded into :data:`RARE`, and so is that itself where
                the text holds it.
            also: a text whose tokens are in the vocabulary, too, and are never rare.

        Raises:
            TextError: when everything is rare, or bytes are to be folded.

        >>> Vocabulary.counted({"a": 9, "b": 2, "c": 1}, rare=3).symbols
        ('a', '\ufffd')
        """
        known = dict.fromkeys(split(also, tokens), 0) if tokens != "byte" else {}
        folded = {
            token: number
            for token, number in counts.items()
            if (number < rare and token not in known) or token == RARE
        }
        if rare <= 1 or len(folded) == (RARE in folded):
            folded = {}
        elif tokens == "byte":
            raise TextError("Bytes are never rare.", hint="Leave task.rare out, or take task.tokens=char.")
        elif len(folded) == len(counts):
            raise TextError(
                f"Nothing in the text is seen {rare} times, so all would be folded into one symbol.",
                hint=f"Give a smaller task.rare; the most frequent is seen {max(counts.values())} times.",
            )
        kept = known | {token: number for token, number in counts.items() if token not in folded}
        occurrences = sum(folded.values())
        length = 1.0
        if folded:
            kept[RARE] = occurrences
            length = sum(len(token) * number for token, number in folded.items()) / occurrences
        symbols = tuple(sorted(kept))
        numbers = tuple(kept[symbol] for symbol in symbols)
        return cls(symbols, tokens, form, numbers, len(folded), length)

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._numbers

    def to_data(self) -> dict[str, Any]:
        """Return all of it as plain data, for JSON."""
        return {
            "tokens": self.tokens,
            **asdict(self.form),
            "folded": self.folded,
            "folded_length": self.folded_length,
            "symbols": list(self.symbols) if self.tokens != "byte" else None,  # half characters are no JSON
            "counts": list(self.counts),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Vocabulary:
        """Return the vocabulary that :meth:`to_data` wrote.

        Raises:
            TextError: when the data is none.
        """
        try:
            symbols = BYTES if data["tokens"] == "byte" else tuple(data["symbols"])
            before = "keep" if "\r" in symbols else "lf"  # versions that wrote no line_ends kept them
            return cls(
                symbols,
                data["tokens"],
                Form(data["normalisation"], data.get("line_ends", before)),
                tuple(map(int, data["counts"])),
                int(data["folded"]),
                float(data["folded_length"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TextError(f"This is no vocabulary: {type(error).__name__}: {error}.") from None

    def split(self, text: str) -> list[str]:
        """Return the tokens of a text, known or not."""
        return split(self.form.of(text), self.tokens)

    def encode(self, text: str) -> Codes:
        """Return the numbers of a text's tokens, in the smallest of uint8, uint16 and int32 that holds them.

        Args:
            text: any text made of the vocabulary's tokens; may be empty. What is not in the vocabulary is
                rare, where there is a symbol for such.

        Returns:
            (T,) numbers from 0.

        Raises:
            TextError: naming the first token that is not in the vocabulary, and the position in the text
                where it begins.
        """
        text = self.form.of(text)
        if self.tokens == "byte":
            return as_bytes(text)
        if self.tokens == "word":
            words = split(text, "word")
            numbers = np.fromiter(map(self._number, words), np.int32, len(words))
        else:
            numbers = self._table[np.minimum(code_points(text), len(self._table) - 1)]
        if len(numbers) and numbers.min() == _UNKNOWN:
            place = int(np.argmax(numbers == _UNKNOWN))
            if self.tokens == "word":
                raise self._unknown(words[place], sum(map(len, words[:place])))
            raise self._unknown(text[place], place)
        return numbers.astype(self.dtype)

    def encode_units(self, units: Sequence[str]) -> Codes:
        """Return the numbers of tokens that are known, or rare."""
        return np.fromiter(map(self._number, units), np.int32, len(units)).astype(self.dtype)

    def decode(self, codes: ArrayLike) -> str:
        """Return the text of numbers (N,); bytes that are no UTF-8 become the replacement character.

        Raises:
            ValueError: when a number belongs to no token.
        """
        places = np.asarray(codes, dtype=np.int64).ravel()
        if len(places) and not (places.min() >= 0 and places.max() < len(self)):
            raise ValueError(f"codes must lie in 0..{len(self) - 1}, got {places.min()}..{places.max()}")
        return join([self.symbols[place] for place in places.tolist()], self.tokens)

    def stream(self, codes: Iterable[int]) -> Iterator[str]:
        """Yield the text of numbers as they come, a character of several bytes once it is whole."""
        if self.tokens != "byte":
            yield from (self.symbols[code] for code in codes)
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for code in codes:
            yield decoder.decode(bytes([code]))
        yield decoder.decode(b"", final=True)

    def as_text(self) -> str:
        """Return a text that is made of just these tokens, for ``also`` of :meth:`counted`.

        >>> Vocabulary.of("hello").as_text()
        'ehlo'
        """
        return {"char": "", "word": " ", "byte": ""}[self.tokens].join(
            self.symbols if self.tokens != "byte" else ()
        )

    def lengths(self) -> NDArray[np.float64]:
        """Return how many characters each token has, (V,): of a byte 1 where it begins one, else 0."""
        if self.tokens == "byte":
            return np.where(np.arange(256) & 0xC0 == 0x80, 0.0, 1.0)
        lengths = np.array([len(symbol) for symbol in self.symbols], np.float64)
        if self.folded:
            lengths[self._numbers[RARE]] = self.folded_length
        return lengths

    @property
    def start(self) -> str | None:
        """The symbol that stands for the start of a text: of a document, else of a line; or None."""
        marked = self.counts and self.counts[self._numbers[DOCUMENT]] if DOCUMENT in self else 0
        return DOCUMENT if marked else "\n" if "\n" in self else None

    @property
    def rare(self) -> int | None:
        """The number of the symbol of rare tokens, where some were folded."""
        return self._numbers[RARE] if self.folded else None

    @property
    def dtype(self) -> type[np.uint8 | np.uint16 | np.int32]:
        """The smallest type of integers that holds the numbers."""
        size = len(self)
        return np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def _number(self, symbol: str) -> int:
        return self._numbers.get(symbol, self._otherwise)

    @cached_property
    def _otherwise(self) -> int:
        return _UNKNOWN if self.rare is None else self.rare

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """Return the number of every code point up to the greatest; the last entry is for those above it."""
        points = code_points("".join(self.symbols))
        table = np.full(int(points[-1]) + 2, self._otherwise, np.int32)
        table[points] = np.arange(len(self))
        return table

    def _unknown(self, token: str, place: int) -> TextError:
        named = f"character {token!r} (U+{ord(token):04X})" if len(token) == 1 else f"word {token!r}"
        kinds = "characters" if self.tokens == "char" else "words and signs"
        hint = "Leave it out"
        if self.tokens == "char":
            hint += f", or use text made of: {self._shown()}"
        return TextError(
            f"The {named} at position {place + 1} is none of the {len(self)} {kinds} of the vocabulary.",
            hint=hint,
        )

    def _shown(self, most: int = 80) -> str:
        shown = repr("".join(self.symbols[:most]))
        return shown if len(self) <= most else f"{shown} and {len(self) - most} more"
