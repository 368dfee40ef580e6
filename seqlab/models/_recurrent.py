"""The network that is built around a recurrent cell: layers, directions, dropout, padding, a read-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from seqlab.contracts import Spec, State
from seqlab.errors import SettingsError
from seqlab.models._base import SequenceModel
from seqlab.models._cell import Cell, Input, linear, read_cell
from seqlab.models._contract import require_start
from seqlab.models._layers import read_direction
from seqlab.models._library import Layer, has_cudnn, read_in_library
from seqlab.models._padding import Reader, padding
from seqlab.own_code import require_made, require_signature


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
        embedding_size: numbers of the vector as which a symbol is read, the same for all layers and gates
            that hear it; None where each of the first layer's sums has a number of its own for each symbol.
            The vectors start from N(0, 1).
        tied: whether the read-out's V is the embedding, transposed (Press & Wolf 2017): then
            ``embedding_size`` is what the last layer gives, and answers are symbols of the input.
        embedding_dropout: the share of what the first layer reads that training silences, the same at all
            steps.
        residual: whether every layer but the first adds what it reads to what it gives (He et al. 2016).
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
        embedding_size: Annotated[int, Field(ge=1, le=65536)] | None = None,
        tied: bool = False,
        embedding_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        residual: bool = False,
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
        _check_embedding(spec, embedding_size, hidden_size * self.directions, tied)
        if embedding_dropout > 0 and spec.inputs == "tokens" and not (tied or embedding_size):
            raise SettingsError(
                f"model.embedding_dropout is {embedding_dropout:g}, but symbols do not become vectors here.",
                hint="Set model.embedding_size, or model.embedding_dropout=0.",
            )
        self.tied, self.residual, self.embedding_dropout = tied, residual, embedding_dropout
        self.embedding = (
            None if tied or embedding_size is None else Input(spec.input_size, embedding_size, bias=False)
        )
        widths = [embedding_size or spec.input_size] + [hidden_size * self.directions] * (layers - 1)
        self.cells = nn.ModuleList(
            _made(cell, width, hidden_size, **options) for width in widths for _ in range(self.directions)
        )
        first = self.cells[0]
        assert isinstance(first, Cell)
        self.bfloat16_from = first.gains_from(vectors=self.embeds or spec.inputs == "features")
        self.readout = linear(hidden_size * self.directions, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the start states of the cells, layer by layer; see :meth:`SequenceModel.start`."""
        return tuple(_start(cell, rows) for cell in self.cells if isinstance(cell, Cell))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        x = self._silenced(self.embed(inputs), self.embedding_dropout)
        state = self.start({}, len(inputs)) if state is None else state
        padded = padding(inputs)
        joined = self._joined(x) if padded is None else []
        if joined:
            x, ends = read_in_library(joined, x, state)
            return self.readout(x), tuple(ends)
        final: list[tuple[Tensor, ...]] = []
        weights = self._silenced_weights()
        for layer in range(0, len(self.cells), self.directions):
            outputs = []
            for direction in range(self.directions):
                cell = self.cells[layer + direction]
                assert isinstance(cell, Cell)
                read = _reader(cell, weights[layer + direction])
                h, end = read_direction(read, x, state[layer + direction], padded, backwards=direction == 1)
                outputs.append(h)
                final.append(end)
            found = outputs[0] if self.directions == 1 else torch.cat(outputs, -1)
            x = self.passed_on(layer, x, self._drop(found))
        return self.readout(x), tuple(final)

    def _joined(self, x: Tensor) -> list[Layer]:
        """Return cuDNN's layers to read x with at once; none where there is one, or one cannot be.

        Hooks of cells are not heard then. On a processor it would come to the same, so there they are. What
        is derived from this class, or from a cell that torch has a layer for, may read in its own way.
        """
        between = self.training and (self.dropout > 0 or self.weight_dropout > 0)
        if type(self) is not Recurrent or self.directions == 2 or self.residual or between:
            return []
        if len(self.cells) == 1 or x.shape[1] == 1:
            return []
        layers = []
        for number, cell in enumerate(self.cells):
            assert isinstance(cell, Cell)
            layer = cell.in_library(features=number > 0 or x.is_floating_point())
            if layer is None or not has_cudnn(layer.W) or "in_library" not in vars(type(cell)):
                return []
            layers.append(layer)
        alike = {(layer.kind, layer.W.shape) for layer in layers}
        return layers if len(alike) == 1 else []

    def passed_on(self, cell: int, read: Tensor, found: Tensor) -> Tensor:
        """Return what goes on to the next layer, from what the layer of a cell has read and found."""
        return found + read if self.residual and cell >= self.directions else found

    @property
    def embeds(self) -> bool:
        """Whether symbols become vectors before the first layer reads them."""
        return self.tied or self.embedding is not None

    def embed(self, inputs: Tensor) -> Tensor:
        """Return what the first layer reads: vectors (B, T, E), or the inputs as they are."""
        if self.tied:
            return F.embedding(inputs.clamp(min=0), self.readout.weight)
        return inputs if self.embedding is None else self.embedding(inputs)

    def vectors(self) -> Tensor | None:
        """Return the vector as which each symbol is read; see :meth:`SequenceModel.vectors`."""
        return self.readout.weight if self.tied else super().vectors()

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights, layer by layer, then the read-out's (uniform, 1 / sqrt(H))."""
        if self.embedding is not None:
            with torch.no_grad():
                self.embedding.weight.normal_(generator=generator)
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
        kept = torch.empty(batch, self.hidden_size * self.directions, device=noise.device)
        return kept.bernoulli_(1 - self.dropout, generator=noise).div_(1 - self.dropout)

    def kept_at(self, steps: int, batch: int, noise: torch.Generator) -> Tensor:
        """Draw what dropout multiplies with, (B, steps, outputs), or (B, 1, outputs) for all steps."""
        kept = self.kept(batch, noise)[:, None]
        if self.dropout_varies:
            size = kept.shape[-1]
            first, unit = (torch.arange(count, device=kept.device) for count in (steps, size))
            moved = (first[:, None] + unit) % size
            kept = kept[:, 0, moved]
        return kept

    def kept_weights(self, noise: torch.Generator) -> dict[str, Tensor]:
        """Draw what dropout multiplies recurrent weights with: 0 or 1 / (1 - weight_dropout), by name."""
        if noise.device.type != "cpu":
            return self._weights_kept_there(noise)
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

    def _weights_kept_there(self, noise: torch.Generator) -> dict[str, Tensor]:
        """Draw the same kind of numbers where the generator is, on a GPU."""
        kept = {}
        for number, cell in enumerate(self.cells):
            assert isinstance(cell, Cell)
            for name in cell.recurrent:
                drawn = torch.empty(cell.get_parameter(name).shape, device=noise.device)
                drawn.bernoulli_(1 - self.weight_dropout, generator=noise)
                kept[f"cells.{number}.{name}"] = drawn.div_(1 - self.weight_dropout)
        return kept

    def _silenced(self, x: Tensor, share: float) -> Tensor:
        """Silence a share of what is read (B, T, I), the same at all steps."""
        return x if share == 0 else x * self.dropped(x.new_ones(len(x), 1, x.shape[2]), share)

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


def _check_embedding(spec: Spec, size: int | None, width: int, tied: bool) -> None:
    """Raise a SettingsError where there is nothing to embed, or nothing to tie to."""
    if size is not None and spec.inputs != "tokens":
        raise SettingsError(
            f"model.embedding_size is {size}, but the task gives {spec.inputs}, which are not looked up.",
            hint="Leave model.embedding_size out.",
        )
    if tied and (spec.inputs, spec.outputs, spec.input_size) != ("tokens", "classes", spec.output_size):
        raise SettingsError(
            "model.tied is true, but what the task asks for are not the symbols that it gives.",
            hint="Set model.tied=false.",
        )
    if tied and size != width:
        raise SettingsError(
            f"model.tied is true, so model.embedding_size must be what the last layer gives, {width}; "
            f"it is {size}.",
            hint=f"Set model.embedding_size={width}.",
        )


def _made(cls: type[Cell], input_size: int, hidden_size: int, **options: object) -> Cell:
    """Make a cell; one that cannot be made so is refused."""
    require_signature(cls, input_size, hidden_size, **options)
    cell = cls(input_size, hidden_size, **options)
    require_made(cell, "hidden_size")
    return cell


def _start(cell: Cell, rows: int) -> tuple[Tensor, ...]:
    """Return a cell's start state; what is none is refused."""
    found = cell.start(rows)
    require_start(cell.start, found, cell.parts, rows)
    return found


def _reader(cell: Cell, weights: Mapping[str, Tensor]) -> Reader:
    """Return what reads with a cell, in which ``weights`` stand in for its own."""

    def read(x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        if weights:
            return functional_call(cell, dict(weights), (x, state))  # type: ignore[no-any-return]
        return read_cell(cell, x, state)

    return read
