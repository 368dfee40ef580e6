"""What the compiled code works on: a network's shape, its flat weights, and each thread's working space."""

from __future__ import annotations

import math
import threading

import numpy as np

from seqlab.fused.layout import CELLS, LANES, Shape, space_size
from seqlab.fused.packed import Floats
from seqlab.models import Recurrent, SequenceModel
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN
from seqlab.tasks import Task

LARGE = 96
"""Units from which a batch is spread over processors, if it is more than one tile."""

_local = threading.local()


def places_of(model: SequenceModel) -> dict[str, slice]:
    """Return where in the flat weights each parameter lies."""
    places: dict[str, slice] = {}
    end = 0
    for name, parameter in model.named_parameters():
        places[name] = slice(end, end + parameter.numel())
        end = places[name].stop
    return places


def shapes_of(model: SequenceModel, task: Task, sequences: int) -> tuple[Shape, ...]:
    """Return what the compiled code must know of a model, layer by layer, to read so many sequences at once.

    A tile is two vectors wide; one where a large network would have no tile for a second processor.
    """
    assert isinstance(model, Recurrent)
    begins = {name: place.start for name, place in places_of(model).items()}
    vectors = 1 if model.hidden_size >= LARGE and sequences <= 2 * LANES else 2
    return tuple(_shape_of(model, number, begins, task, vectors) for number in range(len(model.cells)))


def _shape_of(model: Recurrent, number: int, begins: dict[str, int], task: Task, vectors: int) -> Shape:
    cell, H = model.cells[number], model.hidden_size
    kind = _cell_kind(cell)
    gates, kept = {"rnn": (1, 1), "lst": (4, 4), "gru": (3, 4)}[kind[:3]]
    form: dict[str, int] = {}
    if isinstance(cell, LSTM):
        rows = cell.form.rows
        gates = kept = len(rows)
        form = {name: rows.index(name) if name in rows else -1 for name in "ifgo"}
        form |= {
            "coupled": int(cell.form.coupled),
            "open_g": int(not cell.form.input_activation),
            "open_c": int(not cell.form.output_activation),
            "p": begins.get(f"cells.{number}.p", -1),
        }
    return Shape(
        cell=CELLS.index(kind),
        I=H if number else task.spec.input_size,
        H=H,
        O=task.spec.output_size,
        symbols=int(number == 0 and task.spec.inputs == "tokens"),
        classes=int(task.spec.outputs == "classes"),
        N=gates * H,
        R=kept * H,
        U=begins[f"cells.{number}.input.weight"],
        b=begins[f"cells.{number}.input.bias"],
        W=begins[f"cells.{number}.W"],
        c=begins.get(f"cells.{number}.c", 0),
        V=begins["readout.weight"],
        d=begins["readout.bias"],
        v=vectors,
        move=int(model.dropout_varies),
        **form,
    )


def aligned(*shape: int) -> Floats:
    """Return zeros that begin at a multiple of 64 bytes; elsewhere vectors would lie across cache lines."""
    count = math.prod(shape)
    room = np.zeros(4 * count + 64, np.uint8)
    begin = -room.ctypes.data % 64
    return room[begin : begin + 4 * count].view(np.float32).reshape(shape)


def weights_memory(model: SequenceModel, *shape: int) -> Floats:
    """Return zeros for a model's weights, and some more, so that they are a whole number of vectors."""
    count = sum(parameter.numel() for parameter in model.parameters())
    return aligned(*shape, -(-count // LANES) * LANES)


def working_space(shapes: tuple[Shape, ...], steps: int) -> Floats:
    """Return this thread's working space, at least enough for a tile of so many steps."""
    space: Floats | None = getattr(_local, "space", None)
    size = space_size(len(shapes), shapes[0], steps)
    if space is None or len(space) < size:
        space = _local.space = aligned(size)
    return space


def tiles_of(values: Floats) -> Floats:
    """Return (batches, tiles, rows, lanes) as the compiled code takes it, (batches, tiles, rows lanes)."""
    batches, tiles, rows, lanes = values.shape
    return values.reshape(batches, tiles, rows * lanes)


def _cell_kind(cell: object) -> str:
    if isinstance(cell, RNN):
        return f"rnn {cell.nonlinearity}"
    if isinstance(cell, GRU):
        return "gru before" if cell.c is None else "gru after"
    assert isinstance(cell, LSTM)
    return "lstm"
