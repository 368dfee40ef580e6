"""A network judged on sequences that it does not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from seqlab import training
from seqlab.contracts import Split
from seqlab.fused.batches import evaluation_batches
from seqlab.fused.kernels import run
from seqlab.fused.layout import ALL, LANES, Shape
from seqlab.fused.memory import aligned, shapes_of, tiles_of, weights_memory, working_space
from seqlab.fused.packed import NOTHING, Floats, Packed
from seqlab.models import SequenceModel
from seqlab.tasks import Task


def evaluate(model: SequenceModel, task: Task, split: Split, sequences: int, seed: int) -> dict[str, float]:
    """Return the task's metrics over the fixed set on which models are judged.

    Args:
        model: of an experiment for which :func:`seqlab.fused.why_not` is None.
        task: what it has learned.
        split: ``"validation"`` or ``"test"``.
        sequences: how many.
        seed: of the random streams.
    """
    if not counts_as_usual(task):
        return training.evaluate(model, task, task.evaluation(split, sequences, seed))
    parameters = np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])
    weights = weights_memory(model)
    weights[: len(parameters)] = parameters
    shapes = shapes_of(model, task, sequences)
    return judge(shapes, weights, task, evaluation_batches(task, split, sequences, seed, shapes[0].v * LANES))


def judge(
    shapes: tuple[Shape, ...], weights: Floats, task: Task, batches: Iterable[Packed]
) -> dict[str, float]:
    """Return the task's metrics over batches, with the state carried where one continues the one before."""
    counts, loss = np.zeros(3, np.int64), np.zeros(1)
    none, nothing, arranged = aligned(0), np.zeros(1), aligned(2, len(weights))
    sizes, size = np.array(shapes), len(shapes) * 2 * shapes[0].H * shapes[0].v * LANES
    start = aligned(0, size)
    total: Counter[str] = Counter()
    for packed in batches:
        if not (packed.continues and len(start)):
            start = aligned(packed.symbols.shape[1], size)
        before = counts[0]
        run(
            ALL, 0, 0, 0, working_space(shapes, packed.symbols.shape[2]),
            sizes, weights, aligned(1, 0), none, none, none, arranged,
            tiles_of(packed.symbols), tiles_of(packed.features), tiles_of(NOTHING),
            aligned(0, 0), none, tiles_of(packed.wanted),
            start, task.stream, False,
            0, 0, nothing, nothing, 0.0, 0.0, 0.0, none, loss, nothing, nothing, counts,
        )  # fmt: skip
        total["loss"] += float(loss[0]) * int(counts[0] - before)  # type: ignore[assignment]
        total["sequences"] += packed.size
    total["targets"], total["correct"], total["errors"] = (int(count) for count in counts)
    return task.figures(total)


def counts_as_usual(task: Task) -> bool:
    """Say whether a task counts what is right as every task does, so that the compiled code can count it."""
    kind = type(task)
    usual = kind.tally is Task.tally and kind.is_correct is Task.is_correct
    return usual and task.spec.outputs == "classes" and task.data is None
