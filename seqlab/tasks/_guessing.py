"""What a task's figures are for whoever has learned nothing: the bar that every model must clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqlab.contracts import Batch, Spec

if TYPE_CHECKING:
    from seqlab.tasks._base import Task

SEEN = 512
"""Sequences of the validation set from which the constant answer is taken."""


@dataclass(frozen=True)
class Guess:
    """What guessing comes to on a task.

    Attributes:
        name: of the way to guess, as it stands beside a figure: ``guessing``, ``3-gram``.
        figures: by the names of the task's metrics; not all need be there.
        others: further ways to guess, which do no better.
    """

    name: str
    figures: Mapping[str, float]
    others: tuple[Guess, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)


@torch.no_grad()
def constant_guess(task: Task, sequences: int, seed: int) -> Guess:
    """Return what comes of the same outputs at every step, whatever is read.

    They are the logarithms of the classes' shares, so that the commonest class is the answer (for bits, the
    log-odds of each), or the mean of the values: what minimises cross-entropy and squared error.

    Args:
        task: whose figures are wanted.
        sequences: of the test set on which the answer is judged.
        seed: of the random streams; the outputs are taken from the validation set.

    >>> from seqlab.settings import Component
    >>> from seqlab.tasks import build_task
    >>> guess = build_task(Component(name="temporal-order")).guess(2560, seed=1)
    >>> guess.name, round(guess.figures["accuracy"], 1), round(guess.figures["loss"], 1)
    ('guessing', 0.3, 1.4)
    """
    outputs = _best_constant(task.spec, task.evaluation("validation", SEEN, seed))
    total = Counter[str]()
    for batch in task.evaluation("test", sequences, seed):
        total.update(task.tally(outputs.expand(*batch.inputs.shape[:2], -1), batch))
    return Guess("guessing", task.figures(total))


def _best_constant(spec: Spec, batches: Iterator[Batch]) -> Tensor:
    """Return the outputs, (O,), that suit the answers of some batches best."""
    total, count = torch.zeros(spec.output_size, dtype=torch.float64), 0
    for batch in batches:
        _, targets = batch.select(torch.empty(1, 1, 1).expand(*batch.inputs.shape[:2], 1))
        if spec.outputs == "classes":
            total += torch.bincount(targets, minlength=spec.output_size)
        else:
            total += targets.double().reshape(len(targets), -1).sum(0)
        count += len(targets)
    if spec.outputs == "values":
        return (total / max(count, 1)).float()
    # A class that did not come has half a count: a share of nought would make its loss infinite.
    shares = (total + 0.5) / (count + 0.5 * (spec.output_size if spec.outputs == "classes" else 2))
    return (shares.logit() if spec.outputs == "bits" else shares.log()).float()
