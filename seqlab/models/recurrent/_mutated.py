"""What the three units of an architecture search share."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.models._cell import Input
from seqlab.models._driven import Gated


class Mutated(Gated):
    """A unit with a gate r, which hides part of the past, and a gate z, which lets what is new in.

        n(t) = tanh(W_n (r(t) * h(t-1)) + what n takes from the input)
        h(t) = z(t) * n(t) + (1 - z(t)) * h(t-1)

    The equations of the three add x(t) itself to sums over the state, so that it must be as wide; what they
    read here is E x(t), which also looks symbols up.

    Attributes:
        multiplied: for which of z, r and n there is a U, by which E x(t) is multiplied.
        looks: which of z and r see the state.
    """

    recurrent: tuple[str, ...] = ("W",)
    gate_names: tuple[str, ...] = ("z", "r", "n")
    multiplied: ClassVar[str]
    looks: ClassVar[str]

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size, bias=False)
        self.U = nn.Parameter(torch.empty(len(self.multiplied) * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(3 * hidden_size))
        self.W = nn.Parameter(torch.empty((len(self.looks) + 1) * hidden_size, hidden_size))

    def unmultiplied(self, x: Tensor) -> Tensor:
        """Return what stands in the place of U E x(t), where there is no U: by itself E x(t)."""
        return x

    def seen_by_z(self, h: Tensor) -> Tensor:
        """Return what z sees of the state, if it sees it: by itself h."""
        return h

    def shares(self, x: Tensor) -> Tensor:
        """Return the shares of z, r and n side by side; see :meth:`Driven.shares`."""
        x = self.input(x)
        products = F.linear(x, self.U).chunk(len(self.multiplied), -1)
        of = dict(zip(self.multiplied, products, strict=True))
        return torch.cat([of.get(name, self.unmultiplied(x)) for name in "zrn"], -1) + self.b

    def gates_from(self, share: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return z, r and n; see :meth:`Gated.gates_from`."""
        (h,), (z, r, n) = state, share.chunk(3, -1)
        W = dict(zip(self.looks + "n", self.W.chunk(len(self.looks) + 1), strict=True))
        if "z" in W:
            z = z + F.linear(self.seen_by_z(h), W["z"])
        r = torch.sigmoid(r + F.linear(h, W["r"]))
        return torch.sigmoid(z), r, torch.tanh(n + F.linear(r * h, W["n"]))

    def update(self, gates: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the new state; see :meth:`Gated.update`."""
        z, _, n = gates
        return (z * n + (1 - z) * state[0],)

    @classmethod
    def parameter_count(cls, input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: H (I + 3) and H^2 for each U and W."""
        matrices = len(cls.multiplied) + len(cls.looks) + 1
        return hidden_size * (input_size + 3 + matrices * hidden_size)
