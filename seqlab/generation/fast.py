"""Recurrent networks read one symbol at a time, in NumPy.

At one symbol a time a framework's layer spends its time on everything but the arithmetic: checks, packing
of weights, new arrays. Here each layer has its buffers, one product with all its weights, and a handful of
operations in place; the first layer's input is a row of a table. The sigmoid is had from the tanh of all
gates together, sigmoid(a) = (1 + tanh(a / 2)) / 2, with the half in the weights (which is exact).

Shapes: ... is nothing for one text, or (B,) for B texts side by side; I inputs, H units, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqlab.models import Recurrent, SequenceModel, State
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.irnn import IRNN
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN

Floats = NDArray[np.float32]
HALF = np.float32(0.5)

_Known = RNN | LSTM | GRU


def is_fast(model: SequenceModel) -> bool:
    """Say whether a model is one that this module can read with.

    A class derived from a cell is not, nor is an LSTM of another form than the usual one.
    """
    return (
        type(model) is Recurrent
        and model.directions == 1
        and model.spec.inputs == "tokens"
        and all(type(cell) in (RNN, IRNN, LSTM, GRU) for cell in model.cells)
        and all(cell.is_usual for cell in model.cells if isinstance(cell, LSTM))
    )


class FastNetwork:
    """A recurrent network with its state, advanced symbol by symbol in float32.

    Args:
        model: one of which :func:`is_fast` is true.
        state: the state to start from, of so many rows or of one for all.
        rows: how many texts go side by side from there; None for one, without a dimension for it.
    """

    def __init__(self, model: SequenceModel, state: State, rows: int | None) -> None:
        assert isinstance(model, Recurrent)
        shape = () if rows is None else (rows,)
        self.layers: list[_Layer] = []
        for cell, parts in zip(model.cells, state, strict=True):
            assert isinstance(cell, _Known)
            start = [_array(part[0] if rows is None else part) for part in parts]
            read = None if self.layers else _read_of(model)
            self.layers.append(_layer_of(cell)(cell, start, shape, read))
        self.residual = model.residual
        self.V, self.c = _transposed(_array(model.readout.weight)), _array(model.readout.bias)
        self.scores = np.empty((*shape, len(self.c)), np.float32)

    def read(self, symbol: NDArray[np.integer]) -> Floats:
        """Read a symbol each, (...); return the scores of the next, (..., V), in a buffer that is reused."""
        first, *others = self.layers
        h = first.step(first.shares[symbol])
        for layer in others:
            layer.below[...] = h
            found = layer.step(layer.shares)
            h = np.add(found, layer.below, out=layer.shown_on) if self.residual else found
        np.dot(h, self.V, out=self.scores)
        return np.add(self.scores, self.c, out=self.scores)

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with chosen rows."""
        for layer in self.layers:
            layer.keep(rows)


class _Layer:
    """A layer: the cell's weights, scaled and transposed, its state, and buffers.

    Attributes:
        scales: what each gate's rows are multiplied by.
        shares: of the first layer U x + b for every symbol x, (V, N); of the others b, (N,).
        shown_on: (..., H), for what goes on where that is more than h.
        inputs: (..., I + H), ``below`` and ``h`` side by side.
        below: (..., I), where the h of the layer below is put; of the first layer (..., 0).
        h: (..., H), what the layer shows.
    """

    scales: tuple[float, ...] = (1.0,)

    def __init__(
        self, cell: _Known, state: Sequence[Floats], shape: tuple[int, ...], read: Floats | None
    ) -> None:
        self.H, self.shape = cell.hidden_size, shape
        scale = np.repeat(np.array(self.scales, np.float32), self.H)[:, None]
        U = self.arrange(_array(cell.input.weight) * scale)
        b = self.arrange(_array(cell.input.bias)[:, None] * scale)[:, 0]
        W = self.arrange(_array(cell.W) * scale)
        if read is not None:  # the first layer reads one of these, (V, I)
            self.shares, U = np.dot(read, U.T) + b, U[:, :0]
        else:
            self.shares = b
        self.inputs = self.buffer(U.shape[1] + self.H)
        self.below, self.h = self.inputs[..., : U.shape[1]], self.inputs[..., U.shape[1] :]
        self.h[...] = state[0]
        self.shown_on = self.buffer(self.H)
        self.prepare(cell, U, W, state)

    def arrange(self, rows: Floats) -> Floats:
        """Return the gates' rows in the order in which :meth:`step` wants them."""
        return rows

    def prepare(self, cell: _Known, U: Floats, W: Floats, state: Sequence[Floats]) -> None:
        """Make weights and buffers; the inputs and the state take part in one product."""
        self.weights = _transposed(np.concatenate([U, W], 1))
        self.sums = self.buffer(len(W))

    def step(self, share: Floats) -> Floats:
        """Advance one step, given U x + b (of the first layer) or b; return h, which is a buffer."""
        raise NotImplementedError

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with chosen rows of the state."""
        self.h[...] = self.h[rows]

    def buffer(self, size: int) -> Floats:
        return np.zeros((*self.shape, size), np.float32)


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


class _LSTM(_Layer):
    scales = (0.5, 0.5, 1.0, 0.5)

    def arrange(self, rows: Floats) -> Floats:
        i, f, g, o = np.split(rows, 4)
        return np.concatenate([i, f, o, g])  # the three sigmoids side by side

    def prepare(self, cell: _Known, U: Floats, W: Floats, state: Sequence[Floats]) -> None:
        super().prepare(cell, U, W, state)
        self.ifo = self.sums[..., : 3 * self.H]
        self.i, self.f, self.o, self.g = np.split(self.sums, 4, -1)
        self.c, self.shown = self.buffer(self.H), self.buffer(self.H)
        self.c[...] = state[1]

    def keep(self, rows: NDArray[np.integer]) -> None:
        super().keep(rows)
        self.c[...] = self.c[rows]

    def step(self, share: Floats) -> Floats:
        np.dot(self.inputs, self.weights, out=self.sums)
        np.add(self.sums, share, out=self.sums)
        np.tanh(self.sums, out=self.sums)
        np.multiply(self.ifo, HALF, out=self.ifo)
        np.add(self.ifo, HALF, out=self.ifo)
        np.multiply(self.c, self.f, out=self.c)
        np.multiply(self.i, self.g, out=self.g)
        np.add(self.c, self.g, out=self.c)
        np.tanh(self.c, out=self.shown)
        return np.multiply(self.o, self.shown, out=self.h)


class _GRU(_Layer):
    """What both forms share; they differ in how n is had."""

    scales = (0.5, 0.5, 1.0)
    rz: Floats
    n: Floats

    def prepare(self, cell: _Known, U: Floats, W: Floats, state: Sequence[Floats]) -> None:
        self.U, self.input = _transposed(U), self.buffer(3 * self.H)
        self.split(cell, W)
        self.r, self.z = np.split(self.rz, 2, -1)

    def split(self, cell: _Known, W: Floats) -> None:
        """Make what the products with W need: its parts, and the buffers ``rz`` and ``n``."""
        raise NotImplementedError

    def from_input(self, share: Floats) -> tuple[Floats, Floats]:
        """Return U x + b, for r and z together and for n."""
        if len(self.U):
            np.dot(self.below, self.U, out=self.input)
            share = np.add(self.input, share, out=self.input)
        return share[..., : 2 * self.H], share[..., 2 * self.H :]

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
    def split(self, cell: _Known, W: Floats) -> None:
        assert isinstance(cell, GRU)
        assert cell.c is not None
        self.W, self.c, self.sums = _transposed(W), _array(cell.c), self.buffer(len(W))
        self.rz, self.n = self.sums[..., : 2 * self.H], self.sums[..., 2 * self.H :]

    def step(self, share: Floats) -> Floats:
        share_rz, share_n = self.from_input(share)
        np.dot(self.h, self.W, out=self.sums)
        self.sigmoids(share_rz)
        np.add(self.n, self.c, out=self.n)
        np.multiply(self.n, self.r, out=self.n)
        np.add(self.n, share_n, out=self.n)
        return self.advance()


class _ResetBefore(_GRU):
    def split(self, cell: _Known, W: Floats) -> None:
        self.W_rz, self.W_n = _transposed(W[: 2 * self.H]), _transposed(W[2 * self.H :])
        self.rz, self.n, self.seen = map(self.buffer, (2 * self.H, self.H, self.H))

    def step(self, share: Floats) -> Floats:
        share_rz, share_n = self.from_input(share)
        np.dot(self.h, self.W_rz, out=self.rz)
        self.sigmoids(share_rz)
        np.multiply(self.r, self.h, out=self.seen)
        np.dot(self.seen, self.W_n, out=self.n)
        np.add(self.n, share_n, out=self.n)
        return self.advance()


def _layer_of(cell: _Known) -> type[_Layer]:
    if isinstance(cell, GRU):
        return _ResetBefore if cell.c is None else _ResetAfter
    if isinstance(cell, LSTM):
        return _LSTM
    return _Tanh if cell.nonlinearity == "tanh" else _Relu


def _read_of(model: Recurrent) -> Floats:
    """Return what the first layer reads for each symbol, (V, I): its vector, or a row of the unit matrix."""
    if not model.embeds:
        return np.eye(model.spec.input_size, dtype=np.float32)
    vectors = model.vectors()
    assert vectors is not None
    return _array(vectors)


def _array(tensor: Tensor) -> Floats:
    """Return a copy as a contiguous float32 array."""
    return np.array(tensor.detach().cpu().numpy(), np.float32, order="C")


def _transposed(matrix: Floats) -> Floats:
    return np.ascontiguousarray(matrix.T)
