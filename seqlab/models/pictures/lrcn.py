"""LRCN: convolutions look at each frame by itself, a recurrent network reads what they make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Spec
from seqlab.models._cell import linear
from seqlab.models._recurrent import Recurrent
from seqlab.models.pictures._cells import CELLS, Gated
from seqlab.models.pictures._grid import Grid


class LRCN(Recurrent):
    """Each frame is made into a grid of features, and these into a vector that a cell reads.

        v(t) = relu(P [m(1); ...; m(S)] + q)          m the grid of frame t, see :class:`Grid`
        h(t) = cell(v(t), h(t-1))
        o(t) = V h(t) + c

    Where the features of a step are no frame, they are taken for one of a single row. Donahue et al.,
    "Long-term recurrent convolutional networks for visual recognition and description", 2015; here the
    convolutions are learned with the rest, from nothing.

    Initialisation: that of the grid; P and q uniform in plus or minus 1 / sqrt(the width of what comes in);
    the network as it starts by itself.

    Args:
        spec: what is known of the task; ``frame`` says how many rows and columns there are.
        cell: of the network that reads.
        hidden_size: its units H, and the width of v.
        channels: of the first convolution.
        places: features M of each place of the grid.
        dropout: the share of numbers that training silences, of v and of what is read out.
    """

    reads: ClassVar[tuple[str, ...]] = ("features",)

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Gated = "lstm",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        channels: Annotated[int, Field(ge=1, le=4096)] = 16,
        places: Annotated[int, Field(ge=1, le=65536)] = 32,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(
            CELLS[cell],
            replace(spec, input_size=hidden_size, frame=None),
            hidden_size=hidden_size,
            dropout=dropout,
        )
        self.spec, self.frame = spec, spec.frame or (1, spec.input_size)
        self.grid = Grid(1, channels, places)
        self.whole = linear(places * len(Grid.centres(*self.frame)), hidden_size)

    @property
    def embeds(self) -> bool:
        """Whether what is read becomes a vector first: it does."""
        return True

    def embed(self, inputs: Tensor) -> Tensor:
        """Return v, (B, T, H), of frames (B, T, R C)."""
        frames = inputs.reshape(-1, *self.frame, 1)
        seen = torch.relu(self.whole(self.grid(frames).flatten(1)))
        return self.dropped(seen.reshape(*inputs.shape[:2], -1), self.dropout)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: grid, P and q, the network."""
        self.grid.initialise(generator)
        with torch.no_grad():
            for weight in self.whole.parameters():
                bound = self.whole.in_features**-0.5
                weight.uniform_(-bound, bound, generator=generator)
        super().initialise(generator)
