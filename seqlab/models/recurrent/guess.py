"""A recurrent network whose weights are guessed, not learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State
from seqlab.models._base import SequenceModel


class Guess(SequenceModel):
    """A fully recurrent logistic network whose weights are drawn at random until they serve.

        h(t) = sigmoid(U x(t) + W h(t-1) + b),    h(0) = 0
        o(t) = V h(t) + c                         for classes and bits; sigmoid of it for values

    At each update :attr:`guesses` networks are drawn and judged on a batch beside the best one so far; the
    one with the least loss is kept. There is no gradient and nothing is learned from a bad guess. What is
    solved so in a few thousand guesses asks for little: a lag that a single unit can hold may be very long.

    Hochreiter & Schmidhuber, "Bridging long time lags by weight guessing and Long Short-Term Memory", 1996.

    Initialisation, and every guess: all weights uniform in plus or minus ``reach``.

    Args:
        spec: what is known of the task. Of values it can give only those from 0 to 1.
        hidden_size: units H.
        reach: of the weights. Large ones make units that switch, and hold.
    """

    guesses: ClassVar[int] = 64

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=4096)] = 3,
        reach: Annotated[float, Field(gt=0, le=10_000)] = 100.0,
    ) -> None:
        super().__init__(spec)
        self.hidden_size, self.reach = hidden_size, reach
        self.U = nn.Parameter(torch.empty(hidden_size, spec.input_size))
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.V = nn.Parameter(torch.empty(spec.output_size, hidden_size))
        self.c = nn.Parameter(torch.empty(spec.output_size))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return h(0) = 0."""
        return ((self.W.new_zeros(rows, self.hidden_size),),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        ((h,),) = self.start({}, len(inputs)) if state is None else state
        if self.spec.inputs == "tokens":
            sums = self.U.t()[inputs.clamp(min=0)] + self.b  # (B, T, H)
        else:
            sums = F.linear(inputs, self.U, self.b)
        padded = bool((inputs == PAD).any()) if self.spec.inputs == "tokens" else False
        hidden = []
        for step, share in enumerate(sums.unbind(1)):
            new = torch.sigmoid(share + F.linear(h, self.W))
            h = torch.where((inputs[:, step] == PAD)[:, None], h, new) if padded else new
            hidden.append(h)
        outputs = F.linear(torch.stack(hidden, 1), self.V, self.c)
        return (torch.sigmoid(outputs) if self.spec.outputs == "values" else outputs), ((h,),)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights: a guess."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-self.reach, self.reach, generator=generator)

    @staticmethod
    def parameter_count(spec: Spec, hidden_size: int = 3, **options: object) -> int:
        """Return the number of weights: H (I + H + 1) + O (H + 1)."""
        inner = hidden_size * (spec.input_size + hidden_size + 1)
        return inner + spec.output_size * (hidden_size + 1)
