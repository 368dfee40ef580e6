"""Cells with states that are no (B, H), that prepare something, networks with a forward of their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seqlab.analysis.jacobians import step_jacobians
from seqlab.analysis.states import network_of, trace
from seqlab.contracts import PAD, Spec, State, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Cell, Input, Recurrent

SPEC = Spec("tokens", 5, "classes", 3, causal=True)


class Turning(Cell):
    """A cell with an orthogonal matrix that is computed once a sequence."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.A = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def prepare(self) -> tuple[Tensor, ...]:
        return (torch.linalg.matrix_exp(self.A - self.A.t()),)

    def step(self, x: Tensor, state: tuple[Tensor, ...], Q: Tensor) -> tuple[Tensor, ...]:
        return (torch.tanh(self.input(x) + state[0] @ Q.t()),)


class Matrix(Cell):
    """A cell with a matrix for a memory."""

    parts = ("h", "M")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        zeros = self.input.weight.new_zeros
        return zeros(batch, self.hidden_size), zeros(batch, self.hidden_size, self.hidden_size)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, M = state
        k = torch.tanh(self.input(x))
        return (M @ k[..., None])[..., 0], 0.9 * M + k[:, :, None] * h[:, None] + k[:, :, None] * k[:, None]


class Imaginary(Matrix):
    """The same with complex numbers."""

    parts = ("h", "c")

    def start(self, batch: int) -> tuple[Tensor, ...]:
        zeros = self.input.weight.new_zeros(batch, self.hidden_size)
        return zeros, zeros.to(torch.complex64)


class Backwards(Recurrent):
    """A network that does not do what its cells' steps show."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        outputs, state = super().forward(inputs, state)
        return -outputs, state


def network(cell: type[Cell], cls: type[Recurrent] = Recurrent) -> Recurrent:
    model = cls(cell, SPEC, hidden_size=4)
    model.initialise(torch_stream(1, "weights"))
    return model.double()


@torch.no_grad()
def test_what_is_traced_is_what_the_network_does() -> None:
    model = network(Turning)
    inputs = torch.tensor([[PAD, 1, 2, 0], [3, 4, 4, 1]])
    seen = trace(model, inputs, gates=False)
    torch.testing.assert_close(seen.outputs, model(inputs)[0])


def test_jacobians_are_those_of_the_prepared_step() -> None:
    cell = network(Turning).cells[0]
    assert isinstance(cell, Turning)
    states = torch.randn(3, 4, generator=torch_stream(2, "states"), dtype=torch.float64)
    x = torch.tensor([0, 1, 2])
    found = step_jacobians(cell, x, states)
    for step in range(3):
        expected = torch.autograd.functional.jacobian(
            lambda h, step=step: cell.step(x[step : step + 1], (h[None],), *cell.prepare())[0][0],
            states[step],
        )
        torch.testing.assert_close(found[step], expected)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (network(Matrix), r"The part M of the state of mine holds \(B, 4, 4\)"),
        (network(Imaginary), r"The part c of the state of mine holds complex numbers \(B, 4\)"),
        (network(Turning, Backwards), r"reads in a way of its own \(Backwards\.forward\)"),
    ],
)
def test_what_cannot_be_looked_at_unit_by_unit_is_refused(model: Recurrent, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        network_of(model, "mine")


@torch.no_grad()
def test_a_state_that_is_a_matrix_is_held_through_padding() -> None:
    """Where there are as many rows as units, a mask of the wrong axis would be taken without an error."""
    model = network(Matrix)
    inputs = torch.tensor([[PAD, PAD, 1], [PAD, 2, 3], [4, 0, 1], [PAD, PAD, PAD]])
    _, ((h, M),) = model(inputs)
    for row, steps in enumerate((2, 1, 0)):
        _, ((alone_h, alone_M),) = model(inputs[row : row + 1, steps:])
        torch.testing.assert_close(M[row : row + 1], alone_M)
        torch.testing.assert_close(h[row : row + 1], alone_h)
    assert not M[3].any()
