"""A batch for which a GPU has no memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqlab.configure import load_training
from seqlab.contracts import State
from seqlab.errors import RunFailedError
from seqlab.models import Recurrent
from seqlab.models.recurrent.rnn import RNN
from seqlab.tasks import build_task
from seqlab.training.memory import within_memory


class Small(Recurrent):
    """A network for whose larger batches there is no memory."""

    most = 5

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if len(inputs) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return super().forward(inputs, state)


@pytest.mark.parametrize(("most", "said"), [(5, "one of 4 does"), (0, "nor does a single sequence")])
def test_the_batch_that_fits_is_found_by_trying(most: int, said: str) -> None:
    experiment = load_training("adding", overrides=["training.batch_size=64", "task.length=20"])
    task = build_task(experiment.task)
    model = Small(RNN, task.spec, hidden_size=4)
    model.initialise(torch.Generator().manual_seed(1))
    model.most = most
    before = [weight.clone() for weight in model.parameters()]
    with pytest.raises(RunFailedError) as error, within_memory(experiment, task, model):
        model(task.batch("train", 0, 64, 1).inputs)
    assert said in str(error.value)
    assert ("training.batch_size=4" in str(error.value.hint)) == (most == 5)
    assert all(torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    assert all(weight.grad is None for weight in model.parameters())
