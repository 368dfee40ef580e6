"""One sequence as a network read it, ready to be drawn and to be written as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from seqlab.analysis.states import Trace
from seqlab.analysis.symbols import answer_names, input_names, visible
from seqlab.contracts import Batch
from seqlab.tasks import Task

MOST_NUMBERS = 8
"""Of more features it is said how many there are."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """One kind of quantity of one layer.

    Attributes:
        layer: the number of the cell, from 0.
        name: of the part of the state or of the gate, with its layer where there are several.
        gate: whether it is a gate.
        values: (H, T).
    """

    layer: int
    name: str
    gate: bool
    values: Array


@dataclass(frozen=True)
class Reading:
    """What a network did with one sequence.

    Attributes:
        symbols: of each step; for features their numbers, where they are few.
        panels: for each layer the parts of the state, then the gates.
        answers: what the network would have said after each step: probabilities of the classes, or values,
            (T, O).
        answer_names: of the classes; empty for values.
        wanted: the right answer where the sequence has one, by name; else None.
        wanted_each: the right answer at each step by name, empty where none is wanted; None where it is not
            known, or is of the sequence.
        frames: the piece of a picture that is read at each step, (T, R, C), from 0 to 1; None where none is.
    """

    symbols: tuple[str, ...]
    panels: tuple[Panel, ...]
    answers: Array
    answer_names: tuple[str, ...]
    wanted: str | None
    wanted_each: tuple[str, ...] | None = None
    frames: Array | None = None

    @property
    def said(self) -> list[str]:
        """The likeliest class after each step; empty where the outputs are values."""
        return [self.answer_names[best] for best in self.answers.argmax(1)] if self.answer_names else []

    def to_rows(self) -> list[tuple[object, ...]]:
        """Return every number as a row, below a row of names, for CSV; answers come last."""
        answers = self.answer_names or tuple(map(str, range(self.answers.shape[1])))
        blocks = [(panel.name, range(len(panel.values)), panel.values) for panel in self.panels]
        rows: list[tuple[object, ...]] = [("quantity", "of", "step", "symbol", "value")]
        for quantity, of, values in (*blocks, ("answer", answers, self.answers.T)):
            for name, line in zip(of, values, strict=True):
                rows += [
                    (quantity, name, step, symbol, float(f"{value:.6g}"))
                    for step, (symbol, value) in enumerate(zip(self.symbols, line, strict=True))
                ]
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; states and gates are lists over units of lists over steps."""
        return {
            "symbols": list(self.symbols),
            "wanted": self.wanted,
            "wanted_each": self.wanted_each,
            "said": self.said,
            "answer_names": list(self.answer_names),
            "answers": self.answers.tolist(),
            "panels": {panel.name: panel.values.tolist() for panel in self.panels},
        }


def reading(read: Trace, task: Task, row: int, batch: Batch | None = None) -> Reading:
    """Cut one sequence out of a trace, without its padding.

    Args:
        read: the trace.
        task: for the names of symbols and classes.
        row: which sequence.
        batch: where the inputs come from, for the right answer.
    """
    steps = read.active[row]
    names = input_names(task)
    symbols = [visible(names[int(x)]) if names else _numbers(x.tolist()) for x in read.inputs[row][steps]]
    panels = []
    for number, layer in enumerate(read.layers):
        for kind in (layer.parts, layer.gates):
            for name, values in kind.items():
                label = f"{name}, {layer.name}" if layer.name else name
                panels.append(Panel(number, label, kind is layer.gates, _array(values[row][steps].t())))
    outputs, classes = read.outputs[row][steps], answer_names(task)
    wanted = None
    if batch is not None and batch.targets.dim() == 1:
        wanted = visible(classes[int(batch.targets[row])]) if classes else f"{float(batch.targets[row]):.4g}"
    answers = outputs.softmax(-1) if classes else outputs
    frames = None
    if task.spec.frame is not None:
        frames = _array(read.inputs[row][steps]).reshape(-1, *task.spec.frame)
    each = None if batch is None else _wanted_each(batch.row(row), classes, steps)
    return Reading(
        tuple(symbols), tuple(panels), _array(answers), tuple(map(visible, classes)), wanted, each, frames
    )


def _wanted_each(batch: Batch, classes: Sequence[str], steps: Tensor) -> tuple[str, ...] | None:
    """Return the right answer at each of some steps (T,) of one row, where there are several, by name."""
    if not classes or batch.targets.dim() != 2:
        return None
    counts = steps if batch.mask is None else batch.mask[0]
    there = zip(batch.targets[0][steps].tolist(), counts[steps].tolist(), strict=True)
    return tuple(visible(classes[target]) if is_wanted else "" for target, is_wanted in there)


def _numbers(values: Sequence[float]) -> str:
    """Write the features of a step, or how many there are."""
    if len(values) > MOST_NUMBERS:
        return f"{len(values)} numbers"
    return " ".join(f"{value:.2g}" for value in values)


def _array(values: Any) -> Array:
    return np.asarray(values.double().cpu().numpy())
