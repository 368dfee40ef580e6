"""The training loop: five visible steps, and everything that must be remembered to go on bit for bit.

It knows no files and no screen. :func:`fit` is a generator of what happens; whoever runs it writes records,
draws progress, saves checkpoints, or stops asking.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seqlab.contracts import Batch, torch_stream
from seqlab.doing import doing
from seqlab.errors import NonFiniteLossError, UnknownNameError
from seqlab.models import SequenceModel, State, detach, read_batch
from seqlab.settings import Training
from seqlab.tasks import Task
from seqlab.training.evaluation import evaluate
from seqlab.training.optimisers import (
    averaging_at,
    build_optimizer,
    clip_gradient,
    learning_rate,
    update,
)

SMOOTHING = 0.98
"""Decay of the smoothed loss, per step."""


@dataclass(frozen=True)
class Validation:
    """The model has been judged on the validation set.

    Attributes:
        metrics: as the task reports them.
        best: whether these are the weights to keep.
        solved: whether they fulfil ``stop_when``.
    """

    metrics: Mapping[str, float]
    best: bool
    solved: bool


@dataclass(frozen=True)
class Step:
    """One parameter update has been made.

    Attributes:
        step: updates made so far.
        sequences: training sequences seen so far.
        loss: of this batch, in nats (or squared error).
        smoothed_loss: its running mean.
        grad_norm: the gradient's global norm before clipping.
        learning_rate: that the update was made with.
        validation: the judgement made after this step, where one was due.
    """

    step: int
    sequences: int
    loss: float
    smoothed_loss: float
    grad_norm: float
    learning_rate: float
    validation: Validation | None = None


@dataclass
class Learner:
    """A model in training with everything that the next step depends on.

    Random streams need no remembering: data and dropout are functions of (seed, step).
    """

    model: SequenceModel
    optimizer: torch.optim.Optimizer
    averaged: list[Tensor] | None = None
    carried: State | None = None
    counters: dict[str, Any] = field(
        default_factory=lambda: {
            "step": 0, "sequences": 0, "smoothed_loss": None, "grad_norm": None,
            "best_score": math.inf, "best_step": None, "best_metrics": None,
            "stale": 0, "solved_at": None, "ended": False,
        }
    )  # fmt: skip

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self.counters["step"])

    def state_dict(self) -> dict[str, Any]:
        """Return everything as tensors and plain values, on the processor."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaged": self.averaged,
            "carried": self.carried,
            "counters": dict(self.counters),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self.model.load_state_dict(saved["model"])
        here, there = self.optimizer.state_dict()["param_groups"], saved["optimizer"]["param_groups"]
        groups = [  # with the options of the engine and the device here
            {**mine, "params": theirs["params"]} for mine, theirs in zip(here, there, strict=True)
        ]
        self.optimizer.load_state_dict({**saved["optimizer"], "param_groups": groups})
        device = next(self.model.parameters()).device
        averaged, carried = saved["averaged"], saved["carried"]
        self.averaged = averaged and [values.to(device) for values in averaged]
        self.carried = carried and tuple(tuple(part.to(device) for part in parts) for parts in carried)
        self.counters = {**self.counters, **saved["counters"]}

    @contextmanager
    def evaluated_weights(self) -> Iterator[None]:
        """Put the averaged weights, where there are any, in the model's place for a while."""
        if self.averaged is None:
            yield
            return
        parameters = list(self.model.parameters())
        trained = [parameter.detach().clone() for parameter in parameters]
        _copy(self.averaged, parameters)
        try:
            yield
        finally:
            _copy(trained, parameters)

    def use_averaged_weights(self) -> None:
        """Put the averaged weights, where there are any, in the model's place for good."""
        if self.averaged is not None:
            _copy(self.averaged, list(self.model.parameters()))


def new_learner(model: SequenceModel, settings: Training) -> Learner:
    """Return a model ready for its first step."""
    averaged = None
    if settings.averaging is not None:
        averaged = [parameter.detach().clone() for parameter in model.parameters()]
    return Learner(model, build_optimizer(model.parameters(), settings), averaged)


def train_step(
    learner: Learner,
    task: Task,
    batch: Batch,
    settings: Training,
    precision: AbstractContextManager[object],
) -> tuple[float, float]:
    """Learn from one batch: the five steps of every training loop.

    Returns:
        The loss, and the gradient's global norm before clipping.

    Raises:
        NonFiniteLossError: when either is not finite; the weights are then left as they were.
    """
    carried = learner.carried if batch.continues else None
    loss, state = loss_of(learner.model, task, batch, carried, precision)  # 1. forward, 2. loss
    learner.optimizer.zero_grad()  # 3. zero the gradient
    loss.backward()  # type: ignore[no-untyped-call]  # 4. backward
    grad_norm = float(clip_gradient(learner.model.parameters(), settings.clip_norm))
    value = float(loss.detach())
    if not (math.isfinite(value) and math.isfinite(grad_norm)):
        raise non_finite(learner, value, grad_norm)
    update(learner.optimizer)  # 5. step
    learner.carried = detach(state) if task.stream else None
    return value, grad_norm


def loss_of(
    model: SequenceModel,
    task: Task,
    batch: Batch,
    carried: State | None = None,
    precision: AbstractContextManager[object] | None = None,
) -> tuple[Tensor, State]:
    """Return what is learned from a batch, and the state after it.

    It is what the model says by itself (:meth:`SequenceModel.learn`) or else the task's loss and, spread over
    what counts, what the model has paid besides (:meth:`SequenceModel.paid`).

    Args:
        model: that learns.
        task: what the batch is of.
        batch: to learn from.
        carried: the state to read on from; None for the start.
        precision: the context of the forward pass; None for full precision.
    """
    own = model.learn(task, batch)
    if own is not None:
        return own, ()
    with precision or nullcontext():
        outputs, state = read_batch(model, batch, carried)
    loss, paid = task.loss(outputs.float(), batch), model.paid(state)
    if paid is None:
        return loss, state
    return loss + paid.sum() / batch.select(outputs)[1].numel(), state


def fit(
    learner: Learner,
    task: Task,
    settings: Training,
    seed: int,
    precision: AbstractContextManager[object] | None = None,
) -> Iterator[Step]:
    """Train until the steps are used up, the task is solved, or patience ends.

    Stopping to ask and calling again with the same learner goes on where it was.

    Args:
        learner: the model and all that its next step depends on; changed in place.
        task: where batches come from.
        settings: how to train.
        seed: of the data and of dropout.
        precision: the context of the forward pass; None for full precision.

    Yields:
        A :class:`Step` after every update, with a :class:`Validation` after every ``evaluate_every`` of them.

    Raises:
        NonFiniteLossError: when the loss or the gradient is not finite.
    """
    precision = precision or nullcontext()
    counters = learner.counters
    device = next(learner.model.parameters()).device
    learner.model.train()
    while learner.step < settings.steps and not counters["ended"]:
        index = learner.step
        batch = task.batch("train", index, settings.batch_size, seed).to(device)
        rate = learning_rate(settings, index)
        for group in learner.optimizer.param_groups:
            group["lr"] = rate
        learner.model.noise = torch_stream(seed, "dropout", index)
        learner.model.updates = index
        loss, grad_norm = train_step(learner, task, batch, settings, precision)
        if settings.averaging is not None:
            assert learner.averaged is not None
            average(learner.averaged, list(learner.model.parameters()), settings.averaging, index)
        smoothed = note_step(learner, loss, grad_norm, len(batch.inputs))
        validation = None
        if (index + 1) % settings.evaluate_every == 0 or index + 1 == settings.steps:
            validation = validate(learner, task, settings, seed)
        yield Step(index + 1, counters["sequences"], loss, smoothed, grad_norm, rate, validation)


def note_step(learner: Learner, loss: float, grad_norm: float, sequences: int) -> float:
    """Count an update that has been made, and return the smoothed loss."""
    counters = learner.counters
    smoothed = counters["smoothed_loss"]
    smoothed = loss if smoothed is None else SMOOTHING * smoothed + (1 - SMOOTHING) * loss
    counters.update(
        step=counters["step"] + 1,
        sequences=counters["sequences"] + sequences,
        smoothed_loss=smoothed,
        grad_norm=grad_norm,
    )
    return float(smoothed)


def is_solved(metrics: Mapping[str, float], stop_when: Mapping[str, float], task: Task) -> bool:
    """Say whether every metric named in ``stop_when`` is as good as wanted there.

    Raises:
        UnknownNameError: when the task has no such metric, or has no figure of it here.
    """
    declared = {metric.name: metric for metric in task.metrics}
    for name in stop_when:
        if name not in declared or name not in metrics:
            raise UnknownNameError("metric", name, [name for name in declared if name in metrics])
    return bool(stop_when) and all(
        declared[name].is_reached(metrics[name], wanted) for name, wanted in stop_when.items()
    )


def validate(learner: Learner, task: Task, settings: Training, seed: int) -> Validation:
    """Judge a learner on the validation set."""
    with doing("judging on the validation set"), learner.evaluated_weights():
        metrics = evaluate(
            learner.model, task, task.evaluation("validation", settings.evaluation_sequences, seed)
        )
    return note_validation(learner, metrics, task, settings)


def note_validation(
    learner: Learner, metrics: Mapping[str, float], task: Task, settings: Training
) -> Validation:
    """Remember what a validation says: whether these weights are the best, and whether training has ended."""
    counters = learner.counters
    solved = is_solved(metrics, settings.stop_when, task)
    score = task.score(metrics)
    best = solved or score < counters["best_score"]
    counters["stale"] = 0 if best else counters["stale"] + 1
    if best:
        counters.update(best_score=score, best_step=counters["step"], best_metrics=dict(metrics))
    if solved:
        counters["solved_at"] = counters["sequences"]
    counters["ended"] = solved or (settings.patience is not None and counters["stale"] >= settings.patience)
    return Validation(metrics, best, solved)


def non_finite(learner: Learner, loss: float, grad_norm: float) -> NonFiniteLossError:
    """Return the error that says what is not finite, and what was before."""
    before = learner.counters["grad_norm"]
    norm = (
        "there was no step before"
        if before is None
        else f"the gradient norm of the step before was {before:.3g}"
    )
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient norm is {grad_norm}"
    return NonFiniteLossError(
        f"At step {learner.step + 1} {what}; {norm}.",
        hint="What was saved before is kept. A smaller training.learning_rate or clip_norm may help.",
    )


@torch.no_grad()
def average(averaged: list[Tensor], weights: list[torch.nn.Parameter], decay: float, step: int) -> None:
    """Move averaged weights towards the present ones, faster in the first steps, to forget the start."""
    share = 1 - averaging_at(decay, step)
    for value, weight in zip(averaged, weights, strict=True):
        value.lerp_(weight, share)


@torch.no_grad()
def _copy(values: list[Tensor], parameters: list[torch.nn.Parameter]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
