"""Products of a cell's step Jacobians, exact and in float64, and their norms.

Norms are kept as logarithms and products are rescaled as they grow, so that a thousand lags neither underflow
nor overflow.

Shapes: T steps, L lags, N numbers in the state (all its parts side by side), I inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from seqlab.errors import RunFailedError
from seqlab.models import Cell

_CHUNK = 2**19  # numbers in the Jacobians that are computed at once: 4 MiB, a few steps of 200 numbers


@torch.no_grad()
def measure_cell(cell: Cell, x: Tensor, lags: int) -> dict[str, Tensor]:
    """Measure one cell, driven by one sequence from its start state.

    Args:
        cell: any cell, with its weights in float64.
        x: the inputs, (T, I), or symbols, (T,); T is at least ``lags``, and the steps before the last
            ``lags`` are the burn-in.
        lags: the greatest lag L.

    Returns:
        The logarithms to the base 10, (L,), of spectral, frobenius, hidden, hidden_frobenius and step_bound
        and, for a cell with a part c, of path and path_mean: see
        :class:`seqlab.analysis.gradients.ModelGradient`.

    Raises:
        RunFailedError: when a state or a Jacobian is not finite.
    """
    states = _trajectory(cell, x)  # (T, N)
    size = states.shape[1]
    h = _columns(cell, cell.parts[0])
    c = _columns(cell, "c") if "c" in cell.parts else None
    product, scale = torch.eye(size, dtype=torch.float64), 0.0
    pieces = []
    for chunk in _chunks_from_end(len(x) - lags, len(x), max(1, _CHUNK // size**2)):
        jacobians = step_jacobians(cell, x[chunk], states[chunk]).flip(0)  # J(T), J(T-1), ...
        if not bool(states[chunk].isfinite().all() and jacobians.isfinite().all()):
            raise RunFailedError("The state or its Jacobian is not finite.")
        products, scales = _running_product(product, scale, jacobians)
        product, scale = products[-1], float(scales[-1])
        piece = {
            "spectral": log_spectral(products) + scales,
            "frobenius": _log_frobenius(products) + scales,
            "step": log_spectral(jacobians),
        }
        if len(cell.parts) == 1:
            piece |= {"hidden": piece["spectral"], "hidden_frobenius": piece["frobenius"]}
        else:
            block = products[:, h, h]
            piece |= {
                "hidden": log_spectral(block) + scales,
                "hidden_frobenius": _log_frobenius(block) + scales,
            }
        if c is not None:
            piece["gates"] = jacobians[:, c, c].diagonal(dim1=1, dim2=2).abs().log10()  # f(t), (L, H)
        pieces.append(piece)
    logs = {key: torch.cat([piece[key] for piece in pieces]) for key in pieces[0]}
    logs["step_bound"] = logs.pop("step").cumsum(0)
    if c is not None:
        path = logs.pop("gates").cumsum(0)
        logs["path"] = path.amax(1)
        logs["path_mean"] = (torch.logsumexp(path * math.log(10), 1) - math.log(path.shape[1])) / math.log(10)
    return logs


def step_jacobians(cell: Cell, x: Tensor, states: Tensor) -> Tensor:
    """Return d s(t) / d s(t-1) at many steps at once.

    The rows of a batch are independent. So each state stands in the batch N times, the n-th time for the n-th
    row of its Jacobian, and a single backward pass gives all rows of all Jacobians.

    Args:
        cell: any cell.
        x: the inputs, (L, I), or symbols, (L,).
        states: the states before the steps, their parts side by side, (L, N).

    Returns:
        (L, N, N); entry (l, i, j) is the derivative of the new i-th number by the old j-th.
    """
    steps, size = states.shape
    old = states.repeat_interleave(size, 0).requires_grad_()  # (L N, N)
    with torch.enable_grad():
        state = _split(cell, old)
        new = torch.cat(cell.step(x.repeat_interleave(size, 0), state, *cell.prepare()), -1)
        chosen = new.view(steps, size, size).diagonal(dim1=1, dim2=2)  # the n-th number of the n-th copy
        (gradient,) = torch.autograd.grad(chosen.sum(), old)
    return gradient.view(steps, size, size)


def _trajectory(cell: Cell, x: Tensor) -> Tensor:
    """Return the state before each step, its parts side by side, (T, N)."""
    state, states, prepared = cell.start(1), [], cell.prepare()
    for x_t in x.unsqueeze(1):
        states.append(torch.cat(state, -1))
        state = cell.advance(x_t, state, prepared)
    return torch.cat(states)


def _chunks_from_end(first: int, end: int, size: int) -> Iterator[slice]:
    """Cut the steps from ``first`` up to ``end`` into pieces, the last piece first.

    >>> list(_chunks_from_end(5, 10, 2))
    [slice(8, 10, None), slice(6, 8, None), slice(5, 6, None)]
    """
    for stop in range(end, first, -size):
        yield slice(max(first, stop - size), stop)


def _running_product(product: Tensor, scale: float, jacobians: Tensor) -> tuple[Tensor, Tensor]:
    """Multiply Jacobians one after the other to the right of a product, rescaling it at every step.

    Returns:
        The products (L, N, N), each of Frobenius norm 1 (or 0), and the powers of ten (L,) that they lack.
    """
    products, scales = [], []
    for jacobian in jacobians:
        product = product @ jacobian
        norm = float(torch.linalg.matrix_norm(product)) or 1.0
        product, scale = product / norm, scale + math.log10(norm)
        products.append(product)
        scales.append(scale)
    return torch.stack(products), torch.tensor(scales, dtype=torch.float64)


def _columns(cell: Cell, part: str) -> slice:
    """Return where a part of the state stands among all N numbers."""
    widths = [piece.shape[1] for piece in cell.start(1)]
    index = cell.parts.index(part)
    return slice(sum(widths[:index]), sum(widths[: index + 1]))


def _split(cell: Cell, state: Tensor) -> tuple[Tensor, ...]:
    """Cut a state, (..., N), into its parts."""
    return torch.split(state, [piece.shape[1] for piece in cell.start(1)], -1)


def log_spectral(matrices: Tensor) -> Tensor:
    """Return the logarithm to the base 10 of the greatest singular value, (L, N, N) to (L,).

    It is the root of the greatest eigenvalue of M M^T: as exact as a singular value decomposition, to a part
    in 10^14, and twice as fast. Where that eigenvalue would leave the range of float64, M is rescaled first.

    >>> log_spectral(torch.diag(torch.tensor([1e-200, 1e-201], dtype=torch.float64))[None])
    tensor([-200.], dtype=torch.float64)
    """
    largest = matrices.abs().amax((1, 2), keepdim=True)
    scaled = matrices / torch.where(largest > 0, largest, 1)
    squared = torch.linalg.eigvalsh(scaled @ scaled.mT)[:, -1].clamp(min=0)
    logs: Tensor = squared.log10() / 2 + largest.flatten().log10().nan_to_num(neginf=0)
    return logs


def _log_frobenius(matrices: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.matrix_norm(matrices)
    return norm.log10()
