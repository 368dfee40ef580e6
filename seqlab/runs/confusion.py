"""Which class was said where which was wanted, as a run has it on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Confusion:
    """How often each class was said of the test set where each was wanted.

    Attributes:
        classes: their names.
        counts: (wanted, said).
        sequences: of the test set; as many as answers, where each has one.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    sequences: int

    @property
    def answers(self) -> int:
        """How many there are."""
        return sum(map(sum, self.counts))

    @property
    def right(self) -> int:
        """How many of them are right."""
        return sum(row[number] for number, row in enumerate(self.counts))

    def mistakes(self, most: int) -> list[tuple[str, str, int]]:
        """Return what was wanted, what was said and how often, those that came most often first.

        >>> Confusion(("a", "b"), ((3, 1), (2, 4)), 10).mistakes(2)
        [('b', 'a', 2), ('a', 'b', 1)]
        """
        pairs = [
            (self.classes[wanted], self.classes[said], count)
            for wanted, row in enumerate(self.counts)
            for said, count in enumerate(row)
            if said != wanted and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])[:most]


def confusion_of(summary: Mapping[str, Any] | None) -> Confusion | None:
    """Return what a summary has on record, if it does."""
    told = (summary or {}).get("confusion")
    if not isinstance(told, Mapping):
        return None
    return Confusion(tuple(told["classes"]), tuple(map(tuple, told["counts"])), int(told["sequences"]))
