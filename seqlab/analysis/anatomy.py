"""What a model is made of: its equations, its weights, and what a step costs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seqlab.analysis.gates import gate_names_of
from seqlab.contracts import Signal, Spec
from seqlab.models import Cell, Recurrent, build_model, count_parameters
from seqlab.registry import load
from seqlab.settings import Component

_PLACEHOLDERS = {"H": 997, "I": 499, "O": 251}
"""Sizes by which a dimension is recognised: primes, so that none is a multiple of another; of the units the
nearest number that the cell takes."""


@dataclass(frozen=True)
class Weight:
    """One array of weights.

    Attributes:
        name: as it is called in the code, with the layer before it.
        shape: its dimensions.
        letters: the same in H units, I inputs and O outputs; empty for a model that is no cell.
        count: how many numbers it holds.
    """

    name: str
    shape: tuple[int, ...]
    letters: str
    count: int


@dataclass(frozen=True)
class Anatomy:
    """What can be known of a model without training it.

    Attributes:
        name: as it was written.
        summary: the first line of its description.
        equations: the lines of its description that hold them; empty where it has none.
        state: the parts of a cell's state; empty for other models.
        gates: the names of its gates, where it shows them.
        weights: its arrays.
        counts: whether it learns by counting, and so has neither weights nor states.
        reads_source: whether it takes only tasks that give a source before the first step.
        parameters: how many numbers can be learned.
        multiply_adds: in the matrix products of one step of one sequence, read-out included, for each kind of
            input that it takes; empty for a model that is no cell.
    """

    name: str
    summary: str
    equations: tuple[str, ...]
    state: tuple[str, ...]
    gates: tuple[str, ...]
    weights: tuple[Weight, ...]
    counts: bool
    reads_source: bool
    parameters: int
    multiply_adds: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def dissect(component: Component, *, inputs: int, outputs: int) -> Anatomy:
    """Take a model apart.

    Args:
        component: the model, with its options checked.
        inputs: the number of symbols or features I; of a source, where the model reads one, likewise.
        outputs: the number of outputs O; a model that counts predicts one of its inputs.

    >>> lstm = dissect(Component(name="lstm", hidden_size=12), inputs=8, outputs=4)
    >>> lstm.parameters, lstm.multiply_adds["features"] == 4 * 12 * (8 + 12) + 12 * 4
    (1060, True)
    """
    cls = load("model", component.name)
    kinds: tuple[Literal["tokens", "features"], ...] = cls.reads
    counts = bool(getattr(cls, "counts", False))
    outputs = inputs if counts else outputs
    source = {"source": Signal.of(cls.takes[0], inputs)} if getattr(cls, "needs_context", False) else {}
    specs = {kind: Spec(kind, inputs, "classes", outputs, causal=False, context=source) for kind in kinds}
    model = build_model(component, specs[kinds[0]], seed=1)
    is_cell = issubclass(cls, Cell)
    letters = _letters(cls, component) if is_cell else {}
    weights = tuple(
        Weight(name, tuple(weight.shape), letters.get(name, ""), weight.numel())
        for name, weight in model.named_parameters()
    )
    first = model.cells[0] if isinstance(model, Recurrent) else None
    text = inspect.cleandoc(cls.__doc__ or "")
    return Anatomy(
        name=component.name,
        summary=text.partition("\n")[0],
        equations=equations(text),
        state=tuple(first.parts) if isinstance(first, Cell) else (),
        gates=gate_names_of(first) if isinstance(first, Cell) else (),
        weights=weights,
        counts=counts,
        reads_source=bool(source),
        parameters=count_parameters(model),
        multiply_adds={kind: _cost(model, spec) for kind, spec in specs.items()} if is_cell else {},
    )


def equations(text: str) -> tuple[str, ...]:
    """Return the equations of a description: what is indented in it, or else every line ``name = ...``.

    >>> equations("The plain cell.\\n\\n    h(t) = tanh(a(t))\\n\\nArgs:\\n    x: something = else")
    ('h(t) = tanh(a(t))',)
    >>> equations("A leak.\\n\\nh(t) = (1 - p) * h(t-1),  p = sigmoid(q)")
    ('h(t) = (1 - p) * h(t-1),  p = sigmoid(q)',)
    """
    body = re.split(r"^(?:Args|Attributes|Raises|Returns):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = body.splitlines()
    indented = [line for line in lines if line.startswith("    ")]
    if indented:
        return tuple(inspect.cleandoc("\n" + "\n".join(indented)).splitlines())
    return tuple(line for line in lines if re.match(r"\w+(?:\(\w+\))?\s+=\s", line))


def _letters(cls: type[Cell], component: Component) -> dict[str, str]:
    """Return the shapes of a network's weights in letters, by building it without memory in known sizes."""
    others = {key: value for key, value in component.options.items() if key != "hidden_size"}
    sizes = {**_PLACEHOLDERS, "H": cls.nearest_size(_PLACEHOLDERS["H"], **others)}
    spec = Spec(cls.reads[0], sizes["I"], "classes", sizes["O"], causal=False)  # type: ignore[arg-type]
    with torch.device("meta"):
        model = Recurrent(cls, spec, **{**others, "hidden_size": sizes["H"]})
    return {
        name: " x ".join(_letter(size, sizes) for size in weight.shape)
        for name, weight in model.named_parameters()
    }


def _letter(size: int, sizes: Mapping[str, int]) -> str:
    for letter, unit in sizes.items():
        if size % unit == 0 and size:
            return letter if size == unit else f"{size // unit}{letter}"
    return str(size)


@torch.no_grad()
def _cost(model: nn.Module, spec: Spec) -> int:
    """Count the multiply-adds of the matrix products in one step, by taking it."""
    x = torch.zeros(1, 1, dtype=torch.int64)
    if spec.inputs == "features":
        x = torch.zeros(1, 1, spec.input_size)
    counter = FlopCounterMode(display=False)
    with counter:
        model(x)
    return int(counter.get_total_flops()) // 2  # a multiply-add counts as two operations there
