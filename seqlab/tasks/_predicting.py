"""What a file of a user's asks of a trained model: sequences without answers, and what each answer is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqlab.contracts import Batch


@dataclass(frozen=True)
class Asked:
    """The sequences of a file, to be labelled.

    Attributes:
        columns: what is told of each answer: ``("line", "text")``.
        cells: of each answer these, in the order in which the masks of the batches ask for them.
        batches: whose answers are unknown.
        notes: sentences on what was read.
    """

    columns: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]
    batches: Iterable[Batch]
    notes: tuple[str, ...] = ()
