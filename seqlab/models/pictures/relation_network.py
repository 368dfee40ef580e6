"""Relation network: it answers questions about a picture by looking at its places in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Batch, Spec, State
from seqlab.models._base import Judge, SequenceModel
from seqlab.models._cell import Input, linear
from seqlab.models._contract import source_of
from seqlab.models._layers import Layers
from seqlab.models._padding import padding
from seqlab.models.pictures._grid import Grid
from seqlab.models.recurrent.gru import GRU

STRIDES = (1, 2, 2, 2)
"""Of the convolutions: the grid has an eighth of the picture's rows and columns, since pairs are many."""


class RelationNetwork(SequenceModel):
    """A grid of places m(s) is made of a picture; a question is read by a GRU; pairs of places are related.

        h(t) = GRU(E u(t), h(t-1))
        p(s, s', t) = relu(W m(s) + W' m(s') + W_h h(t) + b)
        g(s, s', t) = relu(G_k ... relu(G_1 p))                        k + 1 layers in all
        r(t) = 1 / S  sum over s and s' of  g(s, s', t)                S places
        o(t) = V relu(F r(t) + f) + c

    (Santoro et al. 2017; the mean over one of the two places keeps r from growing with the picture.) Every
    step is answered, but in training only those are computed that are asked for.

    Initialisation: see :class:`Grid`; the GRU as it starts by itself; E from N(0, 1); G, F from
    N(0, 2 / what comes in), with biases 0; all else uniform in plus or minus 1 / sqrt(what comes in).

    Args:
        spec: what is known of the task; it gives one picture.
        hidden_size: units H of everything.
        channels: of the first convolution.
        layers: of g.
        dropout: the share of numbers that training silences, of F r.
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("features(row,column)",)
    needs_context: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 64,
        channels: Annotated[int, Field(ge=1, le=4096)] = 16,
        layers: Annotated[int, Field(ge=1, le=16)] = 3,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(spec)
        self.picture, signal = source_of("relation-network", spec, such_as="picture-questions")
        self.dropout, H = dropout, hidden_size
        self.grid = Grid(signal.size, channels, H, STRIDES)
        self.embedding = Input(spec.input_size, H, bias=False)
        self.reader = Layers(GRU, H, H, 1)
        self.one = linear(H, H, bias=False)
        self.other = linear(H, H, bias=False)
        self.asked = linear(H, H)
        self.relate = nn.ModuleList(linear(H, H) for _ in range(layers - 1))
        self.gather = linear(H, H)
        self.readout = linear(H, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return W m(s) and W' m(s) of the places of the picture, (B, S, H); then the state of the GRU."""
        places = self.grid(context[self.picture]).flatten(1, 2)
        return (self.one(places), self.other(places)), *self.reader.start(rows)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a question, and answer at each step; see :meth:`SequenceModel.forward`."""
        h, end = self._read(inputs, state)
        one, other = end[0]
        answers = [self._answer(one, other, asked) for asked in h.unbind(1)]  # step by step: pairs are many
        return torch.stack(answers, 1), end

    def learn(self, task: Judge, batch: Batch) -> Tensor | None:
        """Return the task's loss of those steps that are asked for."""
        if batch.mask is None:
            return None
        h, ((one, other), *_) = self._read(batch.inputs, self.start(batch.context, len(batch.inputs)))
        rows, _ = batch.mask.nonzero(as_tuple=True)
        answers = self._answer(one[rows], other[rows], h[batch.mask])
        outputs = answers.new_zeros(*batch.inputs.shape[:2], answers.shape[-1])
        return task.loss(outputs.index_put(batch.mask.nonzero(as_tuple=True), answers), batch)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: grid, embedding, GRU, the rest."""
        self.grid.initialise(generator)
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.reader.initialise(generator)
            for part in (self.one, self.other, self.asked, self.readout):
                for weight in part.parameters():
                    bound = weight.shape[-1] ** -0.5
                    weight.uniform_(-bound, bound, generator=generator)
            for layer in (*self.relate, self.gather):
                weight, bias = layer.parameters()
                weight.normal_(0, (2 / weight.shape[1]) ** 0.5, generator=generator)
                bias.zero_()

    def _read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Return h of each step, (B, T, H), and the state at the end."""
        assert state is not None, "start sees the picture"
        pairs, *cells = state
        h, ends = self.reader(self.embedding(inputs), tuple(cells), padding(inputs), lambda x: x)
        return h, (pairs, *ends)

    def _answer(self, one: Tensor, other: Tensor, h: Tensor) -> Tensor:
        """Return the answers (N, O) to questions h (N, H) about places (N, S, H)."""
        pairs = F.relu(one[:, :, None] + (other + self.asked(h)[:, None])[:, None])  # (N, S, S, H)
        for layer in self.relate:
            pairs = F.relu(layer(pairs))
        gathered = F.relu(self.gather(pairs.sum((1, 2)) / one.shape[1]))
        answers: Tensor = self.readout(self.dropped(gathered, self.dropout))
        return answers
