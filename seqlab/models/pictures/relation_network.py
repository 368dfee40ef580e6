"""Relation network: it answers questions about a picture by relating its places to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

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

STRIDES = {"all": (1, 2, 2, 2), "asked": (1, 2, 2)}
"""Of the convolutions: where all pairs are related, the grid has an eighth of the rows and columns of the
picture, since pairs are many; else a quarter."""


class RelationNetwork(SequenceModel):
    """A grid of places m(s) is made of a picture; a question is read by a GRU; places are related in pairs.

    In the paper (Santoro et al. 2017), with ``relates`` at ``all``, every place with every other:

        h(t) = GRU(E u(t), h(t-1))
        p(s, s', t) = relu(W m(s) + W' m(s') + W_h h(t) + b)
        g(s, s', t) = relu(G_k ... relu(G_1 p))                        k + 1 layers in all
        r(t) = 1 / S  sum over s and s' of  g(s, s', t)                S places
        o(t) = V relu(F r(t) + f) + c

    (The mean over one of the two places keeps r from growing with the picture.) With ``asked``, every place
    with the one that is asked about, which attention finds; x(s) is where a place is:

        a(s, t) = softmax over s of  K m(s) . Q h(t) / sqrt(H)         which is asked about
        m*(t), x*(t) = sum over s of  a(s, t) m(s), a(s, t) x(s)
        d(s, t) = [x(s) - x*(t); |x(s) - x*(t)|^2]
        p(s, t) = relu(W m(s) + W' m*(t) + D d(s, t) + W_h h(t) + b)
        b(s, t) = softmax over s of  w . g(s, t)                       which stands to it as is asked
        r(t) = [1 / S sum over s of g(s, t);  sum over s of  b(s, t) m(s)]

    Every step is answered, but in training only those are computed that are asked for.

    Initialisation: see :class:`Grid`; the GRU as it starts by itself; E from N(0, 1); all else
    from N(0, 2 / what comes in), biases uniform in plus or minus 1 / sqrt(what comes in).

    Args:
        spec: what is known of the task; it gives one picture.
        relates: which pairs of places.
        hidden_size: units H of everything.
        channels: of the first convolution.
        layers: of g.
        norm: whether the channels of the convolutions are normalised over a batch.
        dropout: the share of numbers that training silences, of F r.
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("features(row,column)",)
    needs_context: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        relates: Literal["all", "asked"] = "asked",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 64,
        channels: Annotated[int, Field(ge=1, le=4096)] = 24,
        layers: Annotated[int, Field(ge=1, le=16)] = 3,
        norm: bool = True,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(spec)
        self.picture, signal = source_of("relation-network", spec, such_as="picture-questions")
        self.relates, self.dropout, H = relates, dropout, hidden_size
        self.grid = Grid(signal.size, channels, H, STRIDES[relates], norm=norm)
        self.embedding = Input(spec.input_size, H, bias=False)
        self.reader = Layers(GRU, H, H, 1)
        self.one = linear(H, H, bias=False)
        self.other = linear(H, H, bias=False)
        self.asked = linear(H, H)
        self.relate = nn.ModuleList(linear(H, H) for _ in range(layers - 1))
        self.gather = linear(H if relates == "all" else 2 * H, H)
        self.readout = linear(H, spec.output_size)
        if relates == "asked":
            self.key, self.query = linear(H, H, bias=False), linear(H, H, bias=False)
            self.apart, self.stands = linear(3, H, bias=False), linear(H, 1, bias=False)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return what is known of the places of the picture, (B, S, H) each; then the state of the GRU.

        It is W m(s) and W' m(s); or m(s), K m(s), W m(s), and x(s), which is (B, S, 2).
        """
        grid = self.grid(context[self.picture])
        places = grid.flatten(1, 2)
        if self.relates == "all":
            return (self.one(places), self.other(places)), *self.reader.start(rows)
        where = Grid.where(grid).flatten(0, 1).repeat(rows, 1, 1)
        return (places, self.key(places), self.one(places), where), *self.reader.start(rows)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a question, and answer at each step; see :meth:`SequenceModel.forward`."""
        h, end = self._read(inputs, state)
        answers = [self._answer(end[0], asked) for asked in h.unbind(1)]  # step by step: pairs are many
        return torch.stack(answers, 1), end

    def learn(self, task: Judge, batch: Batch) -> Tensor | None:
        """Return the task's loss of those steps that are asked for."""
        if batch.mask is None:
            return None
        h, (places, *_) = self._read(batch.inputs, self.start(batch.context, len(batch.inputs)))
        rows, _ = batch.mask.nonzero(as_tuple=True)
        answers = self._answer(tuple(part[rows] for part in places), h[batch.mask])
        outputs = answers.new_zeros(*batch.inputs.shape[:2], answers.shape[-1])
        return task.loss(outputs.index_put(batch.mask.nonzero(as_tuple=True), answers), batch)

    def alignments(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        """Return which place is asked about, and which stands to it as is asked: a and b, (B, T, S)."""
        if self.relates == "all":
            return {}
        h, end = self._read(inputs, state)
        looks = [self._relate(end[0], asked)[:2] for asked in h.unbind(1)]
        names = ("the place asked about", "the place that stands to it so")
        return {
            name: torch.stack(look, 1) for name, look in zip(names, zip(*looks, strict=True), strict=True)
        }

    def centres(self, rows: int, columns: int) -> Sequence[tuple[int, int]]:
        """Return the pixels that the places of the grid are centred on; see :meth:`SequenceModel.centres`."""
        return Grid.centres(rows, columns)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: grid, embedding, GRU, the rest."""
        self.grid.initialise(generator)
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.reader.initialise(generator)
            layers = [self.one, self.other, self.asked, *self.relate, self.gather, self.readout]
            if self.relates == "asked":
                layers += [self.key, self.query, self.apart, self.stands]
            for layer in layers:
                weight, *biases = layer.parameters()
                weight.normal_(0, (2 / weight.shape[1]) ** 0.5, generator=generator)
                for bias in biases:
                    bound = weight.shape[1] ** -0.5
                    bias.uniform_(-bound, bound, generator=generator)

    def _read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Return h of each step, (B, T, H), and the state at the end."""
        assert state is not None, "start sees the picture"
        places, *cells = state
        h, ends = self.reader(self.embedding(inputs), tuple(cells), padding(inputs), lambda x: x)
        return h, (places, *ends)

    def _answer(self, places: tuple[Tensor, ...], h: Tensor) -> Tensor:
        """Return the answers (N, O) to questions h (N, H) about places, of N rows each."""
        if self.relates == "all":
            one, other = places
            pairs = one[:, :, None] + (other + self.asked(h)[:, None])[:, None]  # (N, S, S, H)
            related = self._through(pairs).sum((1, 2)) / one.shape[1]
        else:
            _, found, g = self._relate(places, h)
            related = torch.cat([g.mean(1), (found[:, None] @ places[0]).squeeze(1)], -1)
        gathered = F.relu(self.gather(related))
        answers: Tensor = self.readout(self.dropped(gathered, self.dropout))
        return answers

    def _relate(self, places: tuple[Tensor, ...], h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a and b, (N, S), and g, (N, S, H), of questions h (N, H)."""
        m, key, one, where = places
        asked = (key @ self.query(h)[:, :, None]).squeeze(2).div(h.shape[1] ** 0.5).softmax(1)
        it, at = asked[:, None] @ m, asked[:, None] @ where  # (N, 1, H), (N, 1, 2)
        away = where - at
        apart = torch.cat([away, away.square().sum(-1, keepdim=True)], -1)
        g = self._through(one + self.other(it) + self.apart(apart) + self.asked(h)[:, None])
        return asked, self.stands(g).squeeze(-1).softmax(1), g

    def _through(self, sums: Tensor) -> Tensor:
        """Return g of the sums in p."""
        for layer in self.relate:
            sums = layer(F.relu(sums))
        return F.relu(sums)
