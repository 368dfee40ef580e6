"""Every number of a small network while it reads one sequence: what is drawn of the four letters of hello.

DLE-11, CS231n-10: input h e l l, hidden states, output scores, wanted e l l o.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from seqlab.analysis.by_hand import weights_of
from seqlab.analysis.states import network_of, trace
from seqlab.analysis.symbols import answer_names, input_names, visible
from seqlab.contracts import Batch
from seqlab.errors import SettingsError
from seqlab.models import Cell, SequenceModel
from seqlab.tasks import Task

Array = npt.NDArray[np.float64]

MOST_STEPS, MOST_UNITS, MOST_SYMBOLS = 12, 16, 12
"""What still fits into a table that is read."""


@dataclass(frozen=True)
class UnrolledStep:
    """One step.

    Attributes:
        symbol: what is read.
        one_hot: the same as a vector, (I,).
        h: the hidden state after it, (H,).
        scores: the outputs o before the softmax, (O,).
        probabilities: after it, (O,).
        target: what should come next.
        said: the likeliest symbol.
        loss: -log of the target's probability, in nats.
    """

    symbol: str
    one_hot: Array
    h: Array
    scores: Array
    probabilities: Array
    target: str
    said: str
    loss: float


@dataclass(frozen=True)
class Unrolled:
    """The steps of one sequence.

    Attributes:
        inputs: the names of the input symbols.
        outputs: the names of the classes.
        steps: one after the other.
        weights: of the network, by their letters: h from W and U, the scores from V and c.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[UnrolledStep, ...]
    weights: Mapping[str, Array]

    @property
    def loss(self) -> float:
        """The mean of the steps' losses, in nats."""
        return float(np.mean([step.loss for step in self.steps]))

    @property
    def said(self) -> str:
        """What the network would say, one symbol a step."""
        return "".join(step.said for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; arrays are lists, in the order of the names."""
        steps = [
            {
                key: value.tolist() if isinstance(value, np.ndarray) else value
                for key, value in vars(step).items()
            }
            for step in self.steps
        ]
        weights = {name: values.tolist() for name, values in self.weights.items()}
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "loss": self.loss,
            "weights": weights,
            "steps": steps,
        }


def unroll(model: SequenceModel, task: Task, batch: Batch, name: str) -> Unrolled:
    """Read the first sequence of a batch and keep every number.

    Args:
        model: the network, of one layer and one direction.
        task: it was made for; its answer at every step is a class.
        batch: of the task.
        name: of the model.

    Raises:
        SettingsError: when that would be too many numbers to look at, or the task is of another kind.
    """
    network = network_of(model, name)
    inputs, outputs = input_names(task), answer_names(task)
    steps = batch.inputs.shape[1]
    if not inputs or not outputs or batch.targets.dim() != 2 or batch.mask is not None:
        raise SettingsError(
            "Only a task that reads symbols and answers with one at every step is shown number by number.",
            hint="Try: seqlab train hello --explain",
        )
    sizes = {"steps": steps, "units": network.hidden_size, "symbols": max(len(inputs), len(outputs))}
    most = {"steps": MOST_STEPS, "units": MOST_UNITS, "symbols": MOST_SYMBOLS}
    too_many = [
        f"{size:,} {kind} (at most {most[kind]})" for kind, size in sizes.items() if size > most[kind]
    ]
    if too_many or len(network.cells) > 1 or network.embeds:
        why = ", ".join(too_many) or ("an embedding" if network.embeds else "more than one layer")
        raise SettingsError(
            f"That is too much to be shown number by number: {why}.", hint="Try: seqlab train hello --explain"
        )
    with torch.no_grad():
        was_training = model.training
        model.eval()
        read = trace(network, batch.inputs[:1], gates=False)
        model.train(was_training)
    cell = network.cells[0]
    assert isinstance(cell, Cell)
    weights = {**weights_of(cell), "V": network.readout.weight, "c": network.readout.bias}
    h = next(iter(read.layers[0].parts.values()))[0]
    scores = read.outputs[0].double()
    losses = F.cross_entropy(scores, batch.targets[0], reduction="none")
    one_hot = F.one_hot(batch.inputs[0], len(inputs))
    return Unrolled(
        tuple(map(visible, inputs)),
        tuple(map(visible, outputs)),
        tuple(
            UnrolledStep(
                symbol=visible(inputs[int(batch.inputs[0, t])]),
                one_hot=_array(one_hot[t]),
                h=_array(h[t]),
                scores=_array(scores[t]),
                probabilities=_array(scores[t].softmax(-1)),
                target=visible(outputs[int(batch.targets[0, t])]),
                said=visible(outputs[int(scores[t].argmax())]),
                loss=float(losses[t]),
            )
            for t in range(steps)
        ),
        {name: _array(weight) for name, weight in weights.items()},
    )


def to_csv(moments: dict[str, Unrolled]) -> str:
    """Return every number of the weights and the steps, before and after training, a row each."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("moment", "step", "quantity", "of", "value"))
    for moment, seen in moments.items():
        for name, values in seen.weights.items():
            rows.writerows(
                (moment, "", name, " ".join(map(str, place)), f"{value:.6g}")
                for place, value in np.ndenumerate(values)
            )
        for t, step in enumerate(seen.steps, 1):
            rows.writerows(
                (moment, t, quantity, name, f"{value:.6g}")
                for quantity, names, values in (
                    ("input", seen.inputs, step.one_hot),
                    ("h", range(len(step.h)), step.h),
                    ("score", seen.outputs, step.scores),
                    ("probability", seen.outputs, step.probabilities),
                )
                for name, value in zip(names, values, strict=True)
            )
            rows.writerow((moment, t, "loss", step.target, f"{step.loss:.6g}"))
    return written.getvalue()


def _array(values: torch.Tensor) -> Array:
    return np.array(values.detach().double().cpu().numpy())
