"""The compiled cells against the cells' step functions and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

import numba

from seqlab.compiling import cache_folder, kept_in
from seqlab.contracts import PAD, Spec
from seqlab.fused._lanes import LANES_OF
from seqlab.fused.kernels import run
from seqlab.fused.layers import (
    arrange_weights,
    cut_layer,
    cut_rest,
    go_back,
    outputs_of,
    read,
    shape_of,
)
from seqlab.fused.layout import space_size
from seqlab.fused.memory import shapes_of
from seqlab.fused.readout import answers
from seqlab.models import Cell, Recurrent, build_model
from seqlab.settings import Component

pytestmark = pytest.mark.slow
"""Half a minute is compiled for these tests alone. The engine's trains each of these cells, in float32, and finds
the loss, the gradient's norm and the weights of autograd."""

CELLS = {
    "rnn": {},
    "rnn-relu": {"nonlinearity": "relu"},
    "lstm": {},
    "lstm-1997": {"forget_gate": False, "input_activation": False},
    "lstm-open": {"input_gate": False},
    "lstm-coupled": {"coupled": True, "output_gate": False, "output_activation": False},
    "lstm-peepholes": {"peepholes": True},
    "lstm-coupled-peepholes": {"coupled": True, "peepholes": True},
    "lstm-few-peepholes": {"input_gate": False, "output_gate": False, "peepholes": True},
    "gru-after": {"reset": "after"},
    "gru-before": {"reset": "before"},
}
SIZES = [(1, 63, 7), (5, 1, 65), (33, 63, 1), (33, 2, 65)]  # batch, time, hidden
INPUTS = {"few symbols": ("tokens", 8), "many symbols": ("tokens", 40), "features": ("features", 3)}
TOLERANCES = {np.float64: 1e-10, np.float32: 1e-5}
PRECISIONS = [np.float64, np.float32]

LANES = {np.dtype(str(kind)): lanes for kind, lanes in LANES_OF.items()}

Tensors = dict[str, Tensor]


def example(
    cell: str, inputs: str, sizes: tuple[int, int, int], layers: int = 1, dropout: float = 0.0
) -> tuple[Recurrent, Tensor, Tensors]:
    """Return a model in float64, inputs (symbols with padding in front), and what else is given.

    That is the layers' masks, if there is dropout, their states at the start, and what weighs the loss.
    """
    batch, steps, hidden = sizes
    kind, width = INPUTS[inputs]
    spec = Spec(kind, width, "classes", 3, causal=True)  # type: ignore[arg-type]
    options = {"hidden_size": hidden, "layers": layers, "dropout": dropout}
    component = Component(name=cell.partition("-")[0], **options, **CELLS[cell])
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
    given = {f"mask {layer}": model.kept(batch, generator).double() for layer in range(layers) if dropout}
    for layer in range(layers):
        for part in model.cells[layer].parts:  # type: ignore[union-attr]
            given |= {
                f"start {part} {layer}": normal(batch, hidden),
                f"end {part} {layer}": normal(batch, hidden),
            }
    return model, x, given | {"outputs": normal(batch, steps, 3)}


def by_autograd(model: Recurrent, x: Tensor, given: Tensors) -> Tensors:
    """Return outputs, end state and the gradients of sum(weights * outputs) + sum(weights * end state)."""
    names = [name for name in given if name.startswith("start")]
    starts = {name: given[name].clone().requires_grad_() for name in names}
    result: Tensors = {}
    shown = x.unbind(1)
    for layer, cell in enumerate(model.cells):
        assert isinstance(cell, Cell)
        state = tuple(starts[f"start {part} {layer}"] for part in cell.parts)
        outputs = []
        for t, x_t in enumerate(shown):
            new = cell.step(x_t, state)
            if not x.is_floating_point():
                held = (x[:, t] == PAD)[:, None]
                new = tuple(torch.where(held, old, part) for old, part in zip(state, new, strict=True))
            state = new
            outputs.append(state[0] * given.get(f"mask {layer}", 1.0))
        shown = tuple(outputs)
        result |= {f"end {part} {layer}": value for part, value in zip(cell.parts, state, strict=True)}
    result["outputs"] = torch.stack([model.readout(h) for h in shown], 1)
    loss = sum((value * given[name]).sum() for name, value in result.items())
    gradients = torch.autograd.grad(loss, [*model.parameters(), *starts.values()])  # type: ignore[arg-type]
    names = [name for name, _ in model.named_parameters()] + names
    return {name: value.detach() for name, value in result.items()} | {
        f"gradient of {name}": gradient for name, gradient in zip(names, gradients, strict=True)
    }


def kept(function: Any) -> Any:
    """Compile a function, which takes 40 s, and keep it beside the engine's own, which a change there forgets."""
    with kept_in(cache_folder(run.sources)) as can_be_kept:
        return numba.njit(error_model="numpy", cache=can_be_kept)(function)


@kept
def read_and_go_back(
    sizes: Any, P: Any, F: Any, B: Any, T: int, symbols: Any, features: Any, masks: Any,
    space: Any, state: Any, errors: Any, G: Any, outputs: Any, end: Any, start: Any,
) -> None:  # fmt: skip
    """Read a tile from ``state`` and go back from ``errors``, those of the outputs and of the end state.

    States are (layers, 2, rows), h and c. Writes the outputs, the end state and the errors of the start.
    """
    n, layers = shape_of(sizes, 0), sizes.shape[0]
    out, _, _, _ = cut_rest(n, layers, T, space)
    rows = state.shape[2]
    for layer in range(layers):
        _, h, c, _, dh, dc = cut_layer(n, layer, T, space)
        h[:rows], c[:rows] = state[layer, 0], state[layer, 1]
        past = out.shape[0] + 2 * layer * rows
        dh[:], dc[:] = errors[past : past + rows], errors[past + rows : past + 2 * rows]
    arrange_weights(sizes, P, F, B)
    read(sizes, P, F, T, symbols, features, masks, space, 1)
    answers(n, P, F, T, 0, outputs_of(n, layers - 1, T, space, masks), out)
    outputs[:] = out
    out[:] = errors[: out.shape[0]]
    for layer in range(layers):
        _, h, c, _, _, _ = cut_layer(n, layer, T, space)
        end[layer, 0], end[layer, 1] = h[T * rows :], c[T * rows :]
    go_back(sizes, B, T, symbols, features, masks, 0, out, G, space)
    for layer in range(layers):
        _, _, _, _, dh, dc = cut_layer(n, layer, T, space)
        start[layer, 0], start[layer, 1] = dh, dc


def by_kernels(model: Recurrent, x: Tensor, given: Tensors, dtype: Any, vectors: int) -> Tensors:
    """Return the same from the compiled code, with tiles of so many vectors."""

    class _Task:
        spec = model.spec

    batch, T = x.shape[:2]
    shapes = tuple(n._replace(v=vectors) for n in shapes_of(model, _Task(), batch))  # type: ignore[arg-type]
    n, layers, number_lanes = shapes[0], len(shapes), LANES[np.dtype(dtype)]
    lanes = vectors * number_lanes
    P = torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).numpy().astype(dtype)
    G, F, B = np.zeros_like(P), np.zeros_like(P), np.zeros_like(P)
    space = np.full(space_size(layers, n, T, number_lanes), np.nan, dtype)
    parts = model.cells[0].parts  # type: ignore[union-attr]
    places = [(f"{part} {layer}", layer, k) for layer in range(layers) for k, part in enumerate(parts)]
    result = {"outputs": torch.zeros(batch, T * n.O, dtype=torch.float64)}
    result |= {
        f"{what} {name}": torch.zeros(batch, n.H).double()
        for what in ("end", "gradient of start")
        for name, _, _ in places
    }
    for first in range(0, batch, lanes):
        rows = slice(first, min(first + lanes, batch))
        count = rows.stop - rows.start

        def lay(values: Tensor, count: int = count, rows: slice = rows, empty: float = 0.0) -> Any:
            tile = np.full((values[0].numel(), lanes), empty, dtype)
            tile[:, :count] = values[rows].flatten(1).numpy().T
            return tile.ravel()

        def states(what: str, lay: Any = lay) -> Any:
            laid = np.zeros((layers, 2, n.H * lanes), dtype)
            for name, layer, k in places:
                laid[layer, k] = lay(given[f"{what} {name}"])
            return laid

        symbols = lay(torch.zeros(batch, T) if x.is_floating_point() else x, empty=-1)
        features = lay(x) if x.is_floating_point() else np.zeros(0, dtype)
        masks = [lay(given[name]) for name in given if name.startswith("mask")]
        errors = np.concatenate([lay(given["outputs"]), states("end").ravel()])
        state = states("start")
        outputs, end, start = np.zeros(T * n.O * lanes, dtype), np.zeros_like(state), np.zeros_like(state)
        read_and_go_back(
            np.array(shapes), P, F, B, T, symbols, features, np.concatenate([*masks, np.zeros(0, dtype)]),
            space, state, errors, G, outputs, end, start,
        )  # fmt: skip
        result["outputs"][rows] = torch.from_numpy(outputs.reshape(-1, lanes)[:, :count].T.copy()).double()
        for name, layer, k in places:
            for what, values in (("end", end), ("gradient of start", start)):
                tile = values[layer, k].reshape(-1, lanes)[:, :count]
                result[f"{what} {name}"][rows] = torch.from_numpy(tile.T.copy()).double()
    result["outputs"] = result["outputs"].reshape(batch, T, n.O)
    position = 0
    for name, parameter in model.named_parameters():
        values = torch.from_numpy(G[position : position + parameter.numel()])
        result[f"gradient of {name}"] = values.view(parameter.shape)
        position += parameter.numel()
    return result


def check(model: Recurrent, x: Tensor, given: Tensors, dtype: Any, what: str) -> None:
    """Compare outputs, states and gradients, in both widths of a tile."""
    wanted, tolerance = by_autograd(model, x, given), TOLERANCES[dtype]
    for vectors in (1, 2):
        got = by_kernels(model, x, given, dtype, vectors)
        assert wanted.keys() == got.keys()
        for name, value in wanted.items():
            assert value.shape == got[name].shape
            error = (got[name] - value).norm() / value.norm().clamp(min=1e-3)
            assert error <= tolerance, f"{what}, {dtype.__name__}: {name} differs by {float(error):.1e}"


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_the_step_function(cell: str, inputs: str, dtype: Any) -> None:
    for sizes in SIZES:
        check(*example(cell, inputs, sizes), dtype, str(sizes))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("layers", "dropout"), [(1, 0.5), (2, 0.0), (3, 0.3)])
@pytest.mark.parametrize("cell", CELLS)
def test_layers_and_dropout_are_those_of_the_step_function(
    cell: str, layers: int, dropout: float, dtype: Any
) -> None:
    for inputs, sizes in (("many symbols", (5, 40, 7)), ("features", (33, 2, 30))):
        check(*example(cell, inputs, sizes, layers, dropout), dtype, f"{inputs}, {sizes}")
