"""What every model is, and the network that is built around a recurrent cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from seqlab.contracts import PAD, Spec
from seqlab.errors import SettingsError

State = tuple[tuple[Tensor, ...], ...]
"""The state of a network: for each layer (and direction) the parts of its cell's state, each (B, H)."""


class SequenceModel(nn.Module):
    """A model that reads a sequence and answers at every step.

    Attributes:
        spec: what it knows of its task.
        noise: the generator that dropout draws from; the training loop seeds it anew at every step, so that
            the noise of step n does not depend on how the run came there.
        reads: the kinds of input that it takes, of those of :class:`Spec`.
        causal: whether its answer at a step depends on that step and the past only.
        counts: whether it learns by counting the training text in one step, instead of by gradient.
    """

    component: ClassVar = "model"
    reads: ClassVar[tuple[str, ...]] = ("tokens", "features")
    causal: bool = True
    counts: ClassVar[bool] = False

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.noise = torch.Generator()

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            inputs: (B, T) int64 symbols or (B, T, I) features.
            state: the state to start from; None means the start state.

        Returns:
            Outputs (B, T, O) and the state after the last step.
        """
        raise NotImplementedError

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights from ``generator``."""
        raise NotImplementedError

    def count(self, text: NDArray[np.integer]) -> None:
        """Learn from a text, (T,) symbols, where the model is one that :attr:`counts`."""
        raise NotImplementedError


class Input(nn.Module):
    r"""The input's share of a cell's sums, U x(t) + b.

    Symbols are looked up: U times a one-hot vector is a column of U, so no one-hot vector is ever made
    (CS231n-10). :data:`PAD` reads as symbol 0, which does not matter: the network holds the state there.

    Args:
        input_size: the number of symbols or features I.
        size: the number of sums N.

    Attributes:
        weight: U, (N, I).
        bias: b, (N,).
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, input_size))
        self.bias = nn.Parameter(torch.empty(size))

    def forward(self, x: Tensor) -> Tensor:
        """Return U x + b: (...) symbols or (..., I) features to (..., N)."""
        if x.is_floating_point():
            return F.linear(x, self.weight, self.bias)
        return F.embedding(x.clamp(min=0), self.weight.t()) + self.bias


class Cell(nn.Module):
    """A recurrent cell: one layer, one direction. Derive from it, write :meth:`step`, and it is a model.

    The state is a tuple of parts, each (B, H); the first part is h, the cell's output. The keyword-only
    arguments of the constructor are the cell's settings.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.

    Attributes:
        reads: the kinds of input that it takes, of those of :class:`Spec`.
        parts: the names of the parts of the state.
        recurrent: the names of the weights that the state is multiplied with, which weight dropout silences.
        network: what is built around the cell; its keyword-only arguments are settings, too.
    """

    component: ClassVar = "model"
    reads: ClassVar[tuple[str, ...]] = ("tokens", "features")
    parts: ClassVar[tuple[str, ...]] = ("h",)
    recurrent: ClassVar[tuple[str, ...]] = ()
    network: ClassVar[type[nn.Module]]

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step, by the equations as they are written.

        Args:
            x: (B,) symbols or (B, I) features; :class:`Input` takes either.
            state: the parts of the state, each (B, H).

        Returns:
            The new parts; the first is h.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence without padding; the fast path of a cell overrides this.

        Args:
            x: (B, T) symbols or (B, T, I) features.
            state: the parts of the state, each (B, H).

        Returns:
            h at every step (B, T, H), and the state after the last.
        """
        return self.steps(x, state)

    def steps(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Do what :meth:`forward` does, one :meth:`step` after the other."""
        outputs = []
        for x_t in x.unbind(1):
            state = self.step(x_t, state)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return the state before the first step: zeros."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch, self.hidden_size) for _ in self.parts)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: uniform in plus or minus 1 / sqrt(H), as PyTorch's layers do."""
        bound = self.hidden_size**-0.5
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-bound, bound, generator=generator)

    @classmethod
    def parameter_count(cls, input_size: int, hidden_size: int, **options: Any) -> int:
        """Return the number of weights of a cell of that size; a cell may state its formula instead."""
        with torch.device("meta"):
            cell = cls(input_size, hidden_size, **options)
        return sum(parameter.numel() for parameter in cell.parameters())


class Recurrent(SequenceModel):
    """Layers of a cell and a linear read-out, o(t) = V h(t) + c.

    Args:
        cell: the class of the cell.
        spec: what is known of the task.
        hidden_size: units of each layer.
        layers: how many layers, each reading the outputs of the one before.
        dropout: the share of a layer's outputs that training silences, after each layer.
        dropout_varies: whether others are silenced at every step of a sequence (Zaremba, Sutskever & Vinyals
            2014) or the same ones at all of them (Gal & Ghahramani 2016).
        weight_dropout: the share of the recurrent weights that training silences, other ones at every update
            (Wan et al. 2013; Merity, Keskar & Socher 2018).
        bidirectional: whether a second cell of each layer reads from the end; for tasks that are not causal.
        input_scale: the first layer's input weights start uniform in plus or minus this; None for the cell's
            own start. A symbol that is looked up brings one weight to a unit, not a sum of many: at the usual
            1 / sqrt(H) a large network hardly hears it at first.
        **options: the settings of the cell.
    """

    def __init__(
        self,
        cell: type[Cell],
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 32,
        layers: Annotated[int, Field(ge=1, le=64)] = 1,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        dropout_varies: bool = False,
        weight_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        bidirectional: bool = False,
        input_scale: Annotated[float, Field(gt=0, le=100)] | None = None,
        **options: object,
    ) -> None:
        super().__init__(spec)
        if bidirectional and spec.causal:
            raise SettingsError(
                "model.bidirectional is true, but the task is causal: the end would show the answers.",
                hint="Set model.bidirectional=false.",
            )
        if weight_dropout > 0 and not cell.recurrent:
            raise SettingsError(
                f"model.weight_dropout is {weight_dropout:g}, but {cell.__name__} has no recurrent weights.",
                hint="Set model.weight_dropout=0, or name them in the cell's class attribute 'recurrent'.",
            )
        self.dropout = dropout
        self.dropout_varies = dropout_varies
        self.weight_dropout = weight_dropout
        self.input_scale = input_scale
        self.causal = not bidirectional
        self.directions = 2 if bidirectional else 1
        self.hidden_size = hidden_size
        widths = [spec.input_size] + [hidden_size * self.directions] * (layers - 1)
        self.cells = nn.ModuleList(
            cell(width, hidden_size, **options) for width in widths for _ in range(self.directions)
        )
        self.readout = _linear(hidden_size * self.directions, spec.output_size)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        x = inputs
        padded = inputs == PAD if self.spec.inputs == "tokens" else None
        if padded is not None and not bool(padded.any()):
            padded = None
        final: list[tuple[Tensor, ...]] = []
        weights = self._silenced_weights()
        for layer in range(0, len(self.cells), self.directions):
            outputs = []
            for direction in range(self.directions):
                cell = self.cells[layer + direction]
                assert isinstance(cell, Cell)
                start = cell.start(len(inputs)) if state is None else state[layer + direction]
                read = _reader(cell, weights[layer + direction])
                h, end = _read(read, x, start, padded, backwards=direction == 1)
                outputs.append(h)
                final.append(end)
            x = outputs[0] if self.directions == 1 else torch.cat(outputs, -1)
            x = self._drop(x)
        return self.readout(x), tuple(final)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights, layer by layer, then the read-out's (uniform, 1 / sqrt(H))."""
        for cell in self.cells:
            assert isinstance(cell, Cell)
            cell.initialise(generator)
        bound = self.readout.in_features**-0.5
        with torch.no_grad():
            self.readout.weight.uniform_(-bound, bound, generator=generator)
            self.readout.bias.uniform_(-bound, bound, generator=generator)
            if self.input_scale is not None:
                for cell in self.cells[: self.directions]:
                    for module in cell.modules():
                        if isinstance(module, Input):
                            module.weight.uniform_(-self.input_scale, self.input_scale, generator=generator)

    def kept(self, batch: int, noise: torch.Generator) -> Tensor:
        """Draw what dropout multiplies a layer's outputs with: 0 or 1 / (1 - dropout), (B, outputs).

        Where it varies, these are for the first step; at each later one they move on by one unit, which is
        new to every unit and costs no further numbers.
        """
        kept = torch.empty(batch, self.hidden_size * self.directions)
        return kept.bernoulli_(1 - self.dropout, generator=noise).div_(1 - self.dropout)

    def kept_at(self, steps: int, batch: int, noise: torch.Generator) -> Tensor:
        """Draw what dropout multiplies with, (B, steps, outputs), or (B, 1, outputs) for all steps."""
        kept = self.kept(batch, noise)[:, None]
        if self.dropout_varies:
            size = kept.shape[-1]
            moved = (torch.arange(steps)[:, None] + torch.arange(size)) % size
            kept = kept[:, 0, moved]
        return kept

    def kept_weights(self, noise: torch.Generator) -> dict[str, Tensor]:
        """Draw what dropout multiplies recurrent weights with: 0 or 1 / (1 - weight_dropout), by name."""
        seed = int(torch.randint(2**62, (), generator=noise))
        bits = np.random.Generator(np.random.SFC64(seed))  # the weights are many: torch draws 5 times as long
        least, scale = round(self.weight_dropout * 2**16), np.float32(1 / (1 - self.weight_dropout))
        kept = {}
        for number, cell in enumerate(self.cells):
            assert isinstance(cell, Cell)
            for name in cell.recurrent:
                shape = cell.get_parameter(name).shape
                drawn = np.frombuffer(bits.bytes(2 * shape.numel()), np.uint16) >= least
                kept[f"cells.{number}.{name}"] = torch.from_numpy(drawn * scale).view(shape)
        return kept

    def _drop(self, x: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return x
        return x * self.kept_at(x.shape[1], len(x), self.noise).to(x.device, x.dtype)

    def _silenced_weights(self) -> list[dict[str, Tensor]]:
        """Return for each cell the weights that stand in for its own: some, while training with dropout."""
        weights: list[dict[str, Tensor]] = [{} for _ in self.cells]
        if self.training and self.weight_dropout > 0:
            for path, kept in self.kept_weights(self.noise).items():
                _, number, name = path.split(".")
                weight = self.get_parameter(path)
                weights[int(number)][name] = weight * kept.to(weight.device, weight.dtype)
        return weights


Cell.network = Recurrent


Reader = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, tuple[Tensor, ...]]]
"""What reads a sequence from a state, as :meth:`Cell.forward` does."""


def _reader(cell: Cell, weights: Mapping[str, Tensor]) -> Reader:
    """Return what reads with a cell, in which ``weights`` stand in for its own."""

    def read(x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        if weights:
            return functional_call(cell, dict(weights), (x, state))  # type: ignore[no-any-return]
        if x.shape[1] > 1:
            return cell(x, state)  # type: ignore[no-any-return]
        state = cell.step(
            x[:, 0], state
        )  # alone, as in generation, it costs less than the fast path's set-up
        return state[0][:, None], state

    return read


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer whose weights are yet to be drawn.

    By itself nn.Linear draws them from the global generator. nn.utils.skip_init keeps it from that, too, but
    has torch import a computer algebra system, which takes as long as a small run.
    """
    layer = nn.Linear(inputs, outputs, device="meta")
    layer.weight = nn.Parameter(torch.empty(outputs, inputs))
    layer.bias = nn.Parameter(torch.empty(outputs))
    return layer


def _read(
    read: Reader, x: Tensor, state: tuple[Tensor, ...], padded: Tensor | None, *, backwards: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Read a sequence with one cell, holding the state where there is padding."""
    if backwards:
        x = x.flip(1)
        padded = None if padded is None else padded.flip(1)
    h, state = read(x, state) if padded is None else _read_padded(read, x, state, padded)
    return (h.flip(1) if backwards else h), state


def _read_padded(
    read: Reader, x: Tensor, state: tuple[Tensor, ...], padded: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Cut the sequence where padding ends or begins in some row; in each piece read the rows without."""
    cuts = (padded[:, 1:] != padded[:, :-1]).any(0).nonzero().flatten() + 1
    outputs = []
    for start, stop in pairwise([0, *cuts.tolist(), x.shape[1]]):
        piece = x[:, start:stop]
        rows = (~padded[:, start]).nonzero().flatten()
        if len(rows) == len(x):
            h, state = read(piece, state)
        else:
            h = state[0][:, None].expand(-1, stop - start, -1)
            if len(rows):
                shown, new = read(piece[rows], tuple(part[rows] for part in state))
                h = h.index_copy(0, rows, shown.to(h.dtype))
                state = tuple(
                    old.index_copy(0, rows, part.to(old.dtype)) for old, part in zip(state, new, strict=True)
                )
        outputs.append(h)
    return torch.cat(outputs, 1), state
