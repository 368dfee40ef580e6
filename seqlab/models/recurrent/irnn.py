"""The relu recurrent network that starts as the identity."""

from __future__ import annotations

import torch
from torch import nn

from seqlab.models._initialise import SpectralRadius, Start
from seqlab.models.recurrent.rnn import RNN


class IRNN(RNN):
    """The plain recurrent cell with relu, started so that it keeps its state.

        h(t) = relu(U x(t) + W h(t-1) + b)

    Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.

    Initialisation: W = I, b = 0, U from N(0, 0.001^2). Without input the state stays as it is, and so
    does the gradient on its way back.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        start: how W is drawn, if not as the identity: uniform, orthogonal or gaussian.
        spectral_radius: to which W is rescaled after that; None to leave it.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        start: Start = "identity",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, nonlinearity="relu", start=start, spectral_radius=spectral_radius
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        nn.init.normal_(self.input.weight, std=0.001, generator=generator)
        nn.init.zeros_(self.input.bias)
