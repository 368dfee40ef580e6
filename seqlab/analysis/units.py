"""Single units of a trained network: which keeps a symbol in mind, and which it cannot do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqlab.analysis.gates import Force
from seqlab.analysis.states import Trace, layer_name, trace
from seqlab.analysis.symbols import input_names
from seqlab.contracts import Batch
from seqlab.errors import TextError
from seqlab.models import Recurrent
from seqlab.tasks import Task

ENOUGH = 20
"""In so many sequences a symbol must stand exactly twice for a unit to be looked for."""

CLEAR = 0.9
"""A unit is said to do it from this score on; 0.5 is chance."""

NEAR = 5
"""So many steps before and after a symbol are compared to see what it does."""


@dataclass(frozen=True)
class Switch:
    """A unit that goes one way at the first of two equal symbols and back at the second.

    Attributes:
        symbol: the name of the symbol.
        layer: the number of the cell, from 0.
        unit: the number of the unit, from 0.
        rises: whether it is higher between the two symbols, and not lower.
        score: the least of three areas under the ROC curve, each the probability that h is further to its lit
            side at one step than at another: between the two symbols and anywhere else; in the 5 steps from
            the first symbol on and in the 5 before; in the 5 steps before the second and in the 5 from it on.
            Measured on sequences other than those on which the unit was chosen.
        before: the mean of h before the first symbol.
        between: from the first symbol to the step before the second.
        after: from the second symbol on.
        sequences: on so many sequences.
    """

    symbol: str
    layer: int
    unit: int
    rises: bool
    score: float
    before: float
    between: float
    after: float
    sequences: int

    @property
    def is_clear(self) -> bool:
        """Whether the unit does what it was looked for."""
        return self.score >= CLEAR


@dataclass(frozen=True)
class Lesions:
    """How well a network does with each unit silenced.

    Attributes:
        metric: the task's figure.
        intact: its value with all units.
        layers: the names of the layers.
        silenced: for each layer and unit its value with h of that unit held at 0.
        sequences: on so many sequences.
    """

    metric: str
    intact: float
    layers: tuple[str, ...]
    silenced: tuple[tuple[float, ...], ...]
    sequences: int


def find_switches(model: Recurrent, task: Task, *, sequences: int, seed: int) -> list[Switch]:
    """Find for each symbol the unit that goes one way at its first and back at its second appearance.

    Looked at are the sequences that hold the symbol exactly twice, of one batch of the test set; the unit
    that is found there is judged on those of the next batch that differ from them. A text has no sequences.

    Args:
        model: the network.
        task: what it was trained on.
        sequences: the size of a batch.
        seed: of the batches.

    Returns:
        The best unit for each symbol that is twice in enough sequences, the clearest first.
    """
    names = input_names(task)
    if not names or task.stream:
        return []
    chosen, judged = (_distinct(task.batch("test", index, sequences, seed)) for index in (0, 1))
    known = (judged[:, None] == chosen).all(-1).any(-1) if judged.shape[1] == chosen.shape[1] else None
    judged = judged if known is None else judged[~known]
    if min(len(chosen), len(judged)) < ENOUGH:
        return []
    first, second = (trace(model, inputs, gates=False) for inputs in (chosen, judged))
    found: list[Switch] = []
    for symbol, name in enumerate(names):
        if min(int(_holds_twice(read, symbol).sum()) for read in (first, second)) < ENOUGH:
            continue
        score = [_scores(read, symbol) for read in (first, second)]  # for each cell (2, H): lit up, lit down
        _, layer, side, unit = max(
            (float(value), layer, side, unit)
            for layer, both in enumerate(score[0])
            for side, values in enumerate(both)
            for unit, value in enumerate(values)
        )
        rows = _holds_twice(second, symbol)
        seen = _seen(second, symbol)[rows]
        h = _h(second, layer)[rows][..., unit]
        active = second.active[rows]
        before, between, after = (float(h[active & (seen == count)].mean()) for count in (0, 1, 2))
        area = float(score[1][layer][side, unit])
        found.append(Switch(name, layer, unit, side == 0, area, before, between, after, int(rows.sum())))
    return sorted(found, key=lambda switch: -switch.score)


def accuracy(
    model: Recurrent,
    task: Task,
    batch: Batch,
    *,
    force: Force | None = None,
    silent: tuple[int, int] | None = None,
) -> float:
    """Return the task's metric on a batch, with gates held or a unit silenced; see :func:`trace`."""
    outputs = trace(model, batch.inputs, force=force, silent=silent, gates=False).outputs
    return task.figures(task.tally(outputs, batch))[task.metric.name]


def lesions(model: Recurrent, task: Task, *, sequences: int, seed: int) -> Lesions:
    """Silence each unit in turn and measure what it costs, on one batch of the test set."""
    batch = held_out_batch(task, sequences, seed)
    cells: list[Any] = list(model.cells)
    return Lesions(
        metric=task.metric.name,
        intact=accuracy(model, task, batch),
        layers=tuple(layer_name(model, layer) for layer in range(len(cells))),
        silenced=tuple(
            tuple(accuracy(model, task, batch, silent=(layer, unit)) for unit in range(cell.hidden_size))
            for layer, cell in enumerate(cells)
        ),
        sequences=different(batch),
    )


def held_out_batch(task: Task, sequences: int, seed: int) -> Batch:
    """Return a batch of the test set; one sequence of a text that is too short for more."""
    try:
        return task.batch("test", 0, sequences, seed)
    except TextError:
        return task.batch("test", 0, 1, seed)


def different(batch: Batch) -> int:
    """Return how many sequences of a batch differ: those of a small task repeat."""
    return len(_distinct(batch))


def area_under_curve(values: Tensor, positive: Tensor) -> Tensor:
    """Return the area under the ROC curve of each column of (N, H) for the rows (N,) that are True.

    It is the probability that a positive row has a greater value than another; equal values count one half.

    >>> values = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> area_under_curve(values, torch.tensor([False, False, True])).tolist()
    [1.0, 0.5]
    """
    ranks = ranks_of(values)
    count, positives = len(values), int(positive.sum())
    above = ranks[positive].sum(0) - positives * (positives + 1) / 2
    return above / (positives * (count - positives))


def ranks_of(values: Tensor) -> Tensor:
    """Return the rank from 1 of each value of (N, H) in its column, in float64; equal values share the mean.

    >>> ranks_of(torch.tensor([[5.0], [7.0], [5.0]])).flatten().tolist()
    [1.5, 3.0, 1.5]
    """
    ascending, order = values.t().contiguous().sort(-1)  # (H, N): what is sorted lies side by side
    first = torch.ones_like(ascending, dtype=torch.bool)
    first[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    group = first.cumsum(-1) - 1
    place = torch.arange(1, len(values) + 1, dtype=torch.float64).expand_as(ascending)
    total, size = torch.zeros_like(place), torch.zeros_like(place)
    total.scatter_add_(-1, group, place)
    size.scatter_add_(-1, group, torch.ones_like(place))
    shared = (total / size.clamp(min=1)).gather(-1, group)
    return torch.empty_like(shared).scatter_(-1, order, shared).t()


def _distinct(batch: Batch) -> Tensor:
    """Return the different input sequences of a batch."""
    found: Tensor = torch.unique(batch.inputs, dim=0)
    return found


def _scores(read: Trace, symbol: int) -> list[Tensor]:
    """Return for each cell the score (2, H) of its units, with lit meaning greater and meaning smaller."""
    rows = _holds_twice(read, symbol)
    seen, active = _seen(read, symbol)[rows], read.active[rows]
    step = torch.arange(seen.shape[1])
    first, second = ((seen < count).sum(1, keepdim=True) for count in (1, 2))  # (B, 1)
    near_first = active & (step >= first - NEAR) & (step < first + NEAR)
    near_second = active & (step >= second - NEAR) & (step < second + NEAR)
    scores = []
    for layer in range(len(read.layers)):
        h = _h(read, layer)[rows]
        areas = torch.stack(
            [area_under_curve(h[where], (seen == 1)[where]) for where in (active, near_first, near_second)]
        )  # (3, H)
        scores.append(torch.stack([areas.amin(0), (1 - areas).amin(0)]))
    return scores


def _holds_twice(read: Trace, symbol: int) -> Tensor:
    """Say which sequences (B,) hold a symbol twice, and something before by which to tell a unit."""
    comes_later = (read.active & (_seen(read, symbol) == 0)).any(1)
    return ((read.inputs == symbol).sum(1) == 2) & comes_later


def _seen(read: Trace, symbol: int) -> Tensor:
    """Return how often a symbol has been read at each step, (B, T)."""
    return (read.inputs == symbol).cumsum(1)


def _h(read: Trace, layer: int) -> Tensor:
    return next(iter(read.layers[layer].parts.values()))
