r"""The mathematics of a recurrent network by hand: a small example forwards, and its gradients in three ways.

KMU-8, example 8-1: three units read four vectors of two numbers. Gradients are computed

    by hand             by the equations (8.18)-(8.24); of LSTM and GRU by the passes in seqlab.models
    by autograd         through the cell's steps, one after the other
    by differences      (J(p + e) - J(p - e)) / 2 e for every single weight p

in float64. The loss of a step is

    J(t) = log sum_k exp o_k(t) - sum_k y_k(t) o_k(t),        dJ(t)/do(t) = y'(t) - y(t)          (8.19)

which is the cross-entropy where the targets sum to one; those of the example do not, and (8.19) holds all the
same.

Shapes: T steps, I = 2 inputs, H = 3 units, O = 2 outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.contracts import torch_stream
from seqlab.models import Cell
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN

EPSILON = 1e-5
"""The step of the differences: their error, of order e^2, is then about that of float64."""


def _double(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


U = _double([[0.1, 0.1], [0, 0], [0, -0.1]])
W = _double([[0.1, 0.1, 0], [0, 0, 0], [0.2, -0.1, -0.1]])
V = _double([[0, 0.1, 0], [-0.2, 0, 0]])
B = _double([0, 0, 0.2])
C = _double([0.2, 0.1])
WEIGHTS = {"U": U, "W": W, "V": V, "b": B, "c": C}
"""The weights of the example by their letters."""

X = _double([[0, 1], [0, 0.1], [0.1, -0.2], [0.5, 0]])
Y = _double([[0.7, 0.4], [0.3, 0.4], [0.2, 0.4], [0.4, 0.5]])


@dataclass(frozen=True)
class Step:
    """One step of the example, forwards and backwards.

    Attributes:
        x: the input, (I,).
        a: W h(t-1) + U x(t) + b, (H,).
        h: tanh(a), (H,).
        o: V h(t) + c, (O,).
        answer: y' = softmax(o), (O,).
        target: y, (O,).
        loss: J(t).
        d_o: dJ(t)/do(t), (O,).
        d_h: dJ~(t)/dh(t), with all that later steps add, (H,).
    """

    x: Tensor
    a: Tensor
    h: Tensor
    o: Tensor
    answer: Tensor
    target: Tensor
    loss: float
    d_o: Tensor
    d_h: Tensor


@dataclass(frozen=True)
class Check:
    """The gradient of one weight matrix or vector in three ways.

    Attributes:
        cell: the name of the cell.
        weight: the name of the weights.
        value: what they are.
        by_hand: the gradient by hand.
        from_autograd: its greatest distance from autograd's.
        from_differences: its greatest distance from the differences.
    """

    cell: str
    weight: str
    value: Tensor
    by_hand: Tensor
    from_autograd: float
    from_differences: float

    @property
    def agrees(self) -> bool:
        """Whether the three are the same but for rounding (and the differences' own error)."""
        return self.from_autograd < 1e-12 and self.from_differences < 1e-8


@dataclass(frozen=True)
class WorkedExample:
    """The example, and the gradients of three cells."""

    steps: tuple[Step, ...]
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "weights": {name: values.tolist() for name, values in WEIGHTS.items()},
            "steps": [_plain(step) for step in self.steps],
            "checks": [{**_plain(check), "agrees": check.agrees} for check in self.checks],
        }


def to_csv(example: WorkedExample) -> str:
    """Return all numbers of the steps, and every gradient with how far the other ways are, a row each.

    >>> to_csv(worked_example()).splitlines()[:2]
    ['part,name,step,row,column,value', 'steps,x,1,0,,0']
    """
    lines = ["part,name,step,row,column,value"]

    def add(part: str, name: str, step: str, values: Tensor) -> None:
        for (row, *columns), value in np.ndenumerate(values.numpy()):
            lines.append(f"{part},{name},{step},{row},{''.join(map(str, columns))},{value + 0.0:.9g}")

    for t, step in enumerate(example.steps, 1):
        for name, value in vars(step).items():
            add("steps", name, str(t), torch.as_tensor(value).reshape(-1))
    for check in example.checks:
        add("weights", f"{check.cell} {check.weight}", "", check.value)
        add(check.cell, check.weight, "", check.by_hand)
        for name in ("from_autograd", "from_differences"):
            add(check.cell, f"{check.weight} {name}", "", torch.tensor([getattr(check, name)]))
    return "\n".join(lines) + "\n"


def worked_example() -> WorkedExample:
    """Work the example out.

    >>> example = worked_example()
    >>> [round(value, 4) for value in example.steps[0].h.tolist()]
    [0.0997, 0.0, 0.0997]
    >>> all(check.agrees for check in example.checks)
    True
    """
    steps = forwards_and_backwards()
    plain = RNN(2, 3).double()
    with torch.no_grad():
        plain.input.weight.copy_(U)
        plain.input.bias.copy_(B)
        plain.W.copy_(W)
    gated: dict[str, Cell] = {"lstm": LSTM(2, 3), "gru": GRU(2, 3)}
    checks = _compare("rnn", plain, gradients_by_hand(steps))
    for name, cell in gated.items():
        cell.double().initialise(torch_stream(1, "worked example"))
        checks += _compare(name, cell, _gradients_of_the_pass(cell))
    return WorkedExample(tuple(steps), tuple(checks))


def forwards_and_backwards() -> list[Step]:
    """Run the plain network by (8.7)-(8.9) and back by (8.18)-(8.21), one vector after the other."""
    forward, h = [], torch.zeros(3, dtype=torch.float64)
    for x, y in zip(X, Y, strict=True):
        a = W @ h + U @ x + B
        h = torch.tanh(a)
        o = V @ h + C
        forward.append((x, a, h, o, torch.softmax(o, 0), y, float(_loss(o, y))))
    steps: list[Step] = []
    d_h = torch.zeros(3, dtype=torch.float64)
    for x, a, h, o, answer, y, loss in reversed(forward):
        d_o = answer - y  # (8.19)
        later = W.t() @ ((1 - steps[0].h ** 2) * d_h) if steps else 0  # D(1-h^2) is diagonal
        d_h = V.t() @ d_o + later  # (8.20) at the end, (8.21) before
        steps.insert(0, Step(x, a, h, o, answer, y, loss, d_o, d_h))
    return steps


def gradients_by_hand(steps: list[Step]) -> dict[str, Tensor]:
    """Sum the gradients over the steps, (8.24)."""
    zero = torch.zeros(3, dtype=torch.float64)
    before = [zero, *(step.h for step in steps[:-1])]  # h(t-1)
    delta = [(1 - step.h**2) * step.d_h for step in steps]
    d_o = [step.d_o for step in steps]
    pairs = list(zip(steps, delta, before, strict=True))
    return {
        "U": torch.stack([torch.outer(d, step.x) for step, d, _ in pairs]).sum(0),
        "b": torch.stack(delta).sum(0),
        "W": torch.stack([torch.outer(d, h) for _, d, h in pairs]).sum(0),
        "V": torch.stack([torch.outer(d, step.h) for d, step in zip(d_o, steps, strict=True)]).sum(0),
        "c": torch.stack(d_o).sum(0),
    }


def _gradients_of_the_pass(cell: Cell) -> dict[str, Tensor]:
    """Return the gradients of the backward pass that the cell has by hand.

    In float64 a cell's forward is its own pass; what comes to it from the read-out is V^T (y' - y).
    """
    cell.zero_grad()
    h, _ = cell(X[None], cell.start(1))  # (1, T, H)
    d_o = torch.softmax(h[0].detach() @ V.t() + C, -1) - Y
    h.backward((d_o @ V)[None])
    found = {name: weight.grad for name, weight in weights_of(cell).items() if weight.grad is not None}
    return {**found, "V": d_o.t() @ h[0].detach(), "c": d_o.sum(0)}


def _compare(name: str, cell: Cell, by_hand: dict[str, Tensor]) -> list[Check]:
    """Set gradients beside autograd's and the differences."""
    read_out = {"V": V.clone().requires_grad_(), "c": C.clone().requires_grad_()}
    weights = {**weights_of(cell), **read_out}

    def loss() -> Tensor:
        h, _ = cell.steps(X[None], cell.start(1))
        return _loss(h[0] @ read_out["V"].t() + read_out["c"], Y).sum()

    automatic = torch.autograd.grad(loss(), list(weights.values()))
    return [
        Check(
            name,
            key,
            weight.detach().clone(),
            by_hand[key],
            from_autograd=_distance(by_hand[key], found),
            from_differences=_distance(by_hand[key], _differences(loss, weight)),
        )
        for (key, weight), found in zip(weights.items(), automatic, strict=True)
    ]


@torch.no_grad()
def _differences(loss: Callable[[], Tensor], weight: Tensor) -> Tensor:
    """Return the gradient of a loss by moving every single number of a weight up and down."""
    gradient = torch.zeros_like(weight)
    numbers, slopes = weight.view(-1), gradient.view(-1)
    for place in range(len(numbers)):
        own = float(numbers[place])
        losses = []
        for moved in (own + EPSILON, own - EPSILON):
            numbers[place] = moved
            losses.append(float(loss()))
        numbers[place] = own
        slopes[place] = (losses[0] - losses[1]) / (2 * EPSILON)
    return gradient


def weights_of(cell: Cell) -> dict[str, Tensor]:
    """Return the weights of a cell by their letters in its equations; the GRU's second bias is c_n here."""
    letters = {"input.weight": "U", "input.bias": "b", "c": "c_n"}
    return {letters.get(name, name): weight for name, weight in cell.named_parameters()}


def _loss(o: Tensor, y: Tensor) -> Tensor:
    """Return J(t) for outputs and targets (..., O)."""
    return torch.logsumexp(o, -1) - (y * o).sum(-1)


def _distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


def _plain(record: object) -> dict[str, Any]:
    return {
        key: value.tolist() if isinstance(value, Tensor) else value for key, value in vars(record).items()
    }
