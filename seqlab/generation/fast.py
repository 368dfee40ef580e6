"""Recurrent networks read one symbol at a time, in NumPy.

At one symbol a time a framework's layer spends its time on everything but the arithmetic: checks, packing of
weights, new arrays. Here each layer has its buffers, one product with all its weights, and a handful of
operations in place; the first layer's input is a row of a table. The sigmoid is had from the tanh of all gates
together, sigmoid(a) = (1 + tanh(a / 2)) / 2, with the half in the weights (which is exact).

Shapes: ... is nothing for one text, or (B,) for B texts side by side; I inputs, H units, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqlab.models import Cell, Recurrent, SequenceModel, State
from seqlab.models.gru import GRU
from seqlab.models.irnn import IRNN
from seqlab.models.lstm import LSTM
from seqlab.models.rnn import RNN

Floats = NDArray[np.float32]
HALF = np.float32(0.5)


def is_fast(model: SequenceModel) -> bool:
    """Say whether a model is one that this module can read with; a class derived from a cell is not."""
    return (
        type(model) is Recurrent
        and model.directions == 1
        and model.spec.inputs == "tokens"
        and all(type(cell) in _LAYERS for cell in model.cells)
    )


class FastNetwork:
    """A recurrent network with its state, advanced symbol by symbol in float32.

    Args:
        model: one of which :func:`is_fast` is true.
        state: the state to start from, of one row.
        rows: how many texts go side by side from there; None for one, without a dimension for it.
    """

    def __init__(self, model: SequenceModel, state: State, rows: int | None) -> None:
        assert isinstance(model, Recurrent)
        shape = () if rows is None else (rows,)
        self.layers = []
        for place, (cell, parts) in enumerate(zip(model.cells, state, strict=True)):
            assert isinstance(cell, Cell)
            layer = _LAYERS[type(cell)](cell, [_array(part[0]) for part in parts], shape, first=place == 0)
            self.layers.append(layer)
        self.V, self.c = _array(model.readout.weight.t()), _array(model.readout.bias)
        self.scores = np.empty((*shape, len(self.c)), np.float32)

    def read(self, symbol: NDArray[np.integer]) -> Floats:
        """Read a symbol each, (...), and return the scores of the next, (..., V), in a buffer that is used again."""
        x = self.layers[0].shares[symbol]
        h = self.layers[0].step(x)
        for layer in self.layers[1:]:
            layer.below[...] = h
            h = layer.step(layer.shares)
        np.dot(h, self.V, out=self.scores)
        return np.add(self.scores, self.c, out=self.scores)


class _Layer:
    """A layer: the cell's weights, scaled and transposed, its state, and buffers.

    Attributes:
        shares: of the first layer U x + b for every symbol x, (I, N); of the others b, (N,).
        h: (..., H), what it shows.
        below: (..., I), where the layer below puts its h; unused in the first.
        weights: of ``inputs``, transposed.
        inputs: (..., I + H), the inputs and the state side by side; of the first layer the state alone.
    """

    gates_scaled: tuple[float, ...] = (1.0,)

    def __init__(self, cell: Cell, state: Sequence[Floats], shape: tuple[int, ...], *, first: bool) -> None:
        H = cell.hidden_size
        scale = np.repeat(np.array(self.gates_scaled, np.float32), H)[:, None]
        U, b, W = (
            _array(cell.input.weight) * scale,
            _array(cell.input.bias) * scale[:, 0],
            _array(cell.W) * scale,
        )
        U, b, W = self.arrange(U, H), self.arrange(b, H), self.arrange(W, H)
        self.shares = np.ascontiguousarray(U.T + b) if first else b
        below = 0 if first else U.shape[1]
        self.inputs = np.zeros((*shape, below + H), np.float32)
        self.below, self.h = self.inputs[..., :below], self.inputs[..., below:]
        self.h[...] = state[0]
        self.prepare(cell, U, W, shape, state, first)

    def arrange(self, rows: Floats, H: int) -> Floats:
        """Return the gates' rows in the order in which :meth:`step` wants them."""
        return rows

    def prepare(
        self, cell: Cell, U: Floats, W: Floats, shape: tuple[int, ...], state: Sequence[Floats], first: bool
    ) -> None:
        """Make weights and buffers."""
        stacked = W if first else np.concatenate([U, W], 1)
        self.weights = np.ascontiguousarray(stacked.T)
        self.sums = np.empty((*shape, len(W)), np.float32)

    def step(self, share: Floats) -> Floats:
        """Advance one step, given U x + b (of the first layer) or b; return h, which is a buffer."""
        raise NotImplementedError


class _Tanh(_Layer):
    def step(self, share: Floats) -> Floats:
        np.dot(self.inputs, self.weights, out=self.sums)
        np.add(self.sums, share, out=self.sums)
        return np.tanh(self.sums, out=self.h)


class _Relu(_Layer):
    def step(self, share: Floats) -> Floats:
        np.dot(self.inputs, self.weights, out=self.sums)
        np.add(self.sums, share, out=self.sums)
        return np.maximum(self.sums, 0, out=self.h)


def _plain(cell: Cell, state: Sequence[Floats], shape: tuple[int, ...], *, first: bool) -> _Layer:
    assert isinstance(cell, RNN)
    return (_Tanh if cell.nonlinearity == "tanh" else _Relu)(cell, state, shape, first=first)


class _LSTM(_Layer):
    gates_scaled = (0.5, 0.5, 1.0, 0.5)

    def arrange(self, rows: Floats, H: int) -> Floats:
        i, f, g, o = np.split(rows, 4)
        return np.concatenate([i, f, o, g])  # the three sigmoids side by side

    def prepare(
        self, cell: Cell, U: Floats, W: Floats, shape: tuple[int, ...], state: Sequence[Floats], first: bool
    ) -> None:
        super().prepare(cell, U, W, shape, state, first)
        H = cell.hidden_size
        self.ifo = self.sums[..., : 3 * H]
        self.i, self.f, self.o, self.g = (self.sums[..., k * H : (k + 1) * H] for k in range(4))
        self.cell = np.zeros((*shape, H), np.float32)
        self.cell[...] = state[1]
        self.shown = np.empty_like(self.cell)

    def step(self, share: Floats) -> Floats:
        np.dot(self.inputs, self.weights, out=self.sums)
        np.add(self.sums, share, out=self.sums)
        np.tanh(self.sums, out=self.sums)
        np.multiply(self.ifo, HALF, out=self.ifo)
        np.add(self.ifo, HALF, out=self.ifo)
        np.multiply(self.cell, self.f, out=self.cell)
        np.multiply(self.i, self.g, out=self.g)
        np.add(self.cell, self.g, out=self.cell)
        np.tanh(self.cell, out=self.shown)
        return np.multiply(self.o, self.shown, out=self.h)


class _GRU(_Layer):
    """What both forms share; they differ in how n is had."""

    gates_scaled = (0.5, 0.5, 1.0)

    def prepare(
        self, cell: Cell, U: Floats, W: Floats, shape: tuple[int, ...], state: Sequence[Floats], first: bool
    ) -> None:
        self.units = cell.hidden_size
        self.U = None if first else np.ascontiguousarray(U.T)
        self.input = np.empty((*shape, 3 * self.units), np.float32)
        self.split(W, shape)
        self.r, self.z = self.rz[..., : self.units], self.rz[..., self.units :]

    def split(self, W: Floats, shape: tuple[int, ...]) -> None:
        """Make what the products with W need: its parts, and the buffers ``rz`` and ``n``."""
        raise NotImplementedError

    def share_of_input(self, share: Floats) -> tuple[Floats, Floats]:
        """Return U x + b, for r and z together and for n."""
        if self.U is not None:
            np.dot(self.below, self.U, out=self.input)
            share = np.add(self.input, share, out=self.input)
        return share[..., : 2 * self.units], share[..., 2 * self.units :]

    def sigmoids(self, share: Floats) -> None:
        """Turn the sums of r and z into their values."""
        np.add(self.rz, share, out=self.rz)
        np.tanh(self.rz, out=self.rz)
        np.multiply(self.rz, HALF, out=self.rz)
        np.add(self.rz, HALF, out=self.rz)

    def advance(self) -> Floats:
        """Return z * h + (1 - z) * n, as n + z * (h - n)."""
        np.tanh(self.n, out=self.n)
        np.subtract(self.h, self.n, out=self.h)
        np.multiply(self.h, self.z, out=self.h)
        return np.add(self.h, self.n, out=self.h)


class _ResetAfter(_GRU):
    def prepare(
        self, cell: Cell, U: Floats, W: Floats, shape: tuple[int, ...], state: Sequence[Floats], first: bool
    ) -> None:
        super().prepare(cell, U, W, shape, state, first)
        assert isinstance(cell.c, Tensor)
        self.c = _array(cell.c)

    def split(self, W: Floats, shape: tuple[int, ...]) -> None:
        self.W = np.ascontiguousarray(W.T)
        self.sums = np.empty((*shape, len(W)), np.float32)
        self.rz, self.n = self.sums[..., : 2 * self.units], self.sums[..., 2 * self.units :]

    def step(self, share: Floats) -> Floats:
        share_rz, share_n = self.share_of_input(share)
        np.dot(self.h, self.W, out=self.sums)
        self.sigmoids(share_rz)
        np.add(self.n, self.c, out=self.n)
        np.multiply(self.n, self.r, out=self.n)
        np.add(self.n, share_n, out=self.n)
        return self.advance()


class _ResetBefore(_GRU):
    def split(self, W: Floats, shape: tuple[int, ...]) -> None:
        H = self.units
        self.W_rz, self.W_n = np.ascontiguousarray(W[: 2 * H].T), np.ascontiguousarray(W[2 * H :].T)
        self.rz, self.n, self.seen = (np.empty((*shape, size), np.float32) for size in (2 * H, H, H))

    def step(self, share: Floats) -> Floats:
        share_rz, share_n = self.share_of_input(share)
        np.dot(self.h, self.W_rz, out=self.rz)
        self.sigmoids(share_rz)
        np.multiply(self.r, self.h, out=self.seen)
        np.dot(self.seen, self.W_n, out=self.n)
        np.add(self.n, share_n, out=self.n)
        return self.advance()


def _gated(cell: Cell, state: Sequence[Floats], shape: tuple[int, ...], *, first: bool) -> _Layer:
    return (_ResetBefore if cell.c is None else _ResetAfter)(cell, state, shape, first=first)


_LAYERS = {RNN: _plain, IRNN: _plain, LSTM: _LSTM, GRU: _gated}


def _array(tensor: Tensor) -> Floats:
    """Return a copy as a contiguous float32 array."""
    return np.array(tensor.detach().cpu().numpy(), np.float32, order="C")
