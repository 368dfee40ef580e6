"""What goes on inside a recurrent network while it reads: states and gates at every step, and changing them.

Works for every model that is made of cells (:class:`seqlab.models.Recurrent`), step by step through the
cell's own ``step``. Gates are seen where a cell has ``gate_names`` and ``gates(x, state)``.

Shapes: B sequences, T steps, H hidden units, O outputs.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from seqlab.analysis.gates import Force, forced_gates, gate_names_of, read_gates
from seqlab.contracts import PAD, hold
from seqlab.errors import SettingsError
from seqlab.models import Cell, Recurrent, SequenceModel


@dataclass(frozen=True)
class Layer:
    """What one cell did.

    Attributes:
        name: empty where there is only one layer, else such as ``layer 2`` or ``layer 2 backwards``.
        parts: the parts of the state after each step, by name, (B, T, H) each.
        gates: likewise of the gates; empty for a cell without.
    """

    name: str
    parts: dict[str, Tensor]
    gates: dict[str, Tensor]


@dataclass(frozen=True)
class Trace:
    """What a network did while it read some sequences.

    Attributes:
        inputs: (B, T) symbols or (B, T, I) features.
        layers: what each cell did.
        outputs: what it would have answered at each step, (B, T, O).
        active: (B, T), False where there is padding.
    """

    inputs: Tensor
    layers: tuple[Layer, ...]
    outputs: Tensor
    active: Tensor


def network_of(model: SequenceModel, name: str) -> Recurrent:
    """Return the model as a network of cells.

    Raises:
        SettingsError: when it is none.
    """
    if not isinstance(model, Recurrent):
        why = "counts, and has no states" if model.counts else "is not made of recurrent cells"
        raise SettingsError(
            f"The model {name} {why}: there are no hidden units to look at.",
            hint="Take a run of rnn, lstm, gru, or of a cell of your own.",
        )
    if type(model).forward is not Recurrent.forward:
        raise SettingsError(
            f"The model {name} reads in a way of its own ({type(model).__name__}.forward), which the steps "
            "of its cells do not show."
        )
    for cell in model.cells:
        assert isinstance(cell, Cell)
        check_parts(cell, name)
    return model


def check_parts(cell: Cell, name: str) -> None:
    """Raise a SettingsError when a cell has a state that cannot be looked at unit by unit."""
    for part, values in zip(cell.parts, cell.start(1), strict=True):
        if values.dim() != 2 or values.is_complex():
            kind = "complex numbers " if values.is_complex() else ""
            shape = ", ".join(["B", *map(str, values.shape[1:])])
            raise SettingsError(
                f"The part {part} of the state of {name} holds {kind}({shape}); what is looked at, unit by "
                "unit, are real numbers (B, H).",
                hint="Take rnn, lstm or gru. What h of such a model does in a run, seqlab map draws.",
            )


@torch.no_grad()
def trace(
    model: Recurrent,
    inputs: Tensor,
    *,
    force: Force | None = None,
    silent: tuple[int, int] | None = None,
    gates: bool = True,
) -> Trace:
    """Read sequences from the start state, one step after the other, and keep everything.

    Args:
        model: the network; it is read as it is evaluated, without dropout.
        inputs: (B, T) symbols with :data:`PAD` in front, or (B, T, I) features.
        force: gates to hold.
        silent: number of a cell and of its unit, both from 0, whose h is held at 0.
        gates: whether they are kept.

    Returns:
        States, gates and outputs. Where there is padding, states stay and gates are 0.
    """
    symbols = model.spec.inputs == "tokens"
    active = inputs != PAD if symbols else torch.ones(inputs.shape[:2], dtype=torch.bool)
    count = active.cumsum(1) - 1  # (B, T): the place in the sequence
    forced = torch.zeros_like(active)
    if force is not None:
        stop = inputs.shape[1] if force.stop is None else force.stop
        forced = active & (count >= force.start) & (count < stop)
    layers, x = [], model.embed(inputs.clamp(min=0) if symbols else inputs)  # padding's part is not used
    for index in range(0, len(model.cells), model.directions):
        outputs = []
        for direction in range(model.directions):
            cell = model.cells[index + direction]
            assert isinstance(cell, Cell)
            unit = silent[1] if silent is not None and silent[0] == index + direction else None
            name = layer_name(model, index + direction) if len(model.cells) > 1 else ""
            layer = _read(
                cell, x, active, force, forced, unit, gate_names_of(cell) if gates else (),
                backwards=direction == 1, name=name,
            )  # fmt: skip
            layers.append(layer)
            outputs.append(layer.parts[cell.parts[0]])
        x = model.passed_on(index, x, torch.cat(outputs, -1))
    return Trace(inputs, tuple(layers), model.readout(x), active)


def _read(
    cell: Cell,
    x: Tensor,
    active: Tensor,
    force: Force | None,
    forced: Tensor,
    silent: int | None,
    gate_names: tuple[str, ...],
    *,
    backwards: bool,
    name: str,
) -> Layer:
    """Take the steps of one cell; see :func:`trace`."""
    state, prepared = cell.start(len(x)), cell.prepare()
    steps = range(x.shape[1])
    parts: list[tuple[Tensor, ...]] = [()] * len(steps)
    gates: list[tuple[Tensor, ...]] = [()] * len(steps)
    for t in reversed(steps) if backwards else steps:
        with forced_gates(cell, force.gates, forced[:, t]) if force else nullcontext():
            if gate_names:
                gates[t] = tuple(gate * active[:, t, None] for gate in read_gates(cell, x[:, t], state))
            new = cell.advance(x[:, t], state, prepared)
        state = hold(~active[:, t], state, new)
        if silent is not None:
            state[0][:, silent] = 0
        parts[t] = state
    return Layer(name, _stacked(cell.parts, parts), _stacked(gate_names, gates))


def _stacked(names: tuple[str, ...], steps: list[tuple[Tensor, ...]]) -> dict[str, Tensor]:
    return {name: torch.stack([step[k] for step in steps], 1) for k, name in enumerate(names)}


def layer_name(model: Recurrent, cell: int) -> str:
    """Return what the layer of a cell, by its place in the model, is called everywhere: counted from 1."""
    number, direction = divmod(cell, model.directions)
    return f"layer {number + 1}{' backwards' if direction else ''}"
