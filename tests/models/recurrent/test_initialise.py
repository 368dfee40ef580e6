"""How recurrent matrices start."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models import Cell
from seqlab.models._initialise import orthogonal, radius, start_recurrence
from seqlab.registry import load

CELLS = {"rnn": 1, "irnn": 1, "lstm": 4, "gru": 3}


def recurrent_matrices(name: str, **options: object) -> list[torch.Tensor]:
    cell: Cell = load("model", name)(3, 30, **options)
    cell.initialise(torch_stream(1, "weights"))
    return list(cell.W.detach().double().split(30))


@pytest.mark.parametrize("name", CELLS)
def test_orthogonal_gates_are_orthogonal_and_differ(name: str) -> None:
    blocks = recurrent_matrices(name, start="orthogonal")
    assert len(blocks) == CELLS[name]
    for block in blocks:
        assert_close(block @ block.t(), torch.eye(30, dtype=torch.float64), rtol=0, atol=1e-6)
    assert all(not torch.equal(blocks[0], other) for other in blocks[1:])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("start", ["uniform", "orthogonal", "identity", "gaussian"])
def test_the_spectral_radius_is_what_was_asked_for(name: str, start: str) -> None:
    for block in recurrent_matrices(name, start=start, spectral_radius=1.25):
        assert radius(block) == pytest.approx(1.25, rel=1e-5)


def test_uniform_keeps_within_its_bound_and_fills_it() -> None:
    (W,) = recurrent_matrices("rnn")
    assert 0.95 * 30**-0.5 < float(W.abs().max()) <= 30**-0.5


def test_gaussian_has_the_variance_of_one_over_the_units() -> None:
    W = torch.empty(400, 400)
    start_recurrence(W, "gaussian", None, torch_stream(1, "weights"))
    assert float(W.std()) == pytest.approx(400**-0.5, rel=0.02)
    assert radius(W) == pytest.approx(1, abs=0.1)  # the circular law


def test_the_signs_of_an_orthogonal_start_are_fair() -> None:
    """Without the fix of signs the QR of LAPACK gives a diagonal that is hardly ever positive at its head."""
    generator = torch_stream(1, "weights")
    heads = torch.stack([orthogonal(4, generator)[0, 0] for _ in range(400)])
    assert 0.4 < float((heads > 0).double().mean()) < 0.6
    assert abs(float(heads.mean())) < 0.1


def test_radius_counts_complex_eigenvalues() -> None:
    assert radius(torch.tensor([[0.0, -2.0], [2.0, 0.0]])) == pytest.approx(2)
