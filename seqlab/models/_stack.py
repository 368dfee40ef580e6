"""A stack of residual blocks around anything that mixes over time: attention, a scan, any cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec, State
from seqlab.errors import SettingsError
from seqlab.models._base import SequenceModel
from seqlab.models._cell import NORMS, Cell, Input, linear, read_cell
from seqlab.models._contract import require_parts, require_reading
from seqlab.models._padding import Parts, padding, read_around

Drop = Callable[[Tensor], Tensor]
"""Dropout: what silences some numbers of a tensor and scales up the others."""

STD = 0.02
"""Standard deviation with which matrices start (Radford et al. 2019)."""


class Mixer(nn.Module):
    """What lets a step hear of those before it: the part of a :class:`Block` in which models differ.

    A subclass writes :meth:`read` and, where it remembers anything, :meth:`start`. It may write
    :meth:`forward` instead of :meth:`read`, where it can do better with padding than read around it, or
    drops anything.

    Args:
        size: the width of what it gives, N; that of what it is given is D.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def start(self, rows: int) -> Parts:
        """Return the state before the first step: parts of any shape whose first axis is the row."""
        return ()

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence without padding, (B, T, D), from a state: to (B, T, N) and the new state."""
        raise NotImplementedError

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None = None, drop: Drop | None = None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence.

        Args:
            x: (B, T, D).
            state: its parts.
            padded: (B, T) bool, where there is padding, in front of a row: the state is held there, and what
                comes out does not count. None where there is none.
            drop: dropout, for what the mixer computes inside; None where nothing is dropped.

        Returns:
            (B, T, N), and the new parts.
        """
        if padded is None:
            return self.read(x, state)
        return read_around(self.read, x, state, padded, idle=lambda _: x.new_zeros(len(x), self.size))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: matrices from N(0, 0.02^2), biases 0, norms as they are."""
        draw(self, generator)


class CellMixer(Mixer):
    """A recurrent cell as a mixer; it starts as it does by itself."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.hidden_size)
        self.cell = cell

    def start(self, rows: int) -> Parts:
        """Return the cell's start state."""
        return self.cell.start(rows)

    def read(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.read`."""
        return read_cell(self.cell, x, state)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the cell's initial weights."""
        self.cell.initialise(generator)


class Block(nn.Module):
    """One layer of a stack, with the norms in front (Xiong et al. 2020).

        x = x + out mixer(norm(x))
        x = x + down gelu(up norm(x))

    Args:
        mixer: of N outputs.
        width: D, of the stream x.
    """

    def __init__(self, mixer: Mixer, width: int) -> None:
        super().__init__()
        self.mixer_norm, self.mixer = nn.LayerNorm(width, bias=False), mixer
        self.out = linear(mixer.size, width, bias=False)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.up, self.down = linear(width, 4 * width, bias=False), linear(4 * width, width, bias=False)

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None, drop: Drop | None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.forward`."""
        x, state = self.hear(x, state, padded, drop)
        return self.think(x, drop), state

    def hear(self, x: Tensor, state: Parts, padded: Tensor | None, drop: Drop | None) -> tuple[Tensor, Parts]:
        """Add what the mixer hears."""
        found = self.mixer(self.mixer_norm(x), state, padded, drop)
        require_reading(self.mixer.read, found, (*x.shape[:2], self.mixer.size))
        require_parts(self.mixer.read, found[1], [f"part {k}" for k in range(len(state))], state)
        mixed, state = found
        return x + _dropped(self.out(mixed), drop), state

    def think(self, x: Tensor, drop: Drop | None) -> Tensor:
        """Add what the MLP makes of each step."""
        return x + _dropped(self.down(F.gelu(self.up(self.mlp_norm(x)))), drop)

    def initialise(self, generator: torch.Generator, scale: float) -> None:
        """Draw the initial weights; those that write into the stream are scaled."""
        self.mixer.initialise(generator)
        for layer in (self.out, self.up, self.down):
            draw(layer, generator)
        with torch.no_grad():
            self.out.weight *= scale
            self.down.weight *= scale


class Stack(SequenceModel):
    """An embedding, blocks, a norm and a linear read-out.

        x(t) = E u(t)                           symbols are looked up
        x = block(x), layer by layer            see :class:`Block`
        o(t) = V norm(x(t)) + c

    Which mixer stands in the blocks is what tells one stack from another; a model is a subclass that says so:

        class Mine(Stack):
            def __init__(self, spec, *, rank: int = 8, **options):
                super().__init__(spec, lambda width: MyMixer(width, rank), **options)

    Initialisation: that of GPT-2. Matrices from N(0, 0.02^2), biases 0, gains 1; what writes into the stream,
    ``out`` and ``down`` of every block, is scaled by 1 / sqrt(2 layers), so that the stream is not the wider
    for having more layers (Radford et al. 2019). A mixer may start in a way of its own.

    Args:
        spec: what is known of the task.
        mixer: makes the mixer of a layer, given the width D.
        block: makes a block, given its mixer and the width.
        hidden_size: the width D of the stream; the MLPs are 4 D wide.
        layers: the number of blocks.
        dropout: the share of numbers that training silences: of the embedding, of what each mixer and each
            MLP adds to the stream, and inside of mixers what these see fit.
        tied: whether the read-out's V is the embedding's E, transposed (Press & Wolf 2017); for tasks whose
            answers are symbols of the input, as in a language model.
    """

    network: ClassVar[type[nn.Module]]

    def __init__(
        self,
        spec: Spec,
        mixer: Callable[[int], Mixer],
        block: Callable[[Mixer, int], Block] = Block,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        layers: Annotated[int, Field(ge=1, le=64)] = 4,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__(spec)
        if tied and (spec.inputs, spec.outputs, spec.input_size) != ("tokens", "classes", spec.output_size):
            raise SettingsError(
                "model.tied is true, but what the task asks for are not the symbols that it gives.",
                hint="Set model.tied=false.",
            )
        self.dropout = dropout
        embedding = Input(spec.input_size, hidden_size, bias=spec.inputs == "features")
        self.embedding = None if tied else embedding
        self.blocks = nn.ModuleList(block(mixer(hidden_size), hidden_size) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden_size, bias=False)
        self.readout = linear(hidden_size, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the start states of the mixers, layer by layer; see :meth:`SequenceModel.start`."""
        return tuple(block.mixer.start(rows) for block in self._layers())

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        state = self.start({}, len(inputs)) if state is None else state
        padded = padding(inputs)
        drop = self._dropping()
        x = _dropped(self._embed(inputs), drop)  # (B, T, D)
        end = []
        for block, parts in zip(self._layers(), state, strict=True):
            x, parts = block(x, parts, padded, drop)
            end.append(parts)
        return self.readout(self.norm(x)), tuple(end)

    def vectors(self) -> Tensor | None:
        """Return the vector as which each symbol is read; see :meth:`SequenceModel.vectors`."""
        return self.readout.weight if self.embedding is None else super().vectors()

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: the embedding's, layer by layer, the read-out's."""
        if self.embedding is not None:
            draw(self.embedding, generator)
        for block in self._layers():
            block.initialise(generator, (2 * len(self.blocks)) ** -0.5)
        draw(self.readout, generator)

    def _embed(self, inputs: Tensor) -> Tensor:
        """Return E u(t) in the weights' precision: what layers add to it would be lost in bfloat16."""
        weight = self.readout.weight
        if self.embedding is None:
            return F.embedding(inputs.clamp(min=0), weight)
        return self.embedding(inputs).to(weight.dtype)  # type: ignore[no-any-return]

    def _layers(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]

    def _dropping(self) -> Drop | None:
        return self._drop if self.training and self.dropout > 0 else None

    def _drop(self, x: Tensor) -> Tensor:
        return self.dropped(x, self.dropout)


Stack.network = Stack  # what its settings are called stays when one stack takes another's place


def draw(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights of a module: matrices from N(0, 0.02^2), biases 0; norms keep theirs."""
    with torch.no_grad():
        for part in module.modules():
            for parameter in () if isinstance(part, NORMS) else part.parameters(recurse=False):
                if parameter.dim() > 1:
                    parameter.normal_(0, STD, generator=generator)
                else:
                    parameter.zero_()


def _dropped(x: Tensor, drop: Drop | None) -> Tensor:
    return x if drop is None else drop(x)
