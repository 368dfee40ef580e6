"""One step of a network as torch traces it: from a symbol and a state to scores and the next state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from seqlab.errors import SettingsError
from seqlab.models import SequenceModel, State
from seqlab.training.checkpoints import first_line

ROWS = 2
"""Of what is traced: with one, torch would take the number of rows for a constant."""


class Step(nn.Module):
    """A network with its state laid flat: (inputs, part, part, ...) to (outputs, part, part, ...).

    Args:
        model: the network.
    """

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model
        self.groups = [len(group) for group in model.start({}, 1)]

    def forward(self, inputs: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """Read a sequence from a state."""
        outputs, end = self.model(inputs, self.state(parts) or None)
        return outputs, *flat(end)

    def state(self, parts: tuple[Tensor, ...]) -> State:
        """Return parts as the groups of a state."""
        left = iter(parts)
        return tuple(tuple(next(left) for _ in range(size)) for size in self.groups)


@dataclass(frozen=True)
class Traced:
    """What torch has made of a step.

    Attributes:
        program: of one step of any number of rows.
        start: the parts of the state before the first, of one row each.
    """

    program: ExportedProgram
    start: tuple[Tensor, ...]


def flat(state: State) -> tuple[Tensor, ...]:
    """Return the parts of a state, group by group."""
    return tuple(part for group in state for part in group)


def example(model: SequenceModel, rows: int, steps: int, seed: int = 0) -> Tensor:
    """Return inputs that a network can read: symbols (B, T), or features (B, T, I)."""
    stream = torch.Generator().manual_seed(seed)
    size = model.spec.input_size
    if model.spec.inputs == "tokens":
        return torch.randint(size, (rows, steps), generator=stream)
    return torch.randn(rows, steps, size, generator=stream)


def require_steps(model: SequenceModel) -> None:
    """Refuse a network that is more than its steps.

    Raises:
        SettingsError: when it reads something before the first step, or from the end, or counts.
    """
    why = None
    if model.spec.context:
        why = f"it reads {' and '.join(model.spec.context)} before the first step"
    elif not model.causal:
        why = "it reads from the end, too"
    elif model.counts:
        why = "it has counts, and no weights"
    if why is not None:
        raise SettingsError(
            f"This network cannot be exported: {why}.",
            hint="Networks that read step by step can: rnn, lstm, gru, mingru, transformer and others.",
        )


def laid_out(model: SequenceModel) -> tuple[Step, tuple[Tensor, ...], Any, tuple[Tensor, ...]]:
    """Return what torch is to trace: a step, what it is called with, and which axes of that are rows.

    Returns:
        The step, its arguments, their dynamic shapes, and the parts of the state at the start, a row each.

    Raises:
        SettingsError: when the network is more than its steps.
    """
    require_steps(model)
    step = Step(model)
    start = tuple(part.detach() for part in flat(model.start({}, 1)))  # it may be learned
    parts = tuple(part.repeat(ROWS, *[1] * (part.dim() - 1)) for part in start)
    rows = Dim("rows", min=1, max=1 << 20)
    shapes = ({0: rows}, tuple({0: rows} for _ in parts)) if parts else ({0: rows},)
    return step, (example(model, ROWS, 1), *parts), shapes, start


def trace(model: SequenceModel) -> Traced:
    """Return one step of a network, traced.

    Args:
        model: on the processor, in evaluation mode.

    Raises:
        SettingsError: when it is more than its steps, or torch cannot trace it.
    """
    step, arguments, shapes, start = laid_out(model)
    try:
        with torch.no_grad():
            program = torch.export.export(step, arguments, dynamic_shapes=shapes, strict=False)
    except Exception as error:  # torch raises many kinds; none is the user's fault
        raise SettingsError(
            f"torch cannot trace a step of this network: {first_line(error)}",
            hint="Its weights can be read all the same: checkpoints/best.safetensors in the run's folder.",
        ) from error
    return Traced(program, start)
