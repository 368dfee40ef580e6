"""MUT2, a unit found by search, whose reset gate sees the input as it is."""

from __future__ import annotations

from typing import ClassVar

from seqlab.models.recurrent._mutated import Mutated


class MUT2(Mutated):
    """The second of three units that a search over ten thousand found.

        e(t) = E x(t)
        z(t) = sigmoid(U_z e(t) + W_z h(t-1) + b_z)                 what is new
        r(t) = sigmoid(e(t) + W_r h(t-1) + b_r)                     what of the past it sees
        n(t) =    tanh(W_n (r(t) * h(t-1)) + U_n e(t) + b_n)
        h(t) = n(t) * z(t) + h(t-1) * (1 - z(t))

    The paper has x(t) for e(t), of the width of the state. U holds z and n, W and b hold z, r and n, one
    below the other.

    Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Initialisation: all weights uniform in plus or minus 1 / sqrt(H).

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
    """

    multiplied: ClassVar[str] = "zn"
    looks: ClassVar[str] = "zr"
