"""What tasks of sequences of any length share: what lengths they draw, and what is told of each length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import SettingsError
from seqlab.tasks._judging import SHARE, Metric

Ends = tuple[int, int]


def drawn_lengths(
    shortest: int, longest: int, length: int | None
) -> tuple[Ends, Mapping[str, tuple[float, float]]]:
    """Return between which lengths sequences are drawn, and a task's ``drawn`` that says so.

    Args:
        shortest: the option of that name.
        longest: the option of that name.
        length: of all sequences, in place of those two; None for lengths that are drawn.

    Raises:
        SettingsError: when they are the wrong way round.

    >>> drawn_lengths(5, 40, None), drawn_lengths(5, 40, 100)
    (((5, 40), {'length': (5, 40)}), ((100, 100), {}))
    """
    if length is not None:
        return (length, length), {}
    if shortest > longest:
        raise SettingsError(
            f"task.shortest is {shortest}, which is more than task.longest, {longest}.",
            hint=f"Set task.longest={shortest}, or more.",
        )
    return (shortest, longest), {"length": (shortest, longest)}


@dataclass(frozen=True)
class ByLength:
    """The share of sequences that are right as a whole, by their length, in a few ranges.

    Attributes:
        ends: of each range but the last its greatest length, in rising order; none to tell nothing.

    >>> by_length = ByLength((4, 6, 7))
    >>> [metric.name.removeprefix("sequence_accuracy_") for metric in by_length.metrics]
    ['to_4', '5_to_6', '7', 'from_8']
    >>> by_length.figures(by_length.tally([3, 4, 9], np.array([True, False, True])))
    {'sequence_accuracy_to_4': 0.5, 'sequence_accuracy_from_8': 1.0}
    """

    ends: Sequence[int]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """A figure for each range."""
        return tuple(
            Metric(_name(name), True, SHARE, f"length {name}: right", detail=True) for name in self._ranges()
        )

    def tally(self, lengths: Sequence[int], right: NDArray[np.bool_]) -> Counter[str]:
        """Count in each range the sequences, and those that are right."""
        total, names = Counter[str](), list(self._ranges())
        if not names:
            return total
        for place, is_right in zip(np.searchsorted(self.ends, lengths), right, strict=True):
            total[f"of length {names[place]}"] += 1
            total[f"right of length {names[place]}"] += bool(is_right)
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Turn tallies into figures; where all sequences are of one range, there is none to tell."""
        counts = [total.get(f"of length {name}", 0) for name in self._ranges()]
        if np.count_nonzero(counts) < 2:
            return {}
        return {
            _name(name): total[f"right of length {name}"] / count
            for name, count in zip(self._ranges(), counts, strict=True)
            if count
        }

    def _ranges(self) -> Iterator[str]:
        if not self.ends:
            return
        yield f"to {self.ends[0]}"
        for before, end in zip(self.ends, self.ends[1:], strict=False):
            yield str(end) if end == before + 1 else f"{before + 1} to {end}"
        yield f"from {self.ends[-1] + 1}"


def _name(of: str) -> str:
    return f"sequence_accuracy_{of.replace(' ', '_')}"
