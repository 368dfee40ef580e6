"""What the heads of a model with a memory do, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.contracts import Batch
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HeadsOverTime:
    """A sequence of T steps, and what each head of a memory of N slots of W numbers did.

    Attributes:
        inputs: (T, I): bits or numbers, or a row of noughts and a one for a symbol.
        outputs: (T, O): probabilities of bits or of classes, or values.
        wanted: (T, O), with nan where nothing is asked.
        weights: by the name of a head, (T, N), where it stands; they sum to 1.
        vectors: by the same names, (T, W), what it reads or adds.
    """

    inputs: Array
    outputs: Array
    wanted: Array
    weights: Mapping[str, Array]
    vectors: Mapping[str, Array]

    @property
    def steps(self) -> int:
        """T."""
        return len(self.inputs)

    def to_rows(self) -> Iterator[Sequence[object]]:
        """Yield a heading, then a row for each step, head and slot, for a CSV file."""
        yield "head", "step", "slot", "weight"
        for name, weights in self.weights.items():
            for (step, slot), weight in np.ndenumerate(weights):
                yield name, step, slot, round(float(weight), 6)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "inputs": self.inputs.tolist(),
            "outputs": self.outputs.tolist(),
            "heads": {
                name: {"weights": weights.tolist(), "vectors": self.vectors[name].tolist()}
                for name, weights in self.weights.items()
            },
        }


@torch.no_grad()
def watch(task: Task, model: SequenceModel, batch: Batch) -> HeadsOverTime:
    """Let a model read a batch of one row, and say what its heads did.

    Args:
        task: whose batch it is.
        model: one with heads; put into evaluation mode.
        batch: of one row, without padding.
    """
    model.eval()
    heads = model.heads(batch.inputs, model.start(batch.context, 1))
    outputs = read_batch(model, batch)[0][0].double()
    spec = task.spec
    if spec.outputs != "values":
        outputs = outputs.sigmoid() if spec.outputs == "bits" else outputs.softmax(-1)
    steps = batch.inputs.shape[1]
    wanted = np.full((steps, spec.output_size), np.nan)
    counted = np.ones(steps, bool) if batch.mask is None else batch.mask[0].numpy()
    targets = (
        batch.targets[0][batch.mask[0]]
        if batch.targets.dim() > 1 and batch.mask is not None
        else batch.targets
    )
    if spec.outputs == "classes":
        wanted[counted] = np.eye(spec.output_size)[targets.flatten().numpy()]
    else:
        wanted[counted] = targets.reshape(int(counted.sum()), -1).numpy()
    read = batch.inputs[0].numpy()
    return HeadsOverTime(
        np.eye(spec.input_size)[read] if spec.inputs == "tokens" else read.astype(np.float64),
        outputs.numpy(),
        wanted,
        {name: weights[0].double().numpy() for name, (weights, _) in heads.items()},
        {name: vectors[0].double().numpy() for name, (_, vectors) in heads.items()},
    )
