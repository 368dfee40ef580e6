"""MUT1, a unit found by search, whose update gate sees the input alone."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from seqlab.models.recurrent._mutated import Mutated


class MUT1(Mutated):
    """The first of three units that a search over ten thousand found.

        e(t) = E x(t)
        z(t) = sigmoid(U_z e(t) + b_z)                              what is new
        r(t) = sigmoid(U_r e(t) + W_r h(t-1) + b_r)                 what of the past it sees
        n(t) =    tanh(W_n (r(t) * h(t-1)) + tanh(e(t)) + b_n)
        h(t) = n(t) * z(t) + h(t-1) * (1 - z(t))

    The paper has x(t) for e(t), of the width of the state. U holds z and r, W holds r and n, b all three, one
    below the other.

    Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
    """

    multiplied: ClassVar[str] = "zr"
    looks: ClassVar[str] = "r"

    def unmultiplied(self, x: Tensor) -> Tensor:
        """Return tanh(e), which n takes from the input; see :meth:`Mutated.unmultiplied`."""
        return torch.tanh(x)
