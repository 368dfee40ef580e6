"""What tasks of pairs share: a source that is read as a whole, and a target that is written after it."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from seqlab.contracts import PAD, Batch, Signal, Spec, Split, Written
from seqlab.errors import TextError
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Metric, Trial
from seqlab.tasks._lengths import ByLength
from seqlab.tasks._rows import side_by_side
from seqlab.text.vocabulary import Codes, Vocabulary

SOURCE = "source"
"""What the context of these tasks is called."""

BEGIN, END = "<begin>", "<end>"
"""What the two further symbols of a target print as; they share a number, for one is read and one written."""

Pair = tuple[str, str]
Coded = tuple[Codes, Codes]


@dataclass(frozen=True)
class Side:
    """What the sources, or the targets, are made of.

    Attributes:
        vocabulary: the symbols: characters, or words and signs.
        joiner: what stands between two symbols in print.

    >>> words = Side(Vocabulary.counted({"nine": 1, "lives": 1, ".": 1}, "word"), joiner=" ")
    >>> words.encode("nine lives."), words.decode([2, 1, 0])
    (array([2, 1, 0], dtype=uint8), 'nine lives .')
    """

    vocabulary: Vocabulary
    joiner: str = ""

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str) -> Codes:
        """Return the numbers of a text's symbols, (T,); what joins them is none.

        Raises:
            TextError: naming what is unknown.
        """
        if not self.joiner:
            return self.vocabulary.encode(text)
        units = [unit for unit in self.vocabulary.split(text) if unit != self.joiner]
        unknown = [unit for unit in units if unit not in self.vocabulary]
        if unknown and self.vocabulary.rare is None:
            raise TextError(f"The word {unknown[0]!r} is none of the {len(self)} that the task knows.")
        return self.vocabulary.encode_units(units)

    def decode(self, codes: ArrayLike) -> str:
        """Return the text of numbers (T,)."""
        places = np.asarray(codes, np.int64).ravel()
        if not self.joiner:
            return self.vocabulary.decode(places)
        return self.joiner.join(self.vocabulary.symbols[place] for place in places.tolist())


class Pairs(Task):
    """Read a source as a whole, then write its target, symbol by symbol, up to the end.

    A subclass sets :attr:`source` and :attr:`target` and writes :meth:`pairs`; its constructor ends with
    ``self.finish(longest)``. With V symbols of targets, 0 to V - 1, the number V is read as the begin and
    written as the end:

        context      source   s(1) ... s(S)                 PAD in front of shorter ones
        inputs       V  y(1) ... y(T)                       PAD in front
        targets      y(1) ... y(T)  V                       which is where it counts

    ``sequence_accuracy`` is the share of targets that are right as a whole, the end included. It is the same
    whether the right symbols so far are shown or the likeliest ones written: an answer whose first wrong
    symbol is at step t is wrong in both. The trial ``written`` has the answers written. Beside it stand the
    shares by the length of the source in symbols, in ranges that suit the task.

    Attributes:
        source: what sources are made of.
        target: what targets are made of.
    """

    metrics: Sequence[Metric] = (SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, LOSS)
    trials: Sequence[Trial] = (Trial("written", answers="greedy"),)
    source: Side
    target: Side
    in_text = True

    @abstractmethod
    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return the sources and targets of batch number ``index``, as texts."""

    def finish(self, longest: int, ranges: Iterable[int] = ()) -> None:
        """Set the Spec, and what is told by the length of sources.

        Args:
            longest: symbols of a target, without the end.
            ranges: of lengths of sources, of each but the last its end; none to tell nothing of them.
        """
        self.by_length = ByLength(sorted(set(ranges)))
        self.metrics = (*type(self).metrics, *self.by_length.metrics)
        count = len(self.target)
        self.places = {SOURCE: self.source.vocabulary.symbols}
        self.symbols = (*self.target.vocabulary.symbols, BEGIN)
        self.answers = (*self.target.vocabulary.symbols, END)
        self.spec = Spec(
            "tokens",
            count + 1,
            "classes",
            count + 1,
            causal=True,
            context={SOURCE: Signal("tokens", len(self.source))},
            writes=Written(begin=count, end=count, longest=longest + 1),
        )

    def coded(self, split: Split, index: int, size: int, seed: int) -> list[Coded]:
        """Return :meth:`pairs` as numbers; a task that keeps its numbers writes this."""
        encode, answer = self.source.encode, self.target.encode
        return [(encode(source), answer(target)) for source, target in self.pairs(split, index, size, seed)]

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``, as the class says."""
        return self._batch(self.coded(split, index, size, seed))

    def ask(self, text: str) -> Batch:
        """Return a source of a user's as a batch of one row, whose target is unknown."""
        source = self.source.encode(text)
        if not len(source):
            raise TextError("There is nothing to answer: the text is empty.")
        return self._batch([(source, np.zeros(0, np.int64))])

    def asked(self, batch: Batch) -> list[str]:
        """Return the sources of a batch as texts."""
        return [self.source.decode(row[row != PAD]) for row in batch.context[SOURCE].cpu().numpy()]

    def text_of(self, answer: Codes) -> str:
        """Return an answer as text, without its end."""
        return self.target.decode(answer[answer != self.end])

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say which symbols are right; one that stands for any rare word is none of an answer."""
        right = selected.argmax(-1) == targets
        rare = self.target.vocabulary.rare
        return right if rare is None else right & (targets != rare)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does, and by the length of the source."""
        assert batch.mask is not None
        wrong = (~self.is_correct(outputs, batch.targets) & batch.mask).any(1).cpu().numpy()
        total = super().tally(outputs, batch)
        total.update(self.by_length.tally(lengths_of(batch), ~wrong))
        return total

    def tally_written(self, written: Sequence[Codes], batch: Batch) -> Counter[str]:
        """Count as every task does, and by the length of the source."""
        assert batch.mask is not None
        rare = self.target.vocabulary.rare
        written = [np.where(own == rare, PAD, own) for own in written]  # which is never right
        wanted = (
            row[there].numpy() for row, there in zip(batch.targets.cpu(), batch.mask.cpu(), strict=True)
        )
        right = np.array([np.array_equal(own, other) for own, other in zip(written, wanted, strict=True)])
        total = super().tally_written(written, batch)
        total.update(self.by_length.tally(lengths_of(batch), right))
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return what all tasks do, and the shares by the length of the source."""
        return super().figures(total) | self.by_length.figures(total)

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return the length of each source in symbols, and what it begins with."""
        sources = [row[row != PAD] for row in batch.context[SOURCE].cpu().numpy()]
        return {
            "length": [*map(str, lengths_of(batch))],
            "first symbol": [self.source.decode(source[:1]) for source in sources],
        }

    @cached_property
    def end(self) -> int:
        """The number of the end."""
        return len(self.target)

    def _batch(self, coded: Sequence[Coded]) -> Batch:
        targets = [np.append(target, self.end) for _, target in coded]
        inputs = side_by_side([np.append(self.end, target[:-1]) for target in targets])
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(side_by_side(targets, fill=0)),
            torch.from_numpy(inputs != PAD),
            context={SOURCE: torch.from_numpy(side_by_side([source for source, _ in coded]))},
        )


def lengths_of(batch: Batch) -> list[int]:
    """Return how many symbols the source of each row has."""
    lengths: list[int] = (batch.context[SOURCE] != PAD).sum(1).tolist()
    return lengths
