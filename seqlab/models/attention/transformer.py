"""The transformer: causal attention over the last steps, which its state holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Spec, State
from seqlab.models._cell import linear
from seqlab.models._contract import source_of
from seqlab.models._padding import Parts, greatest, may_look, padding, read_around
from seqlab.models._short_conv import ShortConv
from seqlab.models._stack import Block, Drop, Mixer, Stack
from seqlab.models.attention._heads import attend, rotate
from seqlab.models.attention._source import Looking, Source

QUERIES = 128
"""Steps that look back together, at least: in a long sequence, what lies outside the window costs nothing."""


class Attention(Mixer):
    """Causal attention of several heads over a window, with rotary positions.

    Of each head, over the steps s = t - window + 1, ..., t that there are:

        q(t), k(t), v(t) = W_q x(t), W_k x(t), W_v x(t)
        p(t, s) = softmax over s of  R(t) q(t) . R(s) k(s) / sqrt(d)
        y(t) = sum over s of  p(t, s) v(s)

    R(t) turns the i-th pair of the d numbers, (i, i + d/2), by t / 10000^(2i/d): products depend on t - s
    alone. So positions are counted anew in each call, from the oldest step that is remembered, and no number
    grows with the length of a text.

    The state holds keys and values of the last window - 1 steps, not turned, (B, heads, window - 1, d) each,
    the newest last, and how many there are, (B,): rows may have read different numbers of steps.

    Vaswani et al., "Attention is all you need", 2017; Su et al., "RoFormer", 2021 (rotary positions); Child,
    Gray, Radford & Sutskever, "Generating long sequences with sparse transformers", 2019 (windows).

    Args:
        size: the width D, a multiple of 2 heads.
        heads: the number of heads, each of d = D / heads numbers.
        window: steps that a step looks at, itself included.
    """

    def __init__(self, size: int, heads: int, window: int) -> None:
        super().__init__(size)
        self.heads, self.window = heads, window
        self.qkv = linear(size, 3 * size, bias=False)

    def start(self, rows: int) -> Parts:
        """Return an empty memory."""
        weight = self.qkv.weight
        memory = weight.new_zeros(2, rows, self.heads, self.window - 1, self.size // self.heads)
        return *memory.unbind(), torch.zeros(rows, dtype=torch.int64, device=weight.device)

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None = None, drop: Drop | None = None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.forward`."""
        *memory, count = state
        steps, slots = x.shape[1], self.window - 1
        past = greatest(count, slots)
        q, *new = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, d)
        k, v = (
            torch.cat([old[:, :, slots - past :], now.to(old.dtype)], 2)  # (B, heads, past + T, d)
            for old, now in zip(memory, new, strict=True)
        )
        pads = torch.zeros_like(count) if padded is None else padded.sum(1)
        empty = past - count + pads  # (B,): at so many of the first places is nothing
        if padded is not None:
            k, v = (_close_gap(part, past, pads, empty) for part in (k, v))
        is_full = not empty.any() if may_look() else not past and padded is None
        place = torch.arange(past + steps, device=x.device)
        heard = self._look_back(
            rotate(q, place[past:]),
            rotate(k, place),
            v,
            None if is_full else empty,
            drop,
        )
        end = (F.pad(part, (0, 0, slots - past - steps, 0)) for part in (k, v))  # cut, or filled, in front
        return heard.transpose(1, 2).flatten(2), (*end, (past + steps - empty).clamp(max=slots))

    def _look_back(self, q: Tensor, k: Tensor, v: Tensor, empty: Tensor | None, drop: Drop | None) -> Tensor:
        """Return what the steps hear, (B, heads, T, d), computed for some at a time.

        Args:
            q: (B, heads, T, d), of the last T of the S steps of ``k``.
            k: (B, heads, S, d).
            v: (B, heads, S, d).
            empty: (B,), at how many of the first places of a row nothing is; None where that is nowhere so.
            drop: dropout.
        """
        heard, first = [], k.shape[2] - q.shape[2]
        for piece in torch.split(q, max(QUERIES, self.window), 2):
            oldest, last = max(0, first - self.window + 1), first + piece.shape[2]
            place = torch.arange(oldest, last, device=q.device)
            ago = place[first - oldest :, None] - place  # (queries, keys)
            seen = (ago >= 0) & (ago < self.window)
            if empty is not None:  # padding sees itself: without anything to see it would not be finite
                seen = seen & (place >= empty[:, None, None, None]) | (ago == 0)
            heard.append(attend(piece, k[:, :, oldest:last], v[:, :, oldest:last], seen, drop))
            first = last
        return torch.cat(heard, 2)


class Convolved(Mixer):
    """A mixer that reads what a convolution over four steps gives, y(t) = b + sum over k < 4 of w_k * x(t-k).

    So each step brings with it what stood just before. An attention that matches a key with what came after
    it needs that, and has it otherwise from a layer below.

    Args:
        mixer: what reads, of as many outputs as it has inputs.
    """

    def __init__(self, mixer: Mixer) -> None:
        super().__init__(mixer.size)
        self.convolution, self.mixer = ShortConv(mixer.size), mixer

    def start(self, rows: int) -> Parts:
        """Return what the convolution remembers, and what the mixer does."""
        return self.convolution.start(rows), *self.mixer.start(rows)

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None = None, drop: Drop | None = None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.forward`."""
        past, *inner = state
        if padded is None:
            y, past = self.convolution(x, past)
        else:
            y, (past,) = read_around(
                self._convolve, x, (past,), padded, lambda _: x.new_zeros(len(x), self.size)
            )
        heard, inner = self.mixer(y, tuple(inner), padded, drop)
        return heard, (past, *inner)

    def _convolve(self, x: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        y, past = self.convolution(x, *state)
        return y, (past,)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights of both."""
        self.convolution.initialise(generator)
        self.mixer.initialise(generator)


class Transformer(Stack):
    """The transformer that reads from left to right, with rotary positions and a window.

        x(t) = E u(t)                                       symbols are looked up
        x(t) = x(t) + W_o attention(norm x(t - window + 1), ..., norm x(t))
        x(t) = x(t) + W_2 gelu(W_1 norm x(t))               and so on, layer by layer
        o(t) = V norm x(t) + c

    A :class:`Stack`, which says how it starts, of causal :class:`Attention`. Where the task gives a source
    before the first step, as many layers read that first (:class:`Source`), and in each layer each step looks
    at all of its places before the MLP (:class:`Look`).

    Vaswani et al., "Attention is all you need", 2017; in the form of GPT-2 (Radford et al., "Language models
    are unsupervised multitask learners", 2019) but for positions, which are rotary (Su et al., "RoFormer",
    2021), and biases, which only the read-out has.

    Each layer looks at ``window`` steps, so n layers reach back n (window - 1) steps; the state holds what
    they need. With it carried on, a text is read in chunks as if it were read at once.

    Args:
        spec: what is known of the task.
        heads: the number of heads of each layer; ``hidden_size`` is a multiple of twice as many.
        window: steps that a step looks at, itself included; of a source all places are looked at.
        convolution: whether each attention reads through a short convolution; see :class:`Convolved`. That of
            a source does not.
        **options: those of :class:`Stack`.
    """

    takes: ClassVar[tuple[str, ...]] = ("tokens(time)",)
    bfloat16_from = 500_000

    def __init__(
        self,
        spec: Spec,
        *,
        heads: Annotated[int, Field(ge=1, le=1024)] = 4,
        window: Annotated[int, Field(ge=1, le=65536)] = 256,
        convolution: bool = False,
        **options: Any,
    ) -> None:
        def mixer(width: int) -> Mixer:
            attention = Attention(width, heads, window)
            return Convolved(attention) if convolution else attention

        def looking(mixer: Mixer, width: int) -> Block:
            return Looking(mixer, width, heads)

        super().__init__(spec, mixer, block=looking if spec.context else Block, **options)
        self.source = None
        if spec.context:
            self.context_name, signal = source_of("transformer", spec)
            self.source = Source(signal.size, self.readout.in_features, len(self.blocks), heads)

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return what the layers remember: nothing, and of a source that was read its keys and values."""
        starts = super().start(context, rows)
        if self.source is None:
            return starts
        read, there = self.source(context[self.context_name], self._dropping())
        looking = [block for block in self.blocks if isinstance(block, Looking)]
        return tuple(
            (*parts, *block.look.remember(read, there)) for block, parts in zip(looking, starts, strict=True)
        )

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        """Return where in the source each head looks; see :meth:`SequenceModel.alignments`."""
        found: dict[str, Tensor] = {}
        x, padded = self._embed(inputs), padding(inputs)
        for layer, (block, parts) in enumerate(zip(self._layers(), state, strict=True), 1):
            if isinstance(block, Looking):
                for head, weights in enumerate(block.looks(x, parts, padded).unbind(1), 1):
                    found[f"layer {layer}, head {head}"] = weights
            x, _ = block(x, parts, padded, None)
        return found

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights; those that read a source come last."""
        super().initialise(generator)
        if self.source is not None:
            self.source.initialise(generator)

    @classmethod
    def nearest_size(cls, hidden_size: int, *, heads: int = 4, **options: Any) -> int:
        """Return the nearest multiple of twice the number of heads.

        >>> Transformer.nearest_size(30, heads=2), Transformer.nearest_size(1)
        (32, 8)
        """
        return max(1, round(hidden_size / (2 * heads))) * 2 * heads


def _close_gap(part: Tensor, past: int, pads: Tensor, empty: Tensor) -> Tensor:
    """Move what is remembered up to what follows the padding, and put zeros in front.

    Args:
        part: (B, heads, S, d), of which the first ``past`` places are remembered.
        past: so many.
        pads: (B,), the steps of padding behind them.
        empty: (B,), the places at the front that come to be empty.
    """
    place = torch.arange(part.shape[2], device=part.device)
    gap = pads[:, None]
    source = torch.where(place < past + gap, place - gap, place).clamp(min=0)  # (B, S)
    moved = part.gather(2, source[:, None, :, None].expand_as(part))
    return moved.masked_fill((place < empty[:, None])[:, None, :, None], 0)
