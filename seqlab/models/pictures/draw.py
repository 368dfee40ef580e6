"""DRAW: a picture is told step by step in a code, and drawn from it onto a canvas, patch by patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State, hold
from seqlab.errors import SettingsError
from seqlab.models._base import SequenceModel
from seqlab.models._cell import Input, linear
from seqlab.models._contract import source_of
from seqlab.models._layers import Layers
from seqlab.models.pictures._cells import CELLS, Gated
from seqlab.models.pictures._filters import NUMBERS, Filters, filters
from seqlab.models.pictures._noise import drawn_for, keys_of

Parts = tuple[Tensor, ...]


class Code(NamedTuple):
    """A normal distribution for each number of a code: mean, log of the standard deviation, (B, Z)."""

    mean: Tensor
    log_spread: Tensor

    def price(self) -> Tensor:
        """Return the Kullback-Leibler divergence from the standard normal distribution in nats, (B,).

        sum over numbers of  (m^2 + s^2 - 1) / 2 - log s
        """
        each = (self.mean.square() + (2 * self.log_spread).exp() - 1) / 2 - self.log_spread
        return each.sum(-1)


class Draw(SequenceModel):
    """A picture x is drawn in T steps from codes z(1) ... z(T) (Gregor et al. 2015).

        x'(t) = x - sigmoid(c(t-1))                                        what is still missing
        e(t) = cell([read(x, x'(t)); d(t-1); E u(t)], e(t-1))              the encoder
        z(t) ~ q(t) = N(M e(t) + m, exp(S e(t) + s)^2)
        d(t) = cell([z(t); E' u(t)], d(t-1))                               the decoder
        c(t) = c(t-1) + write(d(t))                                        the canvas; c(0) = 0

    The canvas holds the logits of pixels, which are the answer at each step. What is paid is the sum over the
    steps of KL(q(t) || N(0, 1)), so that with the loss of the last canvas it is an upper bound of minus log
    p(x) in nats. With attention, read and write see ``patch`` x ``patch`` Gaussian filters, of which d says
    where they are; without, all of the picture by linear maps. In one step without attention this is a
    variational autoencoder (Kingma & Welling 2014) whose layers are the two cells.

    The code of a picture that is judged is drawn, too: always the same of the same picture.

    Initialisation: the cells as they start by themselves; E from N(0, 1); all else uniform in plus or minus
    1 / sqrt(the width of what comes in); the filters' five numbers start from weights of 0.1 of that.

    Args:
        spec: what is known of the task; it gives one picture, whose pixels are the answer, as bits.
        cell: of encoder and decoder.
        hidden_size: units H of each.
        code: numbers of z at each step.
        attention: whether it reads and writes by patches.
        patch: filters N along each side.
        rising: updates in which the price of a code rises from nothing to all; else the decoder learns to do
            without it, and the code says nothing (Bowman et al. 2016).
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("features(row,column)",)
    needs_context: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Gated = "lstm",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        code: Annotated[int, Field(ge=1, le=4096)] = 10,
        attention: bool = True,
        patch: Annotated[int, Field(ge=1, le=1024)] = 5,
        rising: Annotated[int, Field(ge=0)] = 500,
    ) -> None:
        super().__init__(spec)
        self.picture, signal = source_of("draw", spec, such_as="digit-drawing")
        if spec.outputs != "bits":
            raise SettingsError(
                "The model draw answers with the pixels of the picture that it sees, as bits; this task "
                f"asks for {spec.outputs}.",
                hint="Use it with digit-drawing.",
            )
        self.attention, self.patch, H = attention, patch, hidden_size
        self.rising = self.early = rising
        self.features = signal.size
        seen = patch * patch * signal.size if attention else spec.output_size
        self.embedding = Input(spec.input_size, 2 * H, bias=False)
        self.encoder = Layers(CELLS[cell], 2 * seen + 2 * H, H, 1)
        self.decoder = Layers(CELLS[cell], code + H, H, 1)
        self.mean, self.log_spread = linear(H, code), linear(H, code)
        self.look_at = linear(H, NUMBERS) if attention else None
        self.draw_at = linear(H, NUMBERS) if attention else None
        self.stroke = linear(H, seen)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the picture, an empty canvas, what is paid, what noise needs; then the cells' states."""
        picture = context[self.picture]
        if picture[0].numel() != self.spec.output_size:
            raise SettingsError(
                f"The model draw draws the picture that it sees, of {picture[0].numel()} numbers; this task "
                f"asks for {self.spec.output_size}.",
                hint="Use it with digit-drawing.",
            )
        keys = keys_of(picture)
        first = picture, torch.zeros_like(picture), picture.new_zeros(rows), keys, torch.zeros_like(keys)
        return first, *self.encoder.start(rows), *self.decoder.start(rows)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Draw as often as there are symbols, from a state; see :meth:`SequenceModel.forward`."""
        assert state is not None, "start has the picture"
        drawn, _, end = self._draw(inputs, state)
        return drawn, end

    def paid(self, state: State) -> Tensor:
        """Return what the codes have cost; see :meth:`SequenceModel.paid`."""
        return state[0][2]

    def windows(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the filters of each step cover; nothing, without attention."""
        return self._draw(inputs, state)[1]

    def imagine(self, inputs: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Draw pictures from codes of N(0, 1); see :meth:`SequenceModel.imagine`."""
        embedded, (decoded,) = self.embedding(inputs).chunk(2, -1)[1], self.decoder.start(len(inputs))
        canvas, drawn = embedded.new_zeros(len(inputs), *size, self.features), []
        for x in embedded.unbind(1):
            z = torch.randn(len(inputs), self.mean.weight.shape[0], generator=generator).to(x)
            decoded, canvas, _ = self._paint(z, x, decoded, canvas)
            drawn.append(canvas.flatten(1))
        return torch.stack(drawn, 1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: embedding, encoder, decoder, the rest."""
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.encoder.initialise(generator)
            self.decoder.initialise(generator)
            for part in (self.mean, self.log_spread, self.stroke, self.look_at, self.draw_at):
                for weight in () if part is None else part.parameters():
                    bound = weight.shape[-1] ** -0.5
                    if part in (self.look_at, self.draw_at):
                        bound /= 10
                    weight.uniform_(-bound, bound, generator=generator)

    def _draw(self, inputs: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor], State]:
        """Return canvases as outputs (B, T, O), what was read and written, and the state at the end."""
        drawn, windows = [], dict[str, list[Tensor]]()
        for x, held in zip(self.embedding(inputs).unbind(1), (inputs == PAD).unbind(1), strict=True):
            new, seen = self._step(x, state)
            state = tuple(hold(held, was, now) for was, now in zip(state, new, strict=True))
            drawn.append(state[0][1].flatten(1))
            for name, where in seen.items():
                windows.setdefault(name, []).append(where)
        return torch.stack(drawn, 1), {key: torch.stack(parts, 1) for key, parts in windows.items()}, state

    def _step(self, x: Tensor, state: State) -> tuple[State, dict[str, Tensor]]:
        """Return the state after a step, and what was read and written in it."""
        (picture, canvas, paid, keys, steps), encoded, decoded = state
        to_encoder, to_decoder = x.chunk(2, -1)
        both = torch.cat([picture, picture - canvas.sigmoid()], -1)
        reading = self._filters(self.look_at, decoded[0], canvas)
        sight = (both if reading is None else reading.read(both)).flatten(1)
        heard = torch.cat([sight, decoded[0], to_encoder], -1)
        e, (encoded,) = self.encoder(heard[:, None], (encoded,), None, _all)
        code = Code(self.mean(e[:, 0]), self.log_spread(e[:, 0]))
        z = code.mean + code.log_spread.exp() * self._noise(keys, steps).to(code.mean)
        decoded, canvas, writing = self._paint(z, to_decoder, decoded, canvas)
        windows = {} if reading is None or writing is None else {"read": reading, "write": writing}
        new = (picture, canvas, paid + self._share() * code.price(), keys, steps + 1), encoded, decoded
        return new, {name: where.windows() for name, where in windows.items()}

    def _paint(
        self, z: Tensor, x: Tensor, decoded: Parts, canvas: Tensor
    ) -> tuple[Parts, Tensor, Filters | None]:
        """Return the decoder's state and the canvas after a code, and where it was painted."""
        d, (new,) = self.decoder(torch.cat([z, x], -1)[:, None], (decoded,), None, _all)
        stroke = self.stroke(d[:, 0])
        writing = self._filters(self.draw_at, d[:, 0], canvas)
        if writing is None:
            return new, canvas + stroke.view_as(canvas), None
        patch = stroke.view(len(canvas), self.patch, self.patch, self.features)
        return new, canvas + writing.write(patch), writing

    def _filters(self, says: nn.Module | None, h: Tensor, canvas: Tensor) -> Filters | None:
        """Return where filters are on a picture of the canvas's size; None without attention."""
        return None if says is None else filters(says(h), (canvas.shape[1], canvas.shape[2]), self.patch)

    def _share(self) -> float:
        """Return what share of its price a code costs: less than all at first, in training."""
        rising = self.training and self.updates < self.rising
        return (self.updates + 1) / (self.rising + 1) if rising else 1.0

    def _noise(self, keys: Tensor, steps: Tensor) -> Tensor:
        """Return what a code is drawn with, (B, Z)."""
        size = self.mean.weight.shape[0]
        if self.training:
            return torch.randn(len(keys), size, device=self.noise.device, generator=self.noise)
        return drawn_for(keys, steps, size, torch.randn)


def _all(x: Tensor) -> Tensor:
    """Drop nothing."""
    return x
