from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.models.memory.tape_rnn import MOVES, TapeRNN, _Sequence

VALUES = torch.tensor([[0.25, 1.5], [-2.0, 0.5], [1.0, 0.0]])
STAY, LEFT, RIGHT, HOME = range(MOVES)


def by_hand(cells: int) -> TapeRNN:
    """A controller that does as it is told: symbol 4 k + m writes value k, then makes move m."""
    symbols = len(VALUES) * MOVES
    cell = TapeRNN(symbols, symbols + 2, cell_size=2, cells=cells).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        cell.input.weight[:symbols].fill_diagonal_(40.0)
        cell.R[symbols:] = 0.1 * torch.eye(2)
        for symbol in range(symbols):
            cell.A.weight[symbol % MOVES, symbol] = 60.0
            cell.D.weight[:, symbol] = VALUES[symbol // MOVES]
    return cell


@pytest.mark.parametrize("cells", [40, 3])
def test_a_controller_set_by_hand_writes_and_moves_as_on_a_list(cells: int) -> None:
    programs = np.random.default_rng(1).integers(0, len(VALUES) * MOVES, (20, 30))
    cell = by_hand(cells)
    for read in (cell.forward, cell.steps):
        h, (_, tapes, heads) = read(torch.from_numpy(programs), cell.start(20))
        for row, program in enumerate(programs.tolist()):
            tape, head = np.zeros((cells, 2)), 0
            for step, symbol in enumerate(program):
                heard = np.tanh(0.1 * tape[head])  # at a step the cell is heard before it is written
                np.testing.assert_allclose(h[row, step, -2:].detach().numpy(), heard, atol=1e-12)
                tape[head] = VALUES[symbol // MOVES]
                move = symbol % MOVES
                head = 0 if move == HOME else min(max(head + (move == RIGHT) - (move == LEFT), 0), cells - 1)
            np.testing.assert_allclose(tapes[row, 0].detach().numpy(), tape, atol=1e-12)
            assert heads[row, 0].detach().numpy() == pytest.approx(np.eye(cells)[head], abs=1e-12)


def test_the_head_is_somewhere_whatever_is_done() -> None:
    cell = TapeRNN(3, 5, tapes=2, cells=4).double()
    cell.initialise(torch.Generator().manual_seed(1))
    _, (_, _, heads) = cell(
        torch.randint(0, 3, (6, 20), generator=torch.Generator().manual_seed(1)), cell.start(6)
    )
    assert torch.allclose(heads.sum(-1), torch.ones(6, 2, dtype=torch.float64))
    assert (heads >= 0).all()


@pytest.mark.parametrize("cells", [3, 6, 40])
@pytest.mark.parametrize("asked", [(0, 1, 2, 3), (0,), (1,), (2, 3)])
def test_the_way_back_by_hand_is_that_of_autograd(cells: int, asked: tuple[int, ...]) -> None:
    """From a start of its own and from an empty tape, with respect to the start too; and from any of the ends."""
    generator = torch.Generator().manual_seed(1)
    cell = TapeRNN(3, 5, tapes=2, cell_size=3, cells=cells).double()
    cell.initialise(generator)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.mul_(3)  # so that heads move
    x = torch.randint(0, 3, (4, 9), generator=generator)
    empty = cell.start(4)
    started = tuple(torch.rand(part.shape, generator=generator).double().requires_grad_() for part in empty)
    asked_for = tuple(part.clone().requires_grad_() for part in empty)
    for state in (empty, started, asked_for):
        wanted = [*cell.parameters(), *(part for part in state if part.requires_grad)]
        found = []
        for read in (cell.forward, cell.steps):
            outputs, end = read(x, state)
            total = torch.stack([(part.sin() * 2).sum() for part in (outputs, *end)])[list(asked)].sum()
            slopes = torch.autograd.grad(total, wanted, allow_unused=True)
            assert sum(slope is not None for slope in slopes) >= len(wanted) - 1
            found.append([outputs, *end, *(0 if slope is None else slope for slope in slopes)])
        for by_hand, by_autograd in zip(*found, strict=True):
            torch.testing.assert_close(
                torch.as_tensor(by_hand), torch.as_tensor(by_autograd), check_dtype=False
            )


def test_the_gradients_that_are_given_are_not_written_to() -> None:
    generator = torch.Generator().manual_seed(1)
    steps, size, rows, most, width = 3, 4, 2, 5, 2
    shapes = (
        (steps, size, rows),
        (size, size + width),
        (MOVES + width, size),
        (MOVES + width, 1),
        (size, rows),
    )
    weights = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    start = (
        torch.randn(most, 1, width, rows, generator=generator),
        torch.rand(most, 1, rows, generator=generator),
    )
    ends = _Sequence.apply(*weights, *start, most, True)
    given = [torch.ones_like(part) for part in ends]
    torch.autograd.backward(ends, given)
    assert all((part == 1).all() for part in given)
