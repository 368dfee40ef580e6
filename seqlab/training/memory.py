"""The memory of a GPU: a batch that does not fit is said to, with one that would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seqlab.errors import RunFailedError
from seqlab.models import SequenceModel
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training.loop import loss_of
from seqlab.training.runtime import autocast


@contextmanager
def within_memory(experiment: TrainExperiment, task: Task, model: SequenceModel) -> Iterator[None]:
    """Say of a batch for which there is no memory which size there would be some for.

    Raises:
        RunFailedError: in the place of torch's error.
    """
    try:
        yield
        return
    except torch.OutOfMemoryError:
        pass  # what stands in its frames keeps memory
    size = experiment.training.batch_size // 2
    while size and not _fits(experiment, task, model, size):
        size //= 2
    what = f"A batch of {experiment.training.batch_size} does not fit into the memory of the GPU"
    if not size:
        raise RunFailedError(
            f"{what}, nor does a single sequence.", hint="Take a smaller model, or shorter sequences."
        )
    raise RunFailedError(
        f"{what}; one of {size} does.", hint=f"Set training.batch_size={size}, or take a smaller model."
    )


def _fits(experiment: TrainExperiment, task: Task, model: SequenceModel, size: int) -> bool:
    """Say whether there is memory to learn from a batch of that size, by trying; nothing is learned."""
    device = next(model.parameters()).device
    torch.cuda.empty_cache()
    try:
        batch = task.batch("train", 0, size, experiment.seed).to(device)
        precision = autocast(experiment.compute.precision, device)
        loss, _ = loss_of(model, task, batch, precision=precision)
        loss.backward()  # type: ignore[no-untyped-call]
    except torch.OutOfMemoryError:
        return False
    finally:
        model.zero_grad()
    return True
