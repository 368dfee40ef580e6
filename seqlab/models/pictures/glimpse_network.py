"""Glimpse network: it sees a picture through small patches, and chooses where to look next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, State, hold
from seqlab.errors import SettingsError
from seqlab.models._base import Judge, SequenceModel
from seqlab.models._cell import Input, linear
from seqlab.models._choosing import reinforced, unshown
from seqlab.models._contract import source_of
from seqlab.models._layers import Layers
from seqlab.models.pictures._cells import CELLS, Gated
from seqlab.models.pictures._noise import drawn_for, keys_of
from seqlab.models.pictures._patches import patches, windows


class Path(NamedTuple):
    """Where each step looked, and what teaches to look.

    Attributes:
        places: (B, T, 2), row and column from -1 to 1.
        log_probs: (B, T), of the places that were drawn; 0 where there is padding.
        expected: (B, T), the reward that was expected before the look.
    """

    places: Tensor
    log_probs: Tensor
    expected: Tensor


class GlimpseNetwork(SequenceModel):
    """A recurrent network that at each step sees patches about one point of a picture, and no more.

        m(t) = tanh(W_l h(t-1) + b_l)                     row and column, from -1 to 1
        l(t) ~ N(m(t), spread^2) in training, m(t) afterwards
        g(t) = relu(W_1 relu(W_p patches(l(t))) + W_2 relu(W_w l(t)) + E u(t))
        h(t) = cell(g(t), h(t-1))
        o(t) = V h(t) + c

    What is drawn has no gradient: where to look is learned by REINFORCE, which teaches W_l and all behind h.
    With p(t) the probability of the right answer after look t, a look gains r(t), and what is to be gained is
    expected by a baseline b(t) that is itself learned, by squared error:

        r(t) = p(t) - p(t-1) + discount r(t+1)
        b(t) = w h(t-1) + v

    With ``discount=1`` that is the last answer's probability less the one before the look; the less it is,
    the more a look is taught by its own answer, with less noise. (Mnih et al., "Recurrent models of visual
    attention", 2014, who reward the last answer alone, with 1 if it is right.)

    With ``looking=random`` l(t) is anywhere in the picture alike; of a picture that is judged, always at the
    same places.

    Initialisation: the cell as it starts by itself; E from N(0, 1); biases 0, so that the first look is at
    the middle; all else uniform in plus or minus 1 / sqrt(the width of what comes in).

    Args:
        spec: what is known of the task; it gives one picture, and its answers are classes.
        cell: of the network.
        hidden_size: its units H, and the width of what is seen.
        looking: who says where.
        patch: the width of a patch.
        scales: how many patches there are, each of them coarser than the one before it.
        zoom: by how much it covers more, along both axes; the paper has 2.
        spread: of the places that are drawn in training, half a picture being 1.
        discount: of what later looks gain.
        dropout: the share of numbers that training silences, of what is read out.
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("features(row,column)",)
    needs_context: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Gated = "gru",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        looking: Literal["learned", "random"] = "learned",
        patch: Annotated[int, Field(ge=1, le=1024)] = 8,
        scales: Annotated[int, Field(ge=1, le=8)] = 2,
        zoom: Annotated[int, Field(ge=2, le=16)] = 4,
        spread: Annotated[float, Field(gt=0, le=10)] = 0.3,
        discount: Annotated[float, Field(ge=0, le=1)] = 0.25,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(spec)
        self.picture, signal = source_of("glimpse-network", spec, such_as="digit-glimpses")
        if spec.outputs != "classes":
            raise SettingsError(
                "The model glimpse-network learns where to look from answers that are right or wrong; this "
                f"task asks for {spec.outputs}.",
                hint="Use it with digit-glimpses, or another task whose answers are classes.",
            )
        self.looking, self.patch, self.scales, self.zoom = looking, patch, scales, zoom
        self.spread, self.discount, self.dropout, H = spread, discount, dropout, hidden_size
        self.embedding = Input(spec.input_size, H, bias=False)
        self.see = linear(scales * patch * patch * signal.size, H)
        self.place = linear(2, H)
        self.both = linear(2 * H, H)
        self.core = Layers(CELLS[cell], H, H, 1)
        self.locate = linear(H, 2)
        self.expect = linear(H, 1)
        self.readout = linear(H, spec.output_size)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the picture, its key and how often it has been looked at; then the state of the cell."""
        picture = context[self.picture]
        keys = keys_of(picture)
        return (picture, keys, torch.zeros_like(keys)), *self.core.start(rows)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Look as often as there are symbols, from a state; see :meth:`SequenceModel.forward`."""
        assert state is not None, "start has the picture"
        outputs, _, end = self._look(inputs, state)
        return outputs, end

    def windows(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the patches of each step cover."""
        centres = _in_pixels(self._look(inputs, state)[1].places, state[0][0])
        return {"glimpse": windows(centres, self.patch, self.scales, self.zoom)}

    def learn(self, task: Judge, batch: Batch) -> Tensor | None:
        """Return the task's loss with what teaches to look, where that is learned."""
        if self.looking == "random":
            return None
        outputs, path, _ = self._look(batch.inputs, self.start(batch.context, len(batch.inputs)))
        beyond = _gains(outputs, batch, self.discount) - path.expected  # (B, T)
        looking = reinforced(path.log_probs, beyond) + unshown(beyond.square().mean())
        return task.loss(outputs, batch) + looking

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: embedding, cell, the rest."""
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.core.initialise(generator)
            for part in (self.see, self.place, self.both, self.locate, self.expect, self.readout):
                bound = part.weight.shape[1] ** -0.5
                part.weight.uniform_(-bound, bound, generator=generator)
                part.bias.zero_()

    def _look(self, inputs: Tensor, state: State) -> tuple[Tensor, Path, State]:
        """Return outputs (B, T, O), where it looked, and the state at the end."""
        (picture, keys, looks), *cells = state
        told, path = [], list[Path]()
        for x, held in zip(self.embedding(inputs).unbind(1), (inputs == PAD).unbind(1), strict=True):
            h = cells[0][0]
            place, log_prob = self._choose(h, keys, looks)
            seen = self._seen(picture, place) + x
            _, new = self.core(F.relu(seen)[:, None], tuple(cells), None, self._drop)
            cells = [hold(held, old, now) for old, now in zip(cells, new, strict=True)]
            looks = looks + ~held
            told.append(self.readout(self._drop(cells[0][0])))
            path.append(
                Path(
                    place,
                    log_prob.masked_fill(held, 0),
                    self.expect(h.detach() if self.training else h)[:, 0],
                )
            )
        whole = Path(*(torch.stack(parts, 1) for parts in zip(*path, strict=True)))
        return torch.stack(told, 1), whole, ((picture, keys, looks), *cells)

    def _choose(self, h: Tensor, keys: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
        """Return where to look, (B, 2), and the logarithm of its density, (B,); 0 where none is drawn."""
        nothing = h.new_zeros(len(h))
        if self.looking == "random":
            if self.training:
                drawn = torch.rand(len(h), 2, device=self.noise.device, generator=self.noise).to(h.device)
            else:
                drawn = drawn_for(keys, looks, 2, torch.rand)
            return (2 * drawn - 1).to(h.dtype), nothing
        mean = torch.tanh(self.locate(h))
        if not self.training:
            return mean, nothing
        aside = torch.randn(mean.shape, device=self.noise.device, generator=self.noise)
        place = (mean + self.spread * aside.to(mean.device, mean.dtype)).detach()
        apart = ((place - mean) / self.spread).square().sum(-1)
        return place, -apart / 2 - 2 * math.log(self.spread * math.sqrt(2 * math.pi))

    def _seen(self, picture: Tensor, place: Tensor) -> Tensor:
        """Return what a look at a place (B, 2) shows, (B, H), before it is rectified."""
        centres = _in_pixels(place, picture)
        found = patches(picture, centres, self.patch, self.scales, self.zoom).flatten(1)
        both: Tensor = self.both(torch.cat([F.relu(self.see(found)), F.relu(self.place(place))], -1))
        return both

    def _drop(self, x: Tensor) -> Tensor:
        return self.dropped(x, self.dropout)


def _in_pixels(places: Tensor, picture: Tensor) -> Tensor:
    """Return places (..., 2), from -1 to 1 in the middles of the outermost pixels, in pixels of a picture."""
    return (places + 1) / 2 * (places.new_tensor(picture.shape[1:3]) - 1)


def _gains(outputs: Tensor, batch: Batch, discount: float) -> Tensor:
    """Return what each look gains, (B, T): how much more probable right answers become by it and later.

    p(t) - p(t-1) + discount  g(t+1)            p: of the right answer, where it counts; else as before
    """
    selected, targets = batch.select(outputs.detach())
    right = selected.softmax(-1).gather(-1, targets[:, None])[:, 0]
    counts = torch.ones_like(batch.inputs, dtype=torch.bool) if batch.mask is None else batch.mask
    probable = outputs.new_zeros(counts.shape)
    probable[counts] = right
    gains, before = [], torch.zeros_like(probable[:, 0])
    for now, count in zip(probable.unbind(1), counts.unbind(1), strict=True):
        now = torch.where(count, now, before)
        gains.append(now - before)
        before = now
    for step in reversed(range(len(gains) - 1)):
        gains[step] = gains[step] + discount * gains[step + 1]
    return torch.stack(gains, 1)
