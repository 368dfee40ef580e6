"""Brackets: is a piece of Python or C, from the files of this machine, balanced?"""

from __future__ import annotations

import sysconfig
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task
from seqlab.tasks._data import Data
from seqlab.tasks._judging import Trial
from seqlab.tasks.languages._sources import BRACKETS, PLACES, Language, Pairs, follow, read_pieces

REDUCED = "()[]{}wo\n"
"""Symbols of reduced pieces: brackets, a word or a number, any other signs, the end of a line."""

PLAIN = "".join(map(chr, range(128)))


class Brackets(Task):
    """Read a piece of source code, then an end symbol, and say whether its brackets match, or do so far.

    A piece is whole lines, without strings and comments, at both ends of which no bracket is open. In half of
    them two brackets that follow one another, whatever is between, have changed places, so that they match no
    more. Of each bracket there are as many as before: counting them all is not enough.

    The files are those that come with Python on this machine: the modules of its standard library, or its
    headers for C. By its name a file is for training, for validation or for the test.

    Args:
        language: python or c.
        length: symbols of a piece, at most.
        reduced: whether a word becomes one symbol, and signs another; else characters are read as they are.
        asks: whether they match at the ``end``; or, at ``every`` step, whether they do so far: from the first
            bracket on that closes another kind, or nothing, they do not. The last answer is that of the end.

    Raises:
        SettingsError: when there is no piece so short for some part.
        TextError: when no files come with Python.

    >>> task = Brackets(length=30)
    >>> batch = task.batch("train", 0, size=4, seed=1)
    >>> [is_balanced(task.decode(row)) for row in batch.inputs] == batch.targets.bool().tolist()
    True
    """

    answers = ("broken", "balanced")
    trials = (Trial("length-200", {"length": 200}), Trial("length-400", {"length": 400}))

    def __init__(
        self,
        *,
        language: Language = "python",
        length: Annotated[int, Field(ge=8, le=10_000)] = 100,
        reduced: bool = True,
        asks: Literal["end", "every"] = "end",
    ) -> None:
        self.asks = asks
        self.pieces, sha256 = read_pieces(language, length, reduced)
        folder = sysconfig.get_paths()[PLACES[language][0]]
        empty = [split for split, pieces in self.pieces.items() if not pieces]
        if empty:
            raise SettingsError(
                f"task.length is {length}: the {language} files that come with Python hold no piece so short "
                f"for {' and '.join(empty)}.",
                hint="Set task.length higher, or task.reduced=true.",
            )
        self.data = Data(f"the {language} files that come with Python", folder, sha256)
        self.alphabet = REDUCED if reduced else PLAIN
        self._codes = np.zeros(128, np.int64)
        self._codes[[ord(sign) for sign in self.alphabet]] = range(len(self.alphabet))
        self.symbols = (*(repr(sign)[1:-1] for sign in self.alphabet), "end")
        self.spec = Spec("tokens", len(self.symbols), "classes", 2, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: pieces and ends (B, T), whether they match (B,) or (B, T), mask."""
        stream, pieces = numpy_stream(seed, "brackets", split, index), self.pieces[split]
        right = stream.integers(0, 2, size)
        chosen = [pieces[place] for place in stream.integers(0, len(pieces), size)]
        texts = [
            piece if match else broken(piece, pairs, stream)
            for (piece, pairs), match in zip(chosen, right, strict=True)
        ]
        inputs = np.full((size, max(map(len, texts)) + 1), PAD)
        inputs[:, -1] = len(self.alphabet)
        for row, text in zip(inputs, texts, strict=True):
            row[-1 - len(text) : -1] = self.encode(text)
        if self.asks == "every":
            mask = inputs != PAD
            places = np.arange(inputs.shape[1]) - (~mask).sum(axis=1, keepdims=True)  # 0 where a text begins
            right = (places < [[whole(text)] for text in texts]).astype(np.int64)
        else:
            mask = np.zeros(inputs.shape, dtype=bool)
            mask[:, -1] = True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(right), torch.from_numpy(mask))

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the symbols of a text; what is no ASCII character reads as a question mark."""
        return self._codes[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]

    def decode(self, row: torch.Tensor) -> str:
        """Return the text of a row, without its padding and its end."""
        return "".join(self.alphabet[token] for token in row.tolist() if 0 <= token < len(self.alphabet))


def broken(text: str, pairs: Pairs, stream: np.random.Generator) -> str:
    """Return a text in which one of some pairs of signs has changed places."""
    here, after = pairs[stream.integers(0, len(pairs))]
    return text[:here] + text[after] + text[here + 1 : after] + text[here] + text[after + 1 :]


def whole(text: str) -> int:
    """Return how many steps are read, the end's among them, before a bracket closes what is not open.

    >>> whole("f(x)"), whole("(]"), whole("))")
    (5, 1, 0)
    """
    stack = list[str]()
    wrong = (found.start() for found in BRACKETS.finditer(text) if not follow(found.group(), stack))
    return next(wrong, len(text) + 1)


def is_balanced(text: str) -> bool:
    """Say whether the brackets of a text match.

    >>> is_balanced("f(x[1])"), is_balanced("f(x[1)]"), is_balanced(")(")
    (True, False, False)
    """
    stack: list[str] = []
    return follow(text, stack) and not stack
