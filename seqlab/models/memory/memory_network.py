"""The end-to-end memory network: sentences are the slots of a memory, and a question hops over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State
from seqlab.models._base import SequenceModel
from seqlab.models._cell import Input, linear
from seqlab.models._contract import source_of


class MemoryNetwork(SequenceModel):
    r"""A question looks for a sentence, adds what it reads to itself, and looks again.

        m(i, k) = sum over words j of  l(j) * A(k) x(i, j)  +  T(k, i)       k = 1 ... K + 1
        u(1)    = sum over words j of  l(j) * B q(j)
        p(k)    = softmax over sentences i of  u(k)' m(i, k)
        u(k+1)  = u(k) + sum over i of  p(i, k) m(i, k+1)
        o       = W u(K+1)

    with the position encoding l(j)_d = (1 - d/H) + (j/J) (2 d/H - 1) of the j-th of J words, d = 1 ... H, so
    that the order of words matters, and a learned T(k, i) for the i-th sentence from the end, so that that
    of sentences does. What a hop reads with is what the next looks with ("adjacent"), and B is A(1). With
    ``tying: layer-wise`` all hops look with one A and read with one C, B is apart, u(k+1) = M u(k) + ....

    Two further things are of training alone. With ``linear_start`` the first updates leave the softmax out,
    p(k) = u(k)' m(i, k) / sqrt(S), and any ReLU, which keeps hops from settling on what is near at first;
    answers that are judged always have both. And a share of empty sentences is laid between the others at
    random, so that T is not learned by heart.

    Sukhbaatar, Szlam, Weston & Fergus, "End-to-end memory networks", 2015. There the linear start lasts
    until the validation loss rises, without a factor; here it lasts so many updates. The read-out W is
    not tied to A(K+1), for answers need not be words.

    The step form reads a question word by word: sums over words are carried on, so an answer is there after
    every word.

    Initialisation: all weights from N(0, 0.1^2), but M, which starts as the identity.

    Args:
        spec: what is known of the task; it gives sentences of words.
        hidden_size: the width H.
        hops: how often the memory is read, K.
        memory_size: the last sentences of a story that are kept, S at most.
        tying: which hops share their weights.
        position_encoding: whether the order of words matters; else l = 1, a bag of words.
        empty: the share of sentences that are laid between the others in training.
        linear_start: updates for which there is no softmax.
        half_relu: whether half of the numbers of u(k+1) go through a ReLU, as in the paper's language models.
    """

    reads: ClassVar[tuple[str, ...]] = ("tokens",)
    takes: ClassVar[tuple[str, ...]] = ("tokens(sentence,word)",)
    needs_context: ClassVar[bool] = True

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 20,
        hops: Annotated[int, Field(ge=1, le=32)] = 3,
        memory_size: Annotated[int, Field(ge=1, le=100_000)] = 50,
        tying: Literal["adjacent", "layer-wise"] = "adjacent",
        position_encoding: bool = True,
        empty: Annotated[float, Field(ge=0, le=1)] = 0.1,
        linear_start: Annotated[int, Field(ge=0)] = 0,
        half_relu: bool = False,
    ) -> None:
        super().__init__(spec)
        self.source, signal = source_of("memory-network", spec, such_as="stories")
        self.hops, self.memory_size, self.empty = hops, memory_size, empty
        self.linear_start = self.early = linear_start
        self.is_adjacent, self.ordered, H = tying == "adjacent", position_encoding, hidden_size
        self.bent = hidden_size // 2 if half_relu else 0
        self.tables = hops + 1 if self.is_adjacent else 2
        self.words = Input(signal.size, self.tables * H, bias=False)  # A(1) ... A(K+1), or A and C
        self.times = nn.Parameter(
            torch.empty(memory_size + self._most_empty(memory_size), self.tables * H)
        )  # T
        self.shared = self.is_adjacent and spec.input_size == signal.size
        self.question = None if self.shared else Input(spec.input_size, H, bias=False)  # B
        self.onward = None if self.is_adjacent else linear(H, H, bias=False)  # M
        self.readout = linear(H, spec.output_size, bias=False)  # W

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Read the sentences, (B, S, J).

        Returns:
            The sums over the words of the question so far, (B, H), the same weighted by their places, and
            their number, (B,); then the memory of each hop, (B, S, H), and at which sentences there is one.
        """
        story = context[self.source][:, -self.memory_size :]
        if self.training and self.empty > 0:
            story = self._with_empty(story)
        there = (story != PAD).any(-1)
        slots = self._summed(story) + self.times[: story.shape[1]].flip(0)  # (B, S, tables * H)
        H = self.readout.in_features
        nothing = slots.new_zeros(rows, H)
        count = torch.zeros(rows, dtype=torch.int64, device=slots.device)
        return (nothing, nothing, count), (*torch.split(slots, H, -1), there)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a question; see :meth:`SequenceModel.forward`."""
        _, u, end = self._hop(inputs, state)
        return self.readout(u), end

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return which sentences each hop reads; see :meth:`SequenceModel.alignments`."""
        weights, _, _ = self._hop(inputs, state)
        return {f"hop {number}": hop for number, hop in enumerate(weights, 1)}

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(0, 0.1, generator=generator)
            if self.onward is not None:
                nn.init.eye_(self.onward.weight)

    def _hop(self, inputs: Tensor, state: State | None) -> tuple[list[Tensor], Tensor, State]:
        """Return the weights of each hop, (B, T, S), u(K+1), (B, T, H), and the state at the end."""
        assert state is not None, "start reads the story"
        asked, (*slots, there) = state
        u, asked = self._asked(inputs, *asked)
        weights = []
        for hop in range(self.hops):
            look, read = slots[hop : hop + 2] if self.is_adjacent else slots
            scores = u @ look.transpose(1, 2)  # (B, T, S)
            weights.append(self._weights(scores, there))
            u = (u if self.onward is None else self.onward(u)) + weights[-1].to(read.dtype) @ read
            if not self._is_linear:
                u = torch.cat([u[..., : self.bent].relu(), u[..., self.bent :]], -1)
        return weights, u, (asked, state[1])

    def _weights(self, scores: Tensor, there: Tensor) -> Tensor:
        if self._is_linear:
            return scores * there[:, None] / there.sum(1).clamp(min=1).sqrt()[:, None, None]
        read = scores.masked_fill(~there[:, None], torch.finfo(scores.dtype).min).softmax(-1)
        return read * there[:, None]  # of a story without sentences nothing is read

    @property
    def _is_linear(self) -> bool:
        return self.training and self.updates < self.linear_start

    def _asked(
        self, inputs: Tensor, plain: Tensor, placed: Tensor, count: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return u(1) after each word, (B, T, H), and the sums at the end."""
        H, read = self.readout.in_features, inputs != PAD
        words = self.words(inputs)[..., :H] if self.question is None else self.question(inputs)
        words = words * read[..., None]
        places = count[:, None] + read.cumsum(1)  # (B, T)
        sums = plain[:, None] + words.cumsum(1)
        weighted = placed[:, None] + (words * places[..., None]).cumsum(1)
        u = self._encoded(sums, weighted / places.clamp(min=1)[..., None])
        return u, (sums[:, -1], weighted[:, -1], places[:, -1])

    def _summed(self, story: Tensor) -> Tensor:
        """Return the sum over words of l(j) A(k) x(j) for each sentence and table, (B, S, tables * H)."""
        read, words = story != PAD, self.words(story)  # (B, S, J), (B, S, J, tables * H)
        places = read.cumsum(-1) / read.sum(-1, keepdim=True).clamp(min=1).to(words.dtype)  # j/J
        sums = torch.stack([read, read * places], 2).to(words.dtype) @ words  # (B, S, 2, tables * H)
        return self._encoded(*sums.unbind(2))

    def _encoded(self, plain: Tensor, placed: Tensor) -> Tensor:
        """Return the sum over words of l(j) x(j), given those of x(j) and of (j/J) x(j), (..., n * H)."""
        if not self.ordered:
            return plain
        H = self.readout.in_features
        share = torch.arange(1, H + 1, device=plain.device, dtype=plain.dtype) / H
        share = share.repeat(plain.shape[-1] // H)
        return (1 - share) * plain + (2 * share - 1) * placed

    def _with_empty(self, story: Tensor) -> Tensor:
        """Return a story, (B, S, J), with empty sentences at random places, other ones in each row."""
        rows, sentences, words = story.shape
        every = sentences + self._most_empty(sentences)
        drawn = torch.rand(rows, every, device=self.noise.device, generator=self.noise)
        kept = drawn.argsort(1)[:, :sentences].sort(1).values
        wider = story.new_full((rows, every, words), PAD)
        return wider.scatter(1, kept.to(story.device)[..., None].expand_as(story), story)

    def _most_empty(self, sentences: int) -> int:
        """Return how many empty sentences come between so many."""
        return math.ceil(self.empty * sentences)
