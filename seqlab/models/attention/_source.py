"""The transformer reads a source: every place hears all others, and each step of an answer looks at them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqlab.models._cell import Input, linear
from seqlab.models._padding import Parts, padding
from seqlab.models._stack import Block, Drop, Mixer, draw
from seqlab.models.attention._heads import attend, rotate


class Around(Mixer):
    """Attention of several heads from every place to every place, with rotary positions.

    Args:
        size: the width D, a multiple of 2 heads.
        heads: the number of heads.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__(size)
        self.heads = heads
        self.qkv = linear(size, 3 * size, bias=False)

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None = None, drop: Drop | None = None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.forward`. Nobody looks at padding."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, S, d)
        place = torch.arange(x.shape[1], device=x.device)
        there = x.new_ones(x.shape[:2], dtype=torch.bool) if padded is None else ~padded
        heard = attend(rotate(q, place), rotate(k, place), v, seen_of(there), drop)
        return heard.transpose(1, 2).flatten(2), state


class Look(nn.Module):
    """Attention of several heads from the steps of an answer, x, to the places of a source, m.

        p(t, s) = softmax over the places s of  W_q x(t) . W_k m(s) / sqrt(d)       of each head
        y(t) = sum over s of  p(t, s) W_v m(s)

    Args:
        size: the width D of both.
        heads: the number of heads, each of d = D / heads numbers.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.kv = linear(size, size, bias=False), linear(size, 2 * size, bias=False)

    def remember(self, read: Tensor, there: Tensor) -> Parts:
        """Return keys and values (B, heads, S, d) of what was read (B, S, D), and where it is (B, S)."""
        k, v = self.kv(read).to(read.dtype).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return k.contiguous(), v.masked_fill(~there[:, None, :, None], 0), there

    def forward(self, x: Tensor, memory: Parts, drop: Drop | None) -> Tensor:
        """Return y, (B, T, D), of steps (B, T, D)."""
        k, v, there = memory
        q = self._queries(x)
        return attend(q, k.to(q.dtype), v.to(q.dtype), seen_of(there), drop).transpose(1, 2).flatten(2)

    def weights(self, x: Tensor, memory: Parts) -> Tensor:
        """Return p, (B, heads, T, S)."""
        k, _, there = memory
        scores = self._queries(x) @ k.transpose(2, 3) / k.shape[-1] ** 0.5
        probabilities: Tensor = scores.masked_fill(~seen_of(there), -torch.inf).softmax(-1)
        return probabilities

    def _queries(self, x: Tensor) -> Tensor:
        found: Tensor = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return found


class Looking(Block):
    """A block that looks at a source between its mixer and its MLP.

        x = x + out mixer(norm(x))
        x = x + look_out look(norm(x))
        x = x + down gelu(up norm(x))

    The last three parts of its state are keys and values of the source and where it is.

    Args:
        mixer: of N outputs.
        width: D, of the stream x.
        heads: with which it looks.
    """

    def __init__(self, mixer: Mixer, width: int, heads: int) -> None:
        super().__init__(mixer, width)
        self.look_norm, self.look = nn.LayerNorm(width, bias=False), Look(width, heads)
        self.look_out = linear(width, width, bias=False)

    def forward(
        self, x: Tensor, state: Parts, padded: Tensor | None, drop: Drop | None
    ) -> tuple[Tensor, Parts]:
        """Read a sequence; see :meth:`Mixer.forward`."""
        own, memory = state[:-3], state[-3:]
        x, own = self.hear(x, own, padded, drop)
        seen = self.look_out(self.look(self.look_norm(x), memory, drop))
        return self.think(x + (seen if drop is None else drop(seen)), drop), (*own, *memory)

    def looks(self, x: Tensor, state: Parts, padded: Tensor | None) -> Tensor:
        """Return where each head looks, (B, heads, T, S)."""
        heard, _ = self.hear(x, state[:-3], padded, None)
        return self.look.weights(self.look_norm(heard), state[-3:])

    def initialise(self, generator: torch.Generator, scale: float) -> None:
        """Draw the initial weights; see :meth:`Block.initialise`."""
        super().initialise(generator, scale)
        for part in (self.look, self.look_out):
            draw(part, generator)
        with torch.no_grad():
            self.look_out.weight *= scale


class Source(nn.Module):
    """What reads a source: an embedding, blocks in which every place hears all others, and a norm.

    Args:
        size: the number of its symbols.
        width: D.
        layers: the number of blocks.
        heads: of each.
    """

    def __init__(self, size: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embedding = Input(size, width, bias=False)
        self.blocks = nn.ModuleList(Block(Around(width, heads), width) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, symbols: Tensor, drop: Drop | None) -> tuple[Tensor, Tensor]:
        """Read symbols (B, S): to (B, S, D), and where they are, (B, S) bool."""
        padded = padding(symbols)
        x = self.embedding(symbols)
        x = x if drop is None else drop(x)
        for block in self.blocks:
            x, _ = block(x, (), padded, drop)
        there = torch.ones_like(symbols, dtype=torch.bool) if padded is None else ~padded
        return self.norm(x), there

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights, as those of a stack."""
        draw(self.embedding, generator)
        for block in self.blocks:
            assert isinstance(block, Block)
            block.initialise(generator, (2 * len(self.blocks)) ** -0.5)


def seen_of(there: Tensor) -> Tensor:
    """Return what each step sees, (B, 1, 1, S), of places (B, S) that are there or not.

    A row without any sees all, which is nothing: without anything to see attention would not be finite.
    """
    return (there | ~there.any(1, keepdim=True))[:, None, None]
