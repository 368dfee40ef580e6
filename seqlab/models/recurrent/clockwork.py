"""The clockwork network, whose units are in modules that tick at different paces."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Driven


class Clockwork(Driven):
    """The recurrent cell in modules, of which number k, from 0, has the period 2^k.

        h_k(t) = tanh(U_k x(t) + sum over j >= k of W_kj h_j(t-1) + b_k)        where t is a multiple of 2^k
        h_k(t) = h_k(t-1)                                                       at all other steps

    t counts the steps of a sequence from 0, so every module hears the first symbol. A module hears itself and
    slower ones, not faster ones, whose content would come to it by chance of the moment. What a slow module
    holds has passed few steps, and so fades late. With one module it is the plain cell.

    The units are dealt out to the modules in equal numbers, as far as they go, the fastest first. W_k holds
    the rows of module k, as wide as the modules that it hears.

    Koutnik, Greff, Gomez & Schmidhuber, "A clockwork RNN", 2014.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        modules: how many there are; the slowest has the period 2^(modules - 1).
    """

    periods: Tensor
    parts: tuple[str, ...] = ("h", "t")
    recurrent: tuple[str, ...] = ("W_0",)  # a cell has as many as it has modules

    def __init__(
        self, input_size: int, hidden_size: int, *, modules: Annotated[int, Field(ge=1, le=30)] = 4
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        bounds = [round(k * hidden_size / modules) for k in range(modules + 1)]
        sizes = [last - first for first, last in pairwise(bounds)]
        self.recurrent = tuple(f"W_{k}" for k, size in enumerate(sizes) if size)
        for k, size in enumerate(sizes):
            if size:
                rows = nn.Parameter(torch.empty(size, hidden_size - bounds[k]))
                self.register_parameter(f"W_{k}", rows)
        periods = [2**k for k, size in enumerate(sizes) for _ in range(size)]
        self.register_buffer("periods", torch.tensor(periods), persistent=False)

    def prepare(self) -> tuple[Tensor, ...]:
        """Return W, (H, H), with zeros where a module hears nothing; see :meth:`Cell.prepare`."""
        rows = [getattr(self, name) for name in self.recurrent]
        return (torch.cat([F.pad(row, (self.hidden_size - row.shape[1], 0)) for row in rows]),)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros, and that no step has been taken, (B, 1); see :meth:`Cell.start`."""
        weight = self.input.weight
        steps = torch.zeros(batch, 1, dtype=torch.int64, device=weight.device)
        return weight.new_zeros(batch, self.hidden_size), steps

    def react(self, share: Tensor, state: tuple[Tensor, ...], W: Tensor) -> tuple[Tensor, ...]:
        """Advance one step, given U x + b; see :meth:`Driven.react`."""
        h, t = state
        new = torch.tanh(share + F.linear(h, W))
        return torch.where(t % self.periods == 0, new, h), t.detach() + 1  # no gradient is a count's
