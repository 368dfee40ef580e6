"""Attention from the steps of an answer to the places of a source."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqlab.models._cell import linear

UNITS = 1 << 24
"""Units of additive scores that are held at once: 64 MiB of float32."""


class Memory(NamedTuple):
    """A source as it was read, B rows of S places; it is part of the state of what reads it.

    Attributes:
        values: (B, S, M), what stands at each place; 0 where there is padding.
        keys: (B, S, H), by which a place is found.
        there: (B, S) bool, where there is a place at all.
    """

    values: Tensor
    keys: Tensor
    there: Tensor


class Dot(nn.Module):
    """Places scored by a product, d(t)' W m(s) / sqrt(H): "general" in Luong et al. 2015, and scaled.

    The scale is that of Vaswani et al. 2017.

    Args:
        width: M, of the values m.
        size: H, of the queries d.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.key = linear(width, size, bias=False)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the scores, (B, T, S), of keys (B, S, H) for queries (B, T, H)."""
        scores: Tensor = queries @ keys.transpose(1, 2) / keys.shape[-1] ** 0.5
        return scores


class Additive(Dot):
    """Places scored by a layer of units, v' tanh(W d(t) + U m(s)); Bahdanau, Cho & Bengio 2015.

    That is a layer for every step and every place, (B, T, S, H). Where it has more than :data:`UNITS` units,
    it is computed for a few steps at a time, at least one, and in training not kept but computed again for
    the gradient. So no more is held than three times that many: the layer, its gradient and that of its sum.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__(width, size)
        self.query = linear(size, size)
        self.v = nn.Parameter(torch.empty(size))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the scores; see :meth:`Dot.forward`."""
        queries = self.query(queries)
        steps = max(1, UNITS // max(1, keys.numel()))
        if queries.shape[1] <= steps:
            return self._layer(queries, keys)
        return torch.cat(
            [
                checkpoint(self._layer, some, keys, use_reentrant=False, preserve_rng_state=False)
                for some in torch.split(queries, steps, 1)
            ],
            1,
        )

    def _layer(self, queries: Tensor, keys: Tensor) -> Tensor:
        return torch.tanh(queries[:, :, None] + keys[:, None]) @ self.v


SCORES: dict[str, type[Dot]] = {"additive": Additive, "dot": Dot}


class Alignment(nn.Module):
    """Attention and what is made of it, in the arrangement of Luong et al.: the state d(t) looks back.

        a(t, s) = softmax over the places s of  score(d(t), m(s))
        c(t) = sum over s of  a(t, s) m(s)
        y(t) = tanh(W_c [c(t); d(t)])

    Luong, Pham & Manning, "Effective approaches to attention-based neural machine translation", 2015. In
    Bahdanau et al. the state before, d(t-1), looks, and c(t) goes into the step; here all steps of an answer
    that is known look at once, and what was seen goes into the next step with input feeding alone.

    Args:
        score: of :data:`SCORES`.
        width: M, of what stands at a place.
        size: H, of the states.
    """

    def __init__(self, score: str, width: int, size: int) -> None:
        super().__init__()
        self.score = SCORES[score](width, size)
        self.combine = linear(width + size, size, bias=False)

    def remember(self, values: Tensor, there: Tensor) -> Memory:
        """Return the memory of what was read, (B, S, M), at the places that are there."""
        values = values.masked_fill(~there[..., None], 0)
        return Memory(values, self.score.key(values).to(values.dtype), there)

    def weights(self, states: Tensor, memory: Memory) -> Tensor:
        """Return a, (B, T, S), of states (B, T, H); of a source without any place all are alike."""
        scores: Tensor = self.score(states, memory.keys)
        unseen = ~memory.there[:, None]
        return scores.masked_fill(unseen, torch.finfo(scores.dtype).min).softmax(-1)

    def forward(self, states: Tensor, memory: Memory) -> Tensor:
        """Return y, (B, T, H), of states (B, T, H)."""
        seen = self.weights(states, memory).to(memory.values.dtype) @ memory.values
        return torch.tanh(self.combine(torch.cat([seen.to(states.dtype), states], -1)))
