"""The forward pass and the loss of several learners at once: tensors whose first axis is the seed, S.

A network is read step by step by :meth:`~seqlab.models.Cell.step`, in operations that torch makes for all
seeds at once (:func:`torch.func.vmap`), each with weights and data of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.contracts import PAD, Batch, Spec
from seqlab.models import Cell, Recurrent, State
from seqlab.tasks import Task

Tensors = tuple[Tensor, ...]


class Unrolled(nn.Module):
    """A network that is read in one direction, step by step."""

    def __init__(self, network: Recurrent) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, inputs: Tensor, held: Tensor, kept: Tensors, carried: State, anew: Tensors
    ) -> tuple[Tensor, State]:
        """Read the sequences of one learner.

        Args:
            inputs: (B, T) symbols or (B, T, I) features.
            held: (B, t), True where there is padding in the first t steps; there is none later.
            kept: for each layer, what its outputs are multiplied with, (B, 1 or T, H); empty for nothing.
            carried: the state to start from; empty where all learners start anew.
            anew: whether this one does, (); empty where all do, or none.

        Returns:
            Outputs (B, T, O) and the state after the last step.
        """
        x, final = inputs, []
        for layer, cell in enumerate(self.network.cells):
            assert isinstance(cell, Cell)
            if anew:
                state = _where(anew[0], cell.start(len(inputs)), carried[layer])
            else:
                state = carried[layer] if carried else cell.start(len(inputs))
            outputs = []
            for t, x_t in enumerate(x.unbind(1)):
                new = cell.step(x_t, state)
                state = new if t >= held.shape[1] else _where(held[:, t, None], state, new)
                outputs.append(state[0])
            x = torch.stack(outputs, 1)  # (B, T, H)
            if kept:
                x = x * kept[layer]
            final.append(state)
        return self.network.readout(x), tuple(final)


def read_all(
    network: Recurrent, weights: Mapping[str, Tensor], *data: Tensor | Tensors | State
) -> tuple[Tensor, State]:
    """Read the sequences of all learners at once.

    Args:
        network: any of theirs, for its form.
        weights: by their names in the network, (S, ...).
        *data: as :class:`Unrolled` takes it, (S, ...).

    Returns:
        Outputs (S, B, T, O) and the last states, each part (S, B, H).
    """
    unrolled = Unrolled(network)

    def read(weights: dict[str, Tensor], *data: Tensor | Tensors | State) -> tuple[Tensor, State]:
        return torch.func.functional_call(unrolled, weights, data)  # type: ignore[no-any-return]

    named = {f"network.{name}": weight for name, weight in weights.items()}
    return torch.func.vmap(read)(named, *data)


def try_out(network: Recurrent) -> None:
    """Read two short batches with a network that has no memory, on ``meta``; raises what its cell raises."""
    S, B, T = 2, 3, 2
    spec = network.spec
    with torch.device("meta"):
        weights = {name: weight.expand(S, *weight.shape) for name, weight in network.named_parameters()}
        if spec.inputs == "tokens":
            inputs = torch.zeros(S, B, T, dtype=torch.int64)
        else:
            inputs = torch.zeros(S, B, T, spec.input_size)
        held = torch.zeros(S, B, 1, dtype=torch.bool)
        read_all(network, weights, inputs, held, (), (), ())


def pile_inputs(batches: Sequence[Batch], spec: Spec) -> tuple[Tensor, Tensor]:
    """Return the inputs, (S, B, T, ...), and where states are held, (S, B, t), up to the last such step."""
    if spec.inputs == "tokens":
        inputs = pile([batch.inputs for batch in batches], PAD)
        held = inputs == PAD
    else:
        inputs = pile([batch.inputs for batch in batches], 0)
        held = pile([torch.zeros(batch.inputs.shape[:2], dtype=torch.bool) for batch in batches], True)
    (where,) = held.flatten(0, 1).any(0).nonzero(as_tuple=True)
    return inputs, held[:, :, : int(where[-1]) + 1 if len(where) else 0]


def pile_states(states: Sequence[State | None], device: torch.device) -> tuple[State, Tensors]:
    """Stack the states to start from; return them, and who has none, as :class:`Unrolled` takes both."""
    some = next((state for state in states if state is not None), None)
    if some is None:
        return (), ()
    piled = tuple(
        tuple(torch.stack([(state or some)[layer][part] for state in states]) for part in range(len(parts)))
        for layer, parts in enumerate(some)
    )
    anew = [state is None for state in states]
    return piled, (torch.tensor(anew, device=device),) if any(anew) else ()


def losses_of(outputs: Tensor, batches: Sequence[Batch], task: Task) -> Tensor:
    """Return the loss of each learner, (S,), as the task has it; the usual ones are computed at once.

    Args:
        outputs: (S, B, T, O).
        batches: of each learner, in front of which there may have been more padding.
        task: what they are of.
    """
    values, device = task.spec.outputs == "values", outputs.device
    if type(task).loss is not Task.loss or (values and task.spec.output_size != 1):
        pairs = zip(outputs, batches, strict=True)
        return torch.stack(
            [task.loss(mine[:, -batch.inputs.shape[1] :], batch.to(device)) for mine, batch in pairs]
        )
    masks = [
        torch.ones(batch.inputs.shape[:2], dtype=torch.bool) if batch.mask is None else batch.mask
        for batch in batches
    ]
    mask = pile(masks, False)  # (S, B, T)
    if batches[0].targets.dim() == 1:
        targets = torch.stack([batch.targets for batch in batches])[:, :, None].expand_as(mask)
    else:
        targets = pile([batch.targets for batch in batches], 0)
    targets, mask = targets.masked_fill(~mask, 0).to(device), mask.to(device)
    if values:
        each = F.mse_loss(outputs.squeeze(-1), targets, reduction="none")
    else:
        each = F.cross_entropy(outputs.flatten(0, 2), targets.flatten(), reduction="none").view_as(mask)
    return torch.where(mask, each, 0).sum((1, 2)) / mask.sum((1, 2))


def clip_gradients(weights: Sequence[nn.Parameter], clip_norm: float | None) -> Tensor:
    """Scale each learner's gradient as :func:`~seqlab.training.optimisers.clip_gradient` does.

    Args:
        weights: (S, ...) each.
        clip_norm: the greatest global norm of a learner's gradient; None to leave it.

    Returns:
        The norms before, (S,).
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norms: Tensor = torch.stack([part.reshape(len(part), -1).norm(dim=1) for part in gradients]).norm(dim=0)
    if clip_norm is not None:
        scale = (clip_norm / (norms + 1e-6)).clamp(max=1)
        for part in gradients:
            part.mul_(scale.view(-1, *[1] * (part.dim() - 1)))
    return norms


def _where(condition: Tensor, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensors:
    return tuple(torch.where(condition, one, other) for one, other in zip(a, b, strict=True))


def pile(parts: Sequence[Tensor], fill: float) -> Tensor:
    """Stack (B, T, ...), with ``fill`` in front of what is shorter than others, as (S, B, T, ...)."""
    steps = max(part.shape[1] for part in parts)
    shape = (len(parts), len(parts[0]), steps, *parts[0].shape[2:])
    piled = parts[0].new_full(shape, fill)
    for row, part in zip(piled, parts, strict=True):
        row[:, steps - part.shape[1] :] = part
    return piled
