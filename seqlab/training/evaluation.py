"""A model judged on sequences that it does not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor

from seqlab.contracts import Batch
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
        paid = model.paid(state)
        if paid is not None:
            total["paid"] += float(paid.sum())  # type: ignore[assignment]
    model.train(was_training)
    return task.figures(total)


@torch.no_grad()
def confusion(model: SequenceModel, task: Task, batches: Iterable[Batch]) -> Tensor:
    """Return how often each class was said where each was wanted, (wanted, said).

    Args:
        model: evaluated as it is, without dropout.
        task: whose answers are classes.
        batches: as from :meth:`Task.evaluation`, none of which continues another.
    """
    was_training = model.training
    model.eval()
    device, classes = next(model.parameters()).device, task.spec.output_size
    total = torch.zeros(classes * classes, dtype=torch.int64)
    for batch in batches:
        batch = batch.to(device)
        said, wanted = batch.select(read_batch(model, batch)[0])
        pairs = (wanted * classes + said.argmax(-1)).cpu()
        total += torch.bincount(pairs, minlength=len(total))
    model.train(was_training)
    return total.view(classes, classes)
