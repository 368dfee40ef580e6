"""What is read of a user's own sequences: the tokens of texts, or numbers on a common scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Kind
from seqlab.errors import TextError
from seqlab.outside import shortened
from seqlab.tasks.own._examples import Examples
from seqlab.tasks.own._scaling import deviations, means, or_one
from seqlab.text import Vocabulary
from seqlab.text.reading import DOCUMENT, USUAL
from seqlab.text.tokens import UNITS, Tokens, count
from seqlab.text.vocabulary import Codes

Integers = NDArray[np.int64]

END = DOCUMENT
"""The symbol behind each text, at which it is answered: so even a text without a known symbol has a step."""


@dataclass(frozen=True)
class Stored:
    """Sequences behind one another.

    Attributes:
        steps: (T,) symbols, or (T, F) numbers.
        starts: (N,) where each begins.
        lengths: (N,) of each.
        notes: on what was left out.
    """

    steps: Codes | NDArray[np.float32]
    starts: Integers
    lengths: Integers
    notes: tuple[str, ...] = ()

    def longer_than(self, longest: int) -> str | None:
        """Say how many are longer than what is read of them, if any are."""
        cut = int((self.lengths > longest).sum())
        if not cut:
            return None
        return (
            f"{cut:,} of {len(self.lengths):,} sequences are longer than {longest:,} steps, and read so far; "
            f"the longest has {int(self.lengths.max()):,} (task.longest)."
        )

    def places(self, which: Integers, longest: int) -> tuple[Integers, NDArray[np.bool_]]:
        """Return where each step of a batch stands, (B, T), and which there are: those in front are none."""
        lengths = np.minimum(self.lengths[which], longest)
        back = np.arange(-int(lengths.max(initial=1)), 0)
        there = back >= -lengths[:, None]
        return self.starts[which][:, None] + np.where(there, back + lengths[:, None], 0), there


class Inputs(ABC):
    """How sequences become what a model reads, fitted to the training part alone.

    Attributes:
        kind: symbols or features.
        size: how many.
        vocabulary: of symbols; None for features.
        scales: as of :class:`seqlab.tasks.Task`; nothing for symbols.
    """

    kind: Kind
    size: int
    vocabulary: Vocabulary | None
    scales: Mapping[str, Sequence[float]] = MappingProxyType({})

    @abstractmethod
    def read(self, text: str) -> Codes:
        """Return a text as it is read, (T,) symbols."""

    @abstractmethod
    def store(self, examples: Examples) -> Stored:
        """Return sequences as they are read."""

    @abstractmethod
    def batch(self, stored: Stored, which: Integers, longest: int) -> Tensor:
        """Return some of them, (B, T) or (B, T, F), the last step at the end."""


class Texts(Inputs):
    """Tokens, each text with :data:`END` behind it; what the training part has not is left out, or rare.

    Args:
        texts: of the training part.
        tokens: what a symbol is.
        rare: tokens seen less often there are one symbol.
        also: a text whose tokens are symbols, too.
    """

    kind = "tokens"
    vocabulary: Vocabulary

    def __init__(self, texts: Sequence[str], tokens: Tokens, rare: int, also: str) -> None:
        counts = count(["".join(map(_with_end, texts))], tokens)
        self.vocabulary = Vocabulary.counted(counts, tokens, USUAL, rare, also)
        self.size = len(self.vocabulary)
        self._end = int(self.vocabulary.encode(END)[0])

    def read(self, text: str) -> Codes:
        """Return the tokens of a text, and its end; see :class:`Inputs`."""
        return known(self.vocabulary, _with_end(text))[0]

    def store(self, examples: Examples) -> Stored:
        """Encode texts; see :class:`Inputs`."""
        codes, unknown = known(self.vocabulary, "".join(map(_with_end, examples.texts)))
        ends = np.flatnonzero(codes == self._end)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        return Stored(codes, starts, ends - starts, () if unknown is None else (unknown,))

    def batch(self, stored: Stored, which: Integers, longest: int) -> Tensor:
        """Return symbols, (B, T), with padding in front; see :class:`Inputs`."""
        places, there = stored.places(which, longest)
        inputs = np.full((len(which), places.shape[1] + 1), self._end, np.int64)
        inputs[:, :-1] = np.where(there, stored.steps[places].astype(np.int64), PAD)
        return torch.from_numpy(inputs)


class Numbers(Inputs):
    """Features, less the mean of the training part and divided by its deviation.

    Zeros stand in front of shorter sequences. So where lengths differ there is one feature more, which is 1
    from the beginning of a sequence on.

    Args:
        series: of the training part, (T, F) each.
    """

    kind = "features"
    vocabulary = None

    def __init__(self, series: Sequence[NDArray[np.float64]]) -> None:
        whole = np.concatenate(series)
        self._mean = means(whole)
        self._spread = or_one(deviations(whole))
        self._ragged = len({len(one) for one in series}) > 1
        self.size = whole.shape[1] + self._ragged
        one = int(self._ragged)  # the feature more is read as it is
        self.scales = {
            "read_mean": self._mean.tolist() + [0.0] * one,
            "read_spread": self._spread.tolist() + [1.0] * one,
        }

    def read(self, text: str) -> Codes:
        """Refuse a text; see :class:`Inputs`."""
        raise TextError(
            f"{shortened(text)!r} is a text, but numbers are read.", hint="Take a held-out sequence."
        )

    def store(self, examples: Examples) -> Stored:
        """Scale numbers; see :class:`Inputs`."""
        lengths = np.array([len(one) for one in examples.series], np.int64)
        scaled = (np.concatenate(examples.series) - self._mean) / self._spread
        steps = np.nan_to_num(scaled).astype(np.float32)
        if self._ragged:
            steps = np.concatenate([steps, np.ones((len(steps), 1), np.float32)], 1)
        return Stored(steps, np.cumsum(lengths) - lengths, lengths)

    def batch(self, stored: Stored, which: Integers, longest: int) -> Tensor:
        """Return features, (B, T, F), with zeros in front; see :class:`Inputs`."""
        places, there = stored.places(which, longest)
        return torch.from_numpy(np.where(there[..., None], stored.steps[places], np.float32(0)))


def inputs_of(
    examples: Examples, training: NDArray[np.bool_], tokens: Tokens, rare: int, also: str = ""
) -> Inputs:
    """Return how examples are read, fitted to those of the training part."""
    chosen = examples.some(np.flatnonzero(training).tolist())
    return Texts(chosen.texts, tokens, rare, also) if chosen.texts else Numbers(chosen.series)


def known(vocabulary: Vocabulary, text: str) -> tuple[Codes, str | None]:
    """Return a text as numbers, without tokens that the vocabulary does not have; and a note on these.

    Where it has a symbol for rare ones, they are that.
    """
    if vocabulary.rare is not None or vocabulary.tokens == "byte":
        codes = vocabulary.encode(text)
        rare = 0 if vocabulary.rare is None else int((codes == vocabulary.rare).sum())
        return codes, f"{rare:,} of {len(codes):,} tokens are rare or unknown: one symbol." if rare else None
    unit = UNITS[vocabulary.tokens]
    if vocabulary.tokens == "char":
        unknown = set(text) - set(vocabulary.symbols)
        gone = sum(map(text.count, unknown)) if unknown else 0
        kept = text.translate(dict.fromkeys(map(ord, unknown))) if unknown else text
        codes = vocabulary.encode(kept)
    else:
        units = vocabulary.split(text)
        unknown = {one for one in units if one not in vocabulary}
        gone = sum(one in unknown for one in units) if unknown else 0
        codes = vocabulary.encode_units([one for one in units if one not in unknown])
    if not unknown:
        return codes, None
    shown = ", ".join(map(repr, sorted(unknown)[:5]))
    more = ", ..." if len(unknown) > 5 else ""
    return codes, (
        f"{gone:,} {unit}{'s' if gone > 1 else ''} that the training part does not have "
        f"({len(unknown):,} different: {shown}{more}) {'are' if gone > 1 else 'is'} left out."
    )


def _with_end(text: str) -> str:
    return f"{text.replace(END, ' ')}{END}"
