"""A model judged on sequences that it does not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import torch

from seqlab.contracts import Batch
from seqlab.generation.answers import best_of, write_answers
from seqlab.models import SequenceModel, State, read_batch
from seqlab.tasks import Task


@torch.no_grad()
def evaluate(model: SequenceModel, task: Task, batches: Iterable[Batch]) -> dict[str, float]:
    """Return the task's metrics over batches, with the state carried where a batch continues the one before.

    Args:
        model: evaluated as it is, without dropout.
        task: what the batches are of.
        batches: as from :meth:`Task.evaluation`.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    total = Counter[str]()
    state: State | None = None
    for batch in batches:
        batch = batch.to(device)
        outputs, state = read_batch(model, batch, state if batch.continues else None)
        total.update(task.tally(outputs.float(), batch))
    model.train(was_training)
    return task.figures(total)


def evaluate_written(
    model: SequenceModel, task: Task, batches: Iterable[Batch], how: Literal["greedy", "beam"]
) -> dict[str, float]:
    """Return the task's figures over batches that the model answers by itself, symbol by symbol.

    Args:
        model: evaluated as it is, without dropout.
        task: one whose Spec says how answers are written.
        batches: none of which continues another.
        how: the rule by which symbols are chosen.
    """
    was_training = model.training
    device = next(model.parameters()).device
    total = Counter[str]()
    for batch in batches:
        written = best_of(write_answers(model, batch.to(device), how))
        total.update(task.tally_written(written, batch))
    model.train(was_training)
    return task.figures(total)
