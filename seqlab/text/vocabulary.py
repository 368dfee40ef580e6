"""Characters as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqlab.errors import TextError

Codes = NDArray[np.unsignedinteger | np.signedinteger]


@dataclass(frozen=True)
class Vocabulary:
    """The characters of a text, in the order of their code points; a character's number is its place.

    Two texts with the same characters have the same vocabulary, and a list of the symbols is all that is
    needed to have it back: ``Vocabulary(tuple(symbols))``.

    Attributes:
        symbols: single characters, ascending.

    Raises:
        TextError: when the symbols are not single, different, ascending characters.

    >>> vocabulary = Vocabulary.of("hello")
    >>> vocabulary.symbols
    ('e', 'h', 'l', 'o')
    >>> vocabulary.encode("hello")
    array([1, 0, 2, 2, 3], dtype=uint8)
    >>> vocabulary.decode([1, 0, 2, 2, 3])
    'hello'
    """

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.symbols:
            raise TextError("A vocabulary needs at least one character.")
        for symbol in self.symbols:
            if not isinstance(symbol, str) or len(symbol) != 1:
                raise TextError(f"{symbol!r} in the vocabulary is not a single character.")
        for before, after in zip(self.symbols, self.symbols[1:], strict=False):
            if before >= after:
                raise TextError(
                    f"The vocabulary is not in ascending order: {after!r} stands behind {before!r}."
                )

    @classmethod
    def of(cls, text: Iterable[str]) -> Vocabulary:
        """Return the vocabulary of a text."""
        return cls(tuple(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.symbols)

    def to_list(self) -> list[str]:
        """Return the symbols as a plain list, for JSON."""
        return list(self.symbols)

    @classmethod
    def from_list(cls, symbols: Sequence[str]) -> Vocabulary:
        """Return the vocabulary that :meth:`to_list` wrote."""
        return cls(tuple(symbols))

    def encode(self, text: str) -> Codes:
        """Return the numbers of the characters, in the smallest of uint8, uint16 and int32 that holds them.

        Args:
            text: any text made of the vocabulary's characters; may be empty.

        Returns:
            (len(text),) numbers from 0.

        Raises:
            TextError: naming the first character that is not in the vocabulary, and its position.
        """
        points = _code_points(text)
        places = np.minimum(np.searchsorted(self._points, points), len(self) - 1)
        unknown = np.flatnonzero(self._points[places] != points)
        if len(unknown):
            position = int(unknown[0])
            raise TextError(
                f"The character {text[position]!r} (U+{ord(text[position]):04X}) at position {position + 1} "
                f"is none of the {len(self)} characters of the vocabulary.",
                hint=f"Leave it out, or use text made of: {self._shown()}",
            )
        return places.astype(_smallest(len(self)))

    def decode(self, codes: ArrayLike) -> str:
        """Return the text of numbers (N,).

        Raises:
            ValueError: when a number belongs to no character.
        """
        places = np.asarray(codes, dtype=np.int64).ravel()
        if len(places) and not (places.min() >= 0 and places.max() < len(self)):
            raise ValueError(f"codes must lie in 0..{len(self) - 1}, got {places.min()}..{places.max()}")
        return self._points[places].tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def _points(self) -> NDArray[np.uint32]:
        return _code_points("".join(self.symbols))

    def _shown(self, most: int = 80) -> str:
        shown = repr("".join(self.symbols[:most]))
        return shown if len(self) <= most else f"{shown} and {len(self) - most} more"


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _smallest(size: int) -> type[np.uint8 | np.uint16 | np.int32]:
    return np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32
