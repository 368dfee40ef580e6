"""Captioner: a convolutional network sees a picture, a recurrent one describes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Batch, Spec, State, hold
from seqlab.errors import SettingsError
from seqlab.models._base import Judge, SequenceModel
from seqlab.models._cell import Input, linear
from seqlab.models._choosing import reinforced
from seqlab.models._contract import source_of
from seqlab.models._layers import Layers
from seqlab.models._padding import padding
from seqlab.models.attention._aligning import Additive, Memory
from seqlab.models.pictures._cells import CELLS, Gated
from seqlab.models.pictures._grid import Grid

POOLED = 36
"""Places to which a grid is averaged where all of a picture goes into one vector."""


BASELINE = 0.1
"""By how much of the way the baseline of rewards follows them at each update."""


class Looked(NamedTuple):
    """What came of reading with a look at the grid before each step.

    Attributes:
        told: tanh(W_c [z; h]), (B, T, H).
        logs: log a, (B, T, S).
        chosen: the place of each step, (B, T), where one is chosen.
        end: the state at the end.
    """

    told: Tensor
    logs: Tensor
    chosen: Tensor | None
    end: State


class Captioner(SequenceModel):
    """A picture is made into a grid of features m(s), and a recurrent network writes what it shows.

    With soft attention each step looks at the grid before it is taken (Xu et al., "Show, attend and tell",
    2015), its scores those of Bahdanau et al. 2015:

        a(t, s) = softmax over the places s of  v' tanh(W h(t-1) + U m(s))
        z(t) = sum over s of  a(t, s) m(s)
        h(t) = cell([E u(t); z(t)], h(t-1))
        o(t) = V tanh(W_c [z(t); h(t)]) + c

    and h(0) is made of the mean of the grid. With hard attention z(t) is m(s) of one place, drawn from a in
    training and the likeliest otherwise, and where to look is learned by REINFORCE with a moving baseline b
    and the entropy H of a:

        r(t) = sum over the words y(t') from t on of  log p(y(t'))
        gradient of  log p(y) + sum over t of  (r(t) - b n(t)) log a(t, s(t)) + lambda_e H(a(t))

    where n(t) words are left and b is the mean of log p(y(t)) in the batches before. Xu et al. reward each
    choice with log p of the whole caption; what was written before cannot depend on it. And they look softly
    in every second batch; here the first updates are soft, until the grid tells what there is to be seen.

    Without attention the picture is one vector v, the grid averaged to 36 places in rows and columns that
    suit its form, and what the cell reads has a map of it added (CS231n-10):

        h(t) = cell(E u(t) + W_ih v, h(t-1))                at every step, or at the first step only
        o(t) = V h(t) + c

    Initialisation: see :class:`Grid`; the cell as it starts by itself; E from N(0, 1); all else uniform in
    plus or minus 1 / sqrt(the width of what comes in).

    Args:
        spec: what is known of the task; it gives one picture.
        cell: of the network that writes.
        hidden_size: its units H, and the width of E and of m.
        channels: of the first convolution.
        attention: how the picture is seen.
        entropy: lambda_e, of hard attention.
        soft_updates: how many updates hard attention is soft at first.
        dropout: the share of numbers that training silences, of the grid and of what is read out.
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("features(row,column)",)
    needs_context: ClassVar[bool] = True
    baseline: Tensor

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Gated = "lstm",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 128,
        channels: Annotated[int, Field(ge=1, le=4096)] = 16,
        attention: Literal["soft", "hard", "none-every-step", "none-first-step"] = "soft",
        entropy: Annotated[float, Field(ge=0)] = 0.01,
        soft_updates: Annotated[int, Field(ge=0)] = 1500,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(spec)
        self.picture, signal = source_of("captioner", spec, such_as="digit-captions")
        self.attention, self.dropout, H = attention, dropout, hidden_size
        self.entropy, looks = entropy, attention in ("soft", "hard")
        self.soft_updates, self.early = soft_updates, soft_updates if attention == "hard" else 0
        if attention == "hard":
            self._prepare_to_choose(spec)
        self.grid = Grid(signal.size, channels, H)
        self.embedding = Input(spec.input_size, H, bias=False)
        self.decoder = Layers(CELLS[cell], 2 * H if looks else H, H, 1)
        self.score = Additive(H, H) if looks else None
        self.begin = nn.ModuleList(linear(H, H) for _ in CELLS[cell].parts) if looks else None
        self.combine = linear(2 * H, H, bias=False) if looks else None
        self.whole = None if looks else linear(POOLED * H, H)
        self.readout = linear(H, spec.output_size)

    def _prepare_to_choose(self, spec: Spec) -> None:
        """Have a baseline, of a model whose attention is hard."""
        if spec.outputs != "classes":
            raise SettingsError(
                f"model.attention is hard, which learns from how likely classes are, not {spec.outputs}.",
                hint="Set model.attention=soft.",
            )
        self.register_buffer("baseline", torch.zeros(()))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """See the picture, (B, R, C, features).

        Returns:
            With attention the places of the grid, row by row, with their keys, and without W_ih v; then the
            state of the cell.
        """
        grid = self._drop(self.grid(context[self.picture]))
        if self.score is None or self.begin is None:
            assert self.whole is not None
            pooled = F.adaptive_avg_pool2d(grid.movedim(-1, 1), pooled_form(*grid.shape[1:3])).flatten(1)
            return (self.whole(pooled).to(grid.dtype),), *self.decoder.start(rows)
        values = grid.flatten(1, 2)  # (B, S, H)
        mean = values.mean(1)
        first = tuple(torch.tanh(part(mean)).to(values.dtype) for part in self.begin)
        there = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        return (*Memory(values, self.score.key(values).to(values.dtype), there),), first

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read what is written, from a state; see :meth:`SequenceModel.forward`."""
        assert state is not None, "start sees the picture"
        if self.score is None:
            return self._given_whole(inputs, state)
        looked = self._looked(inputs, state)
        return self.readout(self._drop(looked.told)), looked.end

    def learn(self, task: Judge, batch: Batch) -> Tensor | None:
        """Return the loss of a batch where places are chosen; see :meth:`SequenceModel.learn`."""
        if self.attention != "hard":
            return None
        start = self.start(batch.context, len(batch.inputs))
        looked = self._looking(batch.inputs, start, chooses=self.updates >= self.soft_updates)
        outputs = self.readout(self._drop(looked.told))
        loss = task.loss(outputs, batch)
        return loss if looked.chosen is None else loss + self._taught(looked, looked.chosen, outputs, batch)

    def _taught(self, looked: Looked, chosen: Tensor, outputs: Tensor, batch: Batch) -> Tensor:
        """Return a term that is 0, and whose gradient teaches where to look; the baseline moves on."""
        counts = torch.ones_like(batch.inputs).bool() if batch.mask is None else batch.mask
        selected, targets = batch.select(outputs)
        rewards = torch.zeros_like(outputs[..., 0])  # (B, T)
        rewards[counts] = -F.cross_entropy(selected, targets, reduction="none").detach()
        advantage = _from_here_on(rewards) - self.baseline * _from_here_on(counts.to(rewards.dtype))
        words = counts.sum()
        self.baseline.lerp_(rewards.sum() / words, BASELINE)
        logs = looked.logs.gather(2, chosen[..., None])[..., 0] * (batch.inputs != PAD)
        undecided = -((looked.logs.exp() * looked.logs).sum(-1) * counts).sum() / words
        taught = reinforced(logs, advantage) * (len(counts) / words)
        return taught - self.entropy * (undecided - undecided.detach())

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return where each step looks, over the places of the grid row by row."""
        return {} if self.score is None else {"attention": self._looked(inputs, state).logs.exp()}

    def centres(self, rows: int, columns: int) -> list[tuple[int, int]]:
        """Return the pixel that each place of the grid is centred on; see :meth:`SequenceModel.centres`."""
        return self.grid.centres(rows, columns)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: grid, embedding, cell, the rest."""
        self.grid.initialise(generator)
        if self.attention == "hard":
            self.baseline.fill_(-math.log(self.spec.output_size))
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.decoder.initialise(generator)
            for part in (self.score, self.begin, self.combine, self.whole, self.readout):
                for weight in () if part is None else part.parameters():
                    bound = weight.shape[-1] ** -0.5
                    weight.uniform_(-bound, bound, generator=generator)

    def _given_whole(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Read with the picture as one vector, which is added at every step or at the first one."""
        (seen,), *parts = state
        x, there = self.embedding(inputs), inputs != PAD
        if self.attention == "none-every-step":
            given, left = there, seen
        else:
            given = there & (there.cumsum(1) == 1)
            left = seen.masked_fill(there.any(1)[:, None], 0)
        x = x + given[..., None] * seen.to(x.dtype)[:, None]
        h, ends = self.decoder(x, tuple(parts), padding(inputs), self._drop)
        return self.readout(h), ((left,), *ends)

    def _looked(self, inputs: Tensor, state: State) -> Looked:
        return self._looking(inputs, state, chooses=self.attention == "hard")

    def _looking(self, inputs: Tensor, state: State, *, chooses: bool) -> Looked:
        """Read step by step, each of which looks at the grid first: at a place that it chooses, or at all."""
        assert self.score is not None
        assert self.combine is not None
        (values, keys, there), *parts = state
        seen, logs, chosen, states = [], [], [], []
        for x, held in zip(self.embedding(inputs).unbind(1), (inputs == PAD).unbind(1), strict=True):
            logs.append(self.score(parts[0][0][:, None], keys).log_softmax(-1))  # (B, 1, S)
            looks = logs[-1].exp()
            if chooses:
                chosen.append(self._choose(looks[:, 0]))
                looks = F.one_hot(chosen[-1], looks.shape[-1])[:, None]
            seen.append((looks.to(values.dtype) @ values).to(x.dtype))
            h, new = self.decoder(torch.cat([x[:, None], seen[-1]], -1), tuple(parts), None, self._drop)
            parts = [hold(held, old, now) for old, now in zip(parts, new, strict=True)]
            states.append(h)
        both = torch.cat([torch.cat(seen, 1), torch.cat(states, 1).to(seen[0].dtype)], -1)
        told, end = torch.tanh(self.combine(both)), ((values, keys, there), *parts)
        return Looked(told, torch.cat(logs, 1), torch.stack(chosen, 1) if chosen else None, end)

    def _choose(self, weights: Tensor) -> Tensor:
        """Return at which place each row looks, (B,): drawn from (B, S) in training, else the likeliest."""
        if not self.training:
            return weights.argmax(-1)
        drawn = torch.multinomial(weights.detach().float().to(self.noise.device), 1, generator=self.noise)
        return drawn[:, 0].to(weights.device)

    def _drop(self, x: Tensor) -> Tensor:
        return self.dropped(x, self.dropout)


def _from_here_on(values: Tensor) -> Tensor:
    """Return of each step the sum of this and all later ones, of (B, T)."""
    return values.flip(1).cumsum(1).flip(1)


def pooled_form(rows: int, columns: int) -> tuple[int, int]:
    """Return in how many rows and columns so many places as are pooled come nearest to the form of a grid.

    >>> pooled_form(3, 12), pooled_form(7, 7), pooled_form(40, 10)
    ((3, 12), (6, 6), (12, 3))
    """
    forms = [(high, POOLED // high) for high in range(1, POOLED + 1) if POOLED % high == 0]
    return min(forms, key=lambda form: abs(math.log(form[0] * columns / (form[1] * rows))))
