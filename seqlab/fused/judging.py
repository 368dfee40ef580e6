"""A network judged on sequences that it does not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from seqlab.contracts import Split
from seqlab.fused.batches import LANES, Floats, Packed, evaluation_batches
from seqlab.fused.memory import aligned, shape_of, working_space
from seqlab.fused.network import Shape, run, space_rows
from seqlab.models import SequenceModel
from seqlab.tasks import Task
from seqlab.training import evaluate


def evaluate_fused(
    model: SequenceModel, task: Task, split: Split, sequences: int, seed: int
) -> dict[str, float]:
    """Return the task's metrics; see :func:`seqlab.fused.judge`."""
    if not counts_as_usual(task):
        return evaluate(model, task, task.evaluation(split, sequences, seed))
    parameters = [parameter.detach().numpy().ravel() for parameter in model.parameters()]
    weights = aligned(sum(map(len, parameters)))
    np.concatenate(parameters, out=weights)
    return judge(shape_of(model, task), weights, task, evaluation_batches(task, split, sequences, seed))


def judge(shape: Shape, weights: Floats, task: Task, batches: Iterable[Packed]) -> dict[str, float]:
    """Return the task's metrics over batches, with the state carried where one continues the one before."""
    counts, loss = np.zeros(3, np.int64), np.zeros(1)
    none, nothing = aligned(0), np.zeros(1)
    start = aligned(0, 2 * shape.H, LANES)
    total: Counter[str] = Counter()
    for packed in batches:
        if not (packed.continues and len(start)):
            start = aligned(packed.symbols.shape[1], 2 * shape.H, LANES)
        before = counts[0]
        run(
            tuple(shape), weights, none, none, none, none, none,
            working_space(space_rows(shape, packed.symbols.shape[2])),
            packed.symbols, packed.features, packed.wanted, start, task.stream, False,
            0, 0, nothing, nothing, 0.0, 0.0, 0.0, 0.0, loss, nothing, counts,
        )  # fmt: skip
        total["loss"] += float(loss[0]) * int(counts[0] - before)  # type: ignore[assignment]
        total["sequences"] += packed.size
    total["targets"], total["correct"], total["errors"] = (int(count) for count in counts)
    return task.metrics(total)


def counts_as_usual(task: Task) -> bool:
    """Say whether a task counts what is right as every task does, so that the compiled code can count it."""
    kind = type(task)
    usual = kind.tally is Task.tally and kind.is_correct is Task.is_correct
    return usual and task.spec.outputs == "classes" and not task.protocols
