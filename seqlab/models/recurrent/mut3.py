"""MUT3, a unit found by search, whose update gate sees the state through a tanh."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from seqlab.models.recurrent._mutated import Mutated


class MUT3(Mutated):
    """The third of three units that a search over ten thousand found.

        e(t) = E x(t)
        z(t) = sigmoid(U_z e(t) + W_z tanh(h(t-1)) + b_z)           what is new
        r(t) = sigmoid(U_r e(t) + W_r h(t-1) + b_r)                 what of the past it sees
        n(t) =    tanh(W_n (r(t) * h(t-1)) + U_n e(t) + b_n)
        h(t) = n(t) * z(t) + h(t-1) * (1 - z(t))

    The paper has x(t) for e(t), of the width of the state. U, W and b hold z, r and n, one below the other.

    Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
    """

    multiplied: ClassVar[str] = "zrn"
    looks: ClassVar[str] = "zr"

    def seen_by_z(self, h: Tensor) -> Tensor:
        """Return tanh(h); see :meth:`Mutated.seen_by_z`."""
        return torch.tanh(h)
