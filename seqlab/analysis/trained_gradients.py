r"""The gradient through time of a run: its own network, on sequences of its own task, at points of training.

T is the last step of a sequence at which an answer is wanted, and the loss is that of this answer alone. In
float64, and without the padding. Each layer is measured by itself, driven by what the layer below says: no
way leads from a layer down and back up, so d s(T) / d s(T-L) of one layer is the product of that layer's own
Jacobians, however many layers there are.

Shapes: T steps, L lags, I inputs.
"""

from __future__ import annotations

import copy
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqlab.analysis.gradients import ModelGradient, combine, one_thread
from seqlab.analysis.jacobians import measure_cell
from seqlab.analysis.states import layer_name
from seqlab.contracts import PAD, Batch
from seqlab.engines import engine_of
from seqlab.errors import RunFailedError, SettingsError, UsageError
from seqlab.models import Cell, Recurrent
from seqlab.session import Session
from seqlab.tasks import Task
from seqlab.training.loop import new_learner


def check_network(network: Recurrent, name: str) -> None:
    """Refuse a network in which no step lies a lag behind another.

    Raises:
        SettingsError: when it reads from both ends.
    """
    if network.directions != 1:
        raise SettingsError(
            f"The model {name} reads from both ends: no step lies behind the answer, so there is no lag.",
            hint="Take a run with model.bidirectional=false.",
        )


def measure_network(
    network: Recurrent, task: Task, *, lags: int = 200, sequences: int = 3, seed: int = 1
) -> tuple[ModelGradient, ...]:
    """Measure the gradient through time of a network on a task.

    Args:
        network: read in float64, and left as it is.
        task: whose test sequences it reads.
        lags: the greatest lag; less where sequences are shorter.
        sequences: how many to read; curves have one line for each.
        seed: of the sequences.

    Returns:
        For each layer its norms, its bounds, and |d Loss / d h(T-L)|.

    Raises:
        UsageError: when the sequences have a single step.
        RunFailedError: when a state is not finite, or a cell's step cannot be differentiated.
    """
    network = _exact(network)
    rows = _rows(task, sequences, seed, lags + 1)
    lags = min(lags, min(row.inputs.shape[1] for row in rows) - 1)
    if lags < 1:
        raise UsageError("The sequences of this task have a single step, so that there is no lag.")
    names = [layer_name(network, cell) for cell in range(len(network.cells))]
    measured: list[list[dict[str, Tensor]]] = [[] for _ in network.cells]
    with one_thread():
        for row in rows:
            try:
                found = _measure_row(network, task, row, lags)
            except RuntimeError as error:
                raise RunFailedError(
                    f"The gradient cannot be followed through the network in float64: {error}"
                ) from error
            for layer, logs in zip(measured, found, strict=True):
                layer.append(logs)
    cells = [_cell(network, number) for number in range(len(names))]
    return tuple(combine(name, [cell], logs) for name, cell, logs in zip(names, cells, measured, strict=True))


@dataclass(frozen=True)
class Moment:
    """What was measured of a run at a point of its training.

    Attributes:
        label: such as ``start``.
        layers: what was measured, the layer that reads the input first.
    """

    label: str
    layers: tuple[ModelGradient, ...]


def to_csv(moments: Sequence[Moment], of: str = "layer") -> str:
    """Return everything as CSV: a line for each lag, layer and moment, geometric means over the sequences.

    Args:
        moments: what was measured.
        of: what the layers are called; of starts they are models, and the means are over seeds.
    """
    layers = [(moment, layer) for moment in moments for layer in moment.layers]
    names = list(dict.fromkeys(name for _, layer in layers for name in layer.curves()))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["at", of, "lag", *names])
    for moment, layer in layers:
        means = {name: curve.mean for name, curve in layer.curves().items()}
        for lag in range(1, len(means["spectral"]) + 1):
            values = [f"{means[name][lag - 1]:.6g}" if name in means else "" for name in names]
            writer.writerow([moment.label, layer.name, lag, *values])
    return stream.getvalue()


def train_again(session: Session, steps: Sequence[int]) -> Iterator[tuple[int, Recurrent]]:
    """Train a run again from its start, in memory, and stop at some steps.

    Batches and dropout are functions of (seed, step), and the engine is the run's, so these are the weights
    that the run had there.

    Args:
        session: newly opened, with the weights of the start; they are changed.
        steps: updates, in any order.

    Yields:
        At each of the steps its number and the network, as it would be evaluated.

    Raises:
        UsageError: when training ends before one of them.
    """
    model, left = session.model, set(steps)
    assert isinstance(model, Recurrent)
    experiment = session.experiment
    learner = new_learner(model, experiment.training)
    if 0 in left:
        left.remove(0)
        yield 0, model
    engine = engine_of(experiment.training.engine)
    for (step,) in engine.fit(experiment, session.task, [learner], [experiment.seed], pause_at=tuple(left)):
        if not left:
            return
        if step is not None and step.step in left:
            left.remove(step.step)
            with learner.evaluated_weights():
                yield step.step, model
    if left:
        raise UsageError(f"Training ends at step {learner.step:,}; there is no step {min(left):,}.")


def _exact(network: Recurrent) -> Recurrent:
    """Return a copy in float64, on the processor, that evaluates."""
    shared = {id(network.noise): network.noise}  # a generator cannot be copied, nor is it needed
    return copy.deepcopy(network, shared).to("cpu").double().eval()


def _cell(network: Recurrent, number: int) -> Cell:
    cell = network.cells[number]
    assert isinstance(cell, Cell)
    return cell


def _rows(task: Task, count: int, seed: int, steps: int) -> list[Batch]:
    """Return sequences of the test set, each alone, up to the last step at which an answer is wanted.

    A task that is a stream goes on over several batches, until there are enough steps.
    """
    batch = task.batch("test", 0, count, seed)
    following = 1
    while task.stream and batch.inputs.shape[1] < steps:
        after = task.batch("test", following, count, seed)
        if not after.continues:
            break
        batch, following = _joined(batch, after), following + 1
    return [_row(batch, row) for row in range(len(batch.inputs))]


def _joined(first: Batch, second: Batch) -> Batch:
    """Put the steps of a batch behind those of another."""
    masks = [batch.mask for batch in (first, second) if batch.mask is not None]
    return Batch(
        torch.cat([first.inputs, second.inputs], 1),
        torch.cat([first.targets, second.targets], 1),
        torch.cat(masks, 1) if len(masks) == 2 else None,
    )


def _row(batch: Batch, row: int) -> Batch:
    """Return one sequence without padding, with only its last answer wanted."""
    inputs = batch.inputs[row]
    counted = torch.ones(len(inputs), dtype=torch.bool) if batch.mask is None else batch.mask[row]
    end = int(counted.nonzero().max()) + 1
    begin = 0 if inputs.is_floating_point() else int((inputs != PAD).int().argmax())
    inputs = inputs[begin:end].double() if inputs.is_floating_point() else inputs[begin:end]
    targets = batch.targets[row] if batch.targets.dim() == 1 else batch.targets[row, end - 1]
    if targets.is_floating_point():
        targets = targets.double()
    mask = torch.zeros(1, end - begin, dtype=torch.bool)
    mask[0, -1] = True
    return Batch(inputs[None], targets[None], mask)


def _measure_row(network: Recurrent, task: Task, row: Batch, lags: int) -> list[dict[str, Tensor]]:
    """Measure every layer on one sequence."""
    x = network.embed(row.inputs)[0]  # (T,) symbols or (T, I)
    inputs, states = [], []
    for number in range(len(network.cells)):
        cell = _cell(network, number)
        inputs.append(x.detach())
        states.append(_states(cell, x))
        x = network.passed_on(number, x, torch.cat([state[0] for state in states[-1]]))  # (T, H)
    loss = task.loss(network.readout(x)[None], row)
    nodes = [part for layer in states for state in layer for part in state]
    gradients = iter(torch.autograd.grad(loss, nodes, allow_unused=True, materialize_grads=True))
    found = []
    for number, layer in enumerate(states):
        felt = [[next(gradients) for _ in state] for state in layer][-2 : -lags - 2 : -1]  # at T-1, T-2, ...
        found.append(
            measure_cell(_cell(network, number), inputs[number], lags)
            | {
                "loss_hidden": torch.stack([parts[0].norm() for parts in felt]).log10(),
                "loss_state": torch.stack([torch.cat(parts, 1).norm() for parts in felt]).log10(),
            }
        )
    return found


def _states(cell: Cell, x: Tensor) -> list[tuple[Tensor, ...]]:
    """Return the state after each step, every part (1, H), with the way from one to the next for autograd."""
    state = tuple(part.detach().requires_grad_() for part in cell.start(1))
    states, prepared = [], cell.prepare()
    for x_t in x.unsqueeze(1):
        state = cell.advance(x_t, state, prepared)
        states.append(state)
    return states
