from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.models.memory.stack_rnn import ACTIONS, StackRNN

VALUES = torch.tensor([[0.25, 1.5], [-2.0, 0.5]])
POP, WAIT = len(VALUES), len(VALUES) + 1


def by_hand(depth: int, stacks: int = 1) -> StackRNN:
    """A controller that does as it is told: symbols 0 and 1 push their values, 2 pops, 3 waits.

    The last two units hear the top of the first stack, a tenth of it.
    """
    symbols = len(VALUES) + 2
    cell = StackRNN(symbols, symbols + 2, stacks=stacks, cell_size=2, cells=depth, value="linear").double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        cell.input.weight[:symbols].fill_diagonal_(
            40.0
        )  # units 0 to 3 say which symbol is read: tanh(40) is 1
        cell.R[symbols:, ::stacks] = 0.1 * torch.eye(2)
        act = {0: 0, 1: 0, POP: 1, WAIT: 2}
        for symbol, action in act.items():
            cell.A.weight.view(ACTIONS, stacks, -1)[action, :, symbol] = 60.0
        for symbol, value in enumerate(VALUES):
            cell.D.weight.view(2, stacks, -1)[:, :, symbol] = value[:, None]
    return cell


def obey(program: list[int], depth: int) -> list[np.ndarray]:
    """The stack after a program, the top first, in plain lists."""
    stack: list[np.ndarray] = []
    for symbol in program:
        if symbol == POP:
            stack = stack[1:]
        elif symbol != WAIT:
            stack = [VALUES[symbol].numpy(), *stack][:depth]
    return stack


@pytest.mark.parametrize(("depth", "stacks"), [(40, 1), (3, 1), (5, 2)])
def test_a_controller_set_by_hand_pushes_and_pops_as_a_list_does(depth: int, stacks: int) -> None:
    programs = np.random.default_rng(1).integers(0, WAIT + 1, (20, 30))
    programs[:, :12] = programs[:, :12] % (POP + 1)
    cell = by_hand(depth, stacks)
    for read in (cell.forward, cell.steps):
        h, (_, found) = read(torch.from_numpy(programs), cell.start(20))
        for row, program in enumerate(programs.tolist()):
            wanted = np.zeros((depth, 2))
            stack = obey(program, depth)
            wanted[: len(stack)] = np.reshape(stack, (-1, 2))
            np.testing.assert_allclose(
                found[row].detach().numpy(), np.tile(wanted, (stacks, 1, 1)), atol=1e-12
            )
            for step in range(len(program)):  # what is heard at a step is the top before it
                before = obey(program[:step], depth)
                top = before[0] if before else np.zeros(2)
                np.testing.assert_allclose(h[row, step, -2:].detach().numpy(), np.tanh(0.1 * top), atol=1e-12)


def test_what_is_pushed_below_the_deepest_cell_is_lost() -> None:
    cell = by_hand(depth=3)
    _, (_, found) = cell(torch.tensor([[0, 1, 1, 1, POP, POP, POP]]), cell.start(1))
    assert torch.allclose(found, torch.zeros_like(found))


@pytest.mark.parametrize("leave", [True, False])
def test_actions_and_values_by_the_equations(leave: bool) -> None:
    cell = StackRNN(3, 2, cell_size=1, cells=4, leave=leave)
    cell.initialise(torch.Generator().manual_seed(1))
    h, s = torch.tensor([[0.3, -0.6]]), torch.tensor([[[[1.0], [2.0], [3.0], [0.5]]]])
    new_h, new_s = cell.step(torch.tensor([2]), (h, s))
    weights = {name: weight.detach().numpy() for name, weight in cell.named_parameters()}
    sums = weights["input.weight"][:, 2] + weights["input.bias"]
    wanted = np.tanh(sums + weights["W"] @ [0.3, -0.6] + weights["R"] @ [1.0])
    np.testing.assert_allclose(new_h[0].detach().numpy(), wanted, rtol=1e-6)
    scores = np.exp(weights["A.weight"] @ wanted + weights["A.bias"])
    p, q, r = [*(scores / scores.sum()), 0.0][:3]
    v = 1 / (1 + np.exp(-(weights["D.weight"] @ wanted + weights["D.bias"])))
    cells = [p * v[0] + q * 2 + r * 1, p * 1 + q * 3 + r * 2, p * 2 + q * 0.5 + r * 3, p * 3 + r * 0.5]
    np.testing.assert_allclose(new_s[0, 0, :, 0].detach().numpy(), cells, rtol=1e-6)


def test_empty_cells_are_left_out_only_where_no_gradient_is_asked_of_them() -> None:
    cell = StackRNN(3, 4, cells=50).double()
    cell.initialise(torch.Generator().manual_seed(1))
    h, s = cell.start(2)
    s.requires_grad_()
    x = torch.tensor([[0, 1, 2], [2, 2, 0]])
    asked, (_, end) = cell(x, (h, s))
    end.sum().backward()
    assert s.grad is not None
    assert (s.grad != 0).all()
    assert torch.allclose(cell(x, (h, s.detach()))[0], asked)
