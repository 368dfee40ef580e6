"""The batches of a task, packed: asked for one by one, or drawn in one go where there is what does that."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from seqlab.contracts import Batch, Split
from seqlab.errors import RunFailedError
from seqlab.fused.drawing import drawer_of
from seqlab.fused.packed import Packed, pack
from seqlab.tasks import AT_ONCE, Task, problem_of


def training_batches(
    task: Task, index: int, count: int, size: int, seed: int, lanes: int
) -> Iterator[Packed]:
    """Yield training batches ``index`` to ``index + count``, as many at a time as have one shape."""
    if (draw := drawer_of(task)) is not None:
        yield from draw(task, "train", index, count, size, seed, lanes)
        return
    batches = (_checked(task.batch("train", i, size, seed), task, size) for i in range(index, index + count))
    for (_, continues), alike in groupby(batches, key=lambda batch: (batch.inputs.shape, batch.continues)):
        run = list(alike)
        if task.stream and not continues:  # each begins at the start state
            yield from (pack([batch], lanes) for batch in run)
        else:
            yield pack(run, lanes)


def evaluation_batches(task: Task, split: Split, sequences: int, seed: int, lanes: int) -> Iterator[Packed]:
    """Yield the batches of :meth:`Task.evaluation`, packed."""
    draw = drawer_of(task)
    if draw is not None and type(task).evaluation is Task.evaluation:
        for index, start in enumerate(range(0, sequences, AT_ONCE)):
            yield from draw(task, split, index, 1, min(AT_ONCE, sequences - start), seed, lanes)
        return
    rows = None
    for batch in task.evaluation(split, sequences, seed):
        yield pack([_checked(batch, task, rows if batch.continues else None)], lanes)
        rows = len(batch.inputs)


def _checked(batch: Batch, task: Task, rows: int | None) -> Batch:
    """Return a batch if compiled code can read it: it takes symbols and classes for places in memory."""
    problem = problem_of(batch, task, rows)
    if problem is not None:
        raise RunFailedError(f"The task has given a wrong batch: {problem}.")
    return batch
