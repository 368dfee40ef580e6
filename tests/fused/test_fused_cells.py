"""The compiled cells against the cells' step functions and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from seqlab.contracts import PAD, Spec
from seqlab.fused._compiling import compiled
from seqlab.fused._lanes import LANES
from seqlab.fused.memory import shape_of
from seqlab.fused.network import arrange_weights, cut, go_back, read, space_size
from seqlab.fused.readout import answers
from seqlab.models import Recurrent, build_model
from seqlab.settings import Component

CELLS = {
    "rnn": {},
    "rnn-relu": {"nonlinearity": "relu"},
    "lstm": {},
    "gru-after": {"reset": "after"},
    "gru-before": {"reset": "before"},
}
SIZES = [(1, 63, 7), (5, 1, 65), (33, 63, 1), (33, 2, 65)]  # batch, time, hidden
INPUTS = {"few symbols": ("tokens", 8), "many symbols": ("tokens", 40), "features": ("features", 3)}
VARIANTS = [(np.float64, 1, 1e-10), (np.float64, 2, 1e-10), (np.float32, 1, 1e-5), (np.float32, 2, 1e-5)]
LANES_OF = {np.dtype(str(kind)): lanes for kind, lanes in LANES.items()}

Tensors = dict[str, Tensor]


def example(cell: str, inputs: str, sizes: tuple[int, int, int]) -> tuple[Recurrent, Tensor, Tensors]:
    """Return a model in float64, inputs (symbols with padding in front), states, and what weighs the loss."""
    batch, steps, hidden = sizes
    kind, width = INPUTS[inputs]
    spec = Spec(kind, width, "classes", 3, causal=True)  # type: ignore[arg-type]
    component = Component(name=cell.partition("-")[0], hidden_size=hidden, **CELLS[cell])
    model = build_model(component, spec, seed=1).double()
    assert isinstance(model, Recurrent)
    generator = torch.Generator().manual_seed(2)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    if kind == "tokens":
        x = torch.randint(width, (batch, steps), generator=generator)
        for row in range(0, batch, 2):
            x[row, : (row * 7) % steps] = PAD
    else:
        x = normal(batch, steps, width)
    parts = ("h", "c") if cell == "lstm" else ("h",)
    state = {f"start {part}": normal(batch, hidden) for part in parts}
    weighing = {f"end {part}": normal(batch, hidden) for part in parts}
    return model, x, {**state, **weighing, "outputs": normal(batch, steps, 3)}


def by_autograd(model: Recurrent, x: Tensor, given: Tensors) -> Tensors:
    """Return outputs, end state and the gradients of sum(weights * outputs) + sum(weights * end state)."""
    cell: Any = model.cells[0]
    start = [given[name].clone().requires_grad_() for name in given if name.startswith("start")]
    state = tuple(start)
    outputs = []
    for x_t in x.unbind(1):
        new = cell.step(x_t, state)
        if not x.is_floating_point():
            held = (x_t == PAD)[:, None]
            new = tuple(torch.where(held, old, part) for old, part in zip(state, new, strict=True))
        state = new
        outputs.append(model.readout(state[0]))
    result = {"outputs": torch.stack(outputs, 1)}
    result |= {f"end {part}": value for part, value in zip(cell.parts, state, strict=True)}
    loss = sum((value * given[name]).sum() for name, value in result.items())
    names = [name for name, _ in model.named_parameters()]
    gradients = torch.autograd.grad(loss, [*model.parameters(), *start])  # type: ignore[arg-type]
    names += [f"start {part}" for part in cell.parts]
    return {name: value.detach() for name, value in result.items()} | {
        f"gradient of {name}": gradient for name, gradient in zip(names, gradients, strict=True)
    }


@compiled
def forward_and_back(
    n: Any,
    P: Any,
    F: Any,
    B: Any,
    T: int,
    symbols: Any,
    features: Any,
    space: Any,
    state: Any,
    errors: Any,
    G: Any,
) -> Any:
    """Read a tile from ``state`` (h, c) and go back from ``errors`` (outputs, h, c); return what comes of it."""
    sums, h, c, out, dh, dc, _, room = cut(n, T, space)
    rows = dh.shape[0]
    h[:rows], c[:rows] = state[0], state[1]
    arrange_weights(n, P, F, B)
    read(n, P, F, T, symbols, features, sums, h, c, 1, room)
    answers(n, P, F, T, 0, h, out)
    outputs = out.copy()
    out[:] = errors[: out.shape[0]]
    dh[:], dc[:] = errors[out.shape[0] : out.shape[0] + rows], errors[out.shape[0] + rows :]
    go_back(n, B, T, symbols, features, sums, h, c, 0, out, dh, dc, G, room)
    return outputs, h[T * rows :], c[T * rows :], dh, dc


def by_kernels(model: Recurrent, x: Tensor, given: Tensors, dtype: Any, vectors: int) -> Tensors:
    """Return the same from the compiled code, with tiles of so many vectors."""

    class _Task:
        spec = model.spec

    n = shape_of(model, _Task())._replace(v=vectors)  # type: ignore[arg-type]
    lanes = vectors * LANES_OF[np.dtype(dtype)]
    P = torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).numpy().astype(dtype)
    G, F, B = np.zeros_like(P), np.zeros_like(P), np.zeros_like(P)
    batch, T = x.shape[:2]
    space = np.full(space_size(n, T, LANES_OF[np.dtype(dtype)]), np.nan, dtype)
    columns: dict[str, list[Any]] = {name: [] for name in ("outputs", "end h", "end c", "start h", "start c")}
    none = torch.zeros(batch, n.H)
    for first in range(0, batch, lanes):
        rows = slice(first, min(first + lanes, batch))
        count = rows.stop - rows.start

        def lay(values: Tensor, count: int = count, rows: slice = rows, empty: float = 0.0) -> Any:
            tile = np.full((values[0].numel(), lanes), empty, dtype)
            tile[:, :count] = values[rows].flatten(1).numpy().T
            return tile.ravel()

        symbols = lay(torch.zeros(batch, T) if x.is_floating_point() else x, empty=-1)
        features = lay(x) if x.is_floating_point() else np.zeros(0, dtype)
        state = np.stack([lay(given["start h"]), lay(given.get("start c", none))])
        names = ("outputs", "end h", "end c")
        errors = np.concatenate([lay(given.get(name, none)) for name in names])
        results = forward_and_back(n, P, F, B, T, symbols, features, space, state, errors, G)
        for name, result in zip(columns, results, strict=True):
            columns[name].append(result.reshape(-1, lanes)[:, :count].T.copy())
    whole = {name: torch.from_numpy(np.concatenate(values)) for name, values in columns.items()}
    result = {"outputs": whole["outputs"].reshape(batch, T, n.O)}
    for part in model.cells[0].parts:  # type: ignore[union-attr]
        result[f"end {part}"] = whole[f"end {part}"]
        result[f"gradient of start {part}"] = whole[f"start {part}"]
    position = 0
    for name, parameter in model.named_parameters():
        values = torch.from_numpy(G[position : position + parameter.numel()])
        result[f"gradient of {name}"] = values.view(parameter.shape)
        position += parameter.numel()
    return result


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_the_step_function(cell: str, inputs: str) -> None:
    for sizes in SIZES:
        model, x, given = example(cell, inputs, sizes)
        wanted = by_autograd(model, x, given)
        for dtype, vectors, tolerance in VARIANTS:
            got = by_kernels(model, x, given, dtype, vectors)
            assert wanted.keys() == got.keys()
            for name, value in wanted.items():
                assert value.shape == got[name].shape
                error = (got[name] - value).norm() / value.norm().clamp(min=1e-3)
                assert error <= tolerance, f"{sizes}, {dtype}: {name} differs by {float(error):.1e}"
