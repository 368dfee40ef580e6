"""Encoder and decoder: one recurrent network reads a source, another writes, with attention or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State, hold
from seqlab.errors import SettingsError
from seqlab.models._base import SequenceModel
from seqlab.models._cell import Cell, Input, linear
from seqlab.models._contract import source_of
from seqlab.models._layers import Direction, Layers
from seqlab.models._padding import padding
from seqlab.models.attention._aligning import Alignment, Memory
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN

CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class EncoderDecoder(SequenceModel):
    """A source is read by an encoder; from where it ends, a decoder writes the answer.

        m(1), ..., m(S) = encoder(F s(1), ..., F s(S))          symbols are looked up
        d(t) = decoder(E u(t), d(t-1)),  d(0) = the end of the encoder
        y(t) = d(t), or what attention makes of it and m        see :class:`Alignment`
        o(t) = V y(t) + c

    Without attention all that the decoder knows of the source is the vector from which it starts: Sutskever,
    Vinyals & Le, "Sequence to sequence learning with neural networks", 2014; Cho et al., "Learning phrase
    representations using RNN encoder-decoder", 2014. With it, each step looks at all places of the source:
    Bahdanau, Cho & Bengio, "Neural machine translation by jointly learning to align and translate", 2015.

    A layer of the decoder starts where that of the encoder ends. With two directions there are two ends, of
    which a linear map, one for each layer and part of the state, makes one start.

    Initialisation: cells as they start by themselves; E and F from N(0, 1), or where E is the read-out's V,
    from N(0, 1/H); all else uniform in plus or minus 1 / sqrt(the width of what comes in).

    Args:
        spec: what is known of the task; it gives one source.
        cell: of both networks.
        hidden_size: units H of each layer, and the width of the embeddings E and F.
        layers: of the encoder, and of the decoder.
        bidirectional: whether the encoder has a second cell in each layer that reads from the end.
        attention: how places of the source are scored; ``none`` for no attention.
        reverse_source: whether the source is read from its end to its beginning (Sutskever et al. 2014).
        input_feeding: whether what attention made of a step goes into the next (Luong et al. 2015); answers
            are then read step by step in training, too, which takes longer.
        dropout: the share of numbers that training silences, of embeddings and of what layers give.
        tied: whether the read-out's V is the embedding E, transposed (Press & Wolf 2017).
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("tokens(time)",)
    needs_context: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Literal["rnn", "gru", "lstm"] = "gru",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        layers: Annotated[int, Field(ge=1, le=16)] = 1,
        bidirectional: bool = False,
        attention: Literal["none", "additive", "dot"] = "additive",
        reverse_source: bool = False,
        input_feeding: bool = False,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__(spec)
        _check(spec, tied=tied, fed_nothing=input_feeding and attention == "none")
        if bidirectional and reverse_source:
            raise SettingsError(
                "model.reverse_source is true, but model.bidirectional reads both ways.",
                hint="Set one of the two to false.",
            )
        self.source, signal = source_of("encoder-decoder", spec)
        self.dropout, self.input_feeding, H = dropout, input_feeding, hidden_size
        directions: list[Direction] = ["backwards" if reverse_source else "forwards"]
        if bidirectional:
            directions = ["forwards", "backwards"]
        self.reading = Input(signal.size, H, bias=False)
        self.encoder = Layers(CELLS[cell], H, H, layers, directions)
        self.embedding = None if tied else Input(spec.input_size, H, bias=False)
        self.decoder = Layers(CELLS[cell], 2 * H if input_feeding else H, H, layers)
        ends = layers * len(CELLS[cell].parts) if bidirectional else 0
        self.bridge = nn.ModuleList(linear(2 * H, H, bias=False) for _ in range(ends))
        width = H * len(directions)
        self.alignment = None if attention == "none" else Alignment(attention, width, H)
        self.readout = linear(H, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Read the source, (B, S).

        Returns:
            Of a model with attention its memory, with what attention made last where that is fed; then the
            state of the decoder, layer by layer.
        """
        source = context[self.source]
        x = self._drop(self.reading(source))
        places, ends = self.encoder(x, self.encoder.start(rows), padding(source), self._drop)
        starts = self._bridged(ends)
        if self.alignment is None:
            return starts
        memory = self.alignment.remember(places, source != PAD)
        fed = (places.new_zeros(rows, self.readout.in_features),) if self.input_feeding else ()
        return (*memory, *fed), *starts

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read what is written, from a state; see :meth:`SequenceModel.forward`."""
        _, told, end = self._decode(inputs, state)
        return self.readout(told), end

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return where in the source each step looks; see :meth:`SequenceModel.alignments`."""
        if self.alignment is None:
            return {}
        states, _, _ = self._decode(inputs, state)
        return {"attention": self.alignment.weights(states, Memory(*state[0][:3]))}

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: embeddings, encoder, decoder, the rest."""
        with torch.no_grad():
            for embedding in (self.reading, self.embedding):
                if embedding is not None:
                    embedding.weight.normal_(generator=generator)
            self.encoder.initialise(generator)
            self.decoder.initialise(generator)
            for part in (self.bridge, self.alignment, self.readout):
                for weight in () if part is None else part.parameters():
                    bound = weight.shape[-1] ** -0.5
                    weight.uniform_(-bound, bound, generator=generator)
            if self.embedding is None:
                self.readout.weight.normal_(0, self.readout.in_features**-0.5, generator=generator)

    def _decode(self, inputs: Tensor, state: State | None) -> tuple[Tensor, Tensor, State]:
        """Return the states d of the decoder, what attention makes of them, both (B, T, H), and the end."""
        assert state is not None, "start reads the source"
        x = self._drop(self._embed(inputs))
        if self.alignment is None:
            states, ends = self.decoder(x, state, padding(inputs), self._drop)
            return states, states, ends
        if self.input_feeding:
            return self._decode_by_step(x, inputs == PAD, state, self.alignment)
        states, ends = self.decoder(x, state[1:], padding(inputs), self._drop)
        return states, self.alignment(states, Memory(*state[0])), (state[0], *ends)

    def _decode_by_step(
        self, x: Tensor, held: Tensor, state: State, alignment: Alignment
    ) -> tuple[Tensor, Tensor, State]:
        """Do what :meth:`_decode` does, where each step is given what attention made of the one before."""
        (values, keys, there, fed), *parts = state
        states, told = [], []
        for x_t, held_t in zip(x.unbind(1), held.unbind(1), strict=True):
            given = torch.cat([x_t, fed.to(x_t.dtype)], -1)[:, None]
            found, new = self.decoder(given, tuple(parts), None, self._drop)
            made = alignment(found, Memory(values, keys, there))
            (fed,), *parts = (
                hold(held_t, old, now)
                for old, now in zip([(fed,), *parts], [(made[:, 0],), *new], strict=True)
            )
            states.append(found)
            told.append(made)
        return torch.cat(states, 1), torch.cat(told, 1), ((values, keys, there, fed), *parts)

    def _bridged(self, ends: State) -> State:
        """Return the start of the decoder, given where the encoder ends: of two ends in each layer one."""
        if not self.bridge:
            return ends
        maps = iter(self.bridge)
        return tuple(
            tuple(next(maps)(torch.cat(both, -1)).to(both[0].dtype) for both in zip(*layer, strict=True))
            for layer in zip(ends[::2], ends[1::2], strict=True)
        )

    def _embed(self, inputs: Tensor) -> Tensor:
        if self.embedding is not None:
            found: Tensor = self.embedding(inputs)
            return found
        scaled: Tensor = F.embedding(inputs.clamp(min=0), self.readout.weight) * self.readout.in_features**0.5
        return scaled

    def _drop(self, x: Tensor) -> Tensor:
        return self.dropped(x, self.dropout)


def _check(spec: Spec, *, tied: bool, fed_nothing: bool) -> None:
    """Refuse settings that do not fit the task or each other."""
    if tied and (spec.outputs, spec.input_size) != ("classes", spec.output_size):
        raise SettingsError(
            "model.tied is true, but what the task asks for are not the symbols that it gives.",
            hint="Set model.tied=false.",
        )
    if fed_nothing:
        raise SettingsError(
            "model.input_feeding is true, but without attention there is nothing to feed.",
            hint="Set model.input_feeding=false, or model.attention=additive.",
        )
