"""Models on seeds: what a comparison trains, and what has come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from seqlab.comparison.entrants import Entrant
from seqlab.runs import Run
from seqlab.settings import TrainExperiment


@dataclass(frozen=True)
class Entry:
    """One model on one seed.

    Attributes:
        label: the model as it was named.
        experiment: its settings; one thread, since runs go side by side.
        level: the difficulty, where a comparison climbs several; else None.
        run: the run that answers it, or an interrupted one that is gone on with; None before there is one.
        summary: of the run, when it is finished.
        failure: the reason why it will not be.
        reused: whether the run was finished before.
    """

    label: str
    experiment: TrainExperiment
    level: str | None = None
    run: Run | None = None
    summary: dict[str, Any] | None = None
    failure: str | None = None
    reused: bool = False

    @property
    def title(self) -> str:
        """What tells it from the others of its seed."""
        return self.label if self.level is None else f"{self.level}: {self.label}"

    @property
    def has_ended(self) -> bool:
        """Whether it is finished or has failed."""
        return self.summary is not None or self.failure is not None


def one_thread(experiment: TrainExperiment) -> TrainExperiment:
    """Return the settings with one torch thread."""
    return experiment.model_copy(update={"compute": experiment.compute.model_copy(update={"threads": 1})})


def entries_of(entrants: Sequence[Entrant], seeds: Sequence[int]) -> list[Entry]:
    """Return every entrant on every seed: level by level, there seed by seed, so that models stay abreast."""
    entries = []
    for level, group in groupby(entrants, key=lambda entrant: entrant.level):
        here = [(entrant.label, one_thread(entrant.experiment)) for entrant in group]
        entries += [
            Entry(label, experiment.model_copy(update={"seed": seed}), level)
            for seed in seeds
            for label, experiment in here
        ]
    return entries
