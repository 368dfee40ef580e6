"""A recurrent cell: one layer that reads in one direction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.models._contract import require_parts, require_prepared, require_reading

if TYPE_CHECKING:
    from seqlab.models._library import Layer

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
"""Modules whose gains and biases stay as they start."""


class Input(nn.Module):
    r"""The input's share of a cell's sums, U x(t) + b.

    Symbols are looked up: U times a one-hot vector is a column of U, so no one-hot vector is ever made
    (CS231n-10). :data:`PAD` reads as symbol 0, which does not matter: the network holds the state there.

    Args:
        input_size: the number of symbols or features I.
        size: the number of sums N.
        bias: whether there is a b.

    Attributes:
        weight: U, (N, I).
        bias: b, (N,), or None.
    """

    bias: nn.Parameter

    def __init__(self, input_size: int, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, input_size))
        self.has_bias = bias
        self.register_parameter("bias", nn.Parameter(torch.empty(size)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        """Return U x + b: (...) symbols or (..., I) features to (..., N)."""
        if x.is_floating_point():
            return F.linear(x, self.weight, self.bias)
        column = F.embedding(x.clamp(min=0), self.weight.t())
        return column + self.bias if self.has_bias else column


class Cell(nn.Module, ABC):
    """A recurrent cell: one layer, one direction. Derive from it, write :meth:`step`, and it is a model.

    The state is a tuple of parts, each (B, ...); the first part is h (B, H), the cell's output. The
    keyword-only arguments of the constructor are the cell's settings.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.

    Attributes:
        reads: the kinds of input that it takes, of those of :class:`Spec`.
        parts: the names of the parts of the state.
        bfloat16_from: as of :class:`SequenceModel`; a cell of step after step rarely gains.
        recurrent: the names of the weights that the state is multiplied with, which weight dropout silences.
        network: what is built around the cell; its keyword-only arguments are settings, too.
    """

    component: ClassVar = "model"
    reads: ClassVar[tuple[str, ...]] = ("tokens", "features")
    parts: tuple[str, ...] = ("h",)
    bfloat16_from: ClassVar[int | None] = None
    recurrent: tuple[str, ...] = ()
    network: ClassVar[type[nn.Module]]

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    @classmethod
    def nearest_size(cls, hidden_size: int, **options: Any) -> int:
        """Return a number of units that the cell takes: this one, or else the nearest.

        A cell of several heads, say, takes multiples of their number; every other number is refused, and
        where sizes are chosen, as to match parameters, this says which.
        """
        return hidden_size

    def gains_from(self, *, vectors: bool) -> int | None:
        """Return from how many parameters a network of it gains by bfloat16; None where it never does.

        Args:
            vectors: whether what it reads are vectors, and not symbols, which are looked up.
        """
        return self.bfloat16_from

    def prepare(self) -> tuple[Tensor, ...]:
        """Compute what is the same for all steps, such as a matrix exponential: once a sequence.

        Returns:
            What :meth:`step` is given behind the state.
        """
        return ()

    @abstractmethod
    def step(
        self, x: Tensor, state: tuple[Tensor, ...], *prepared: Any, **_: Any
    ) -> tuple[Tensor, ...]:  # typed so that a cell which prepares nothing may leave the rest out
        """Advance one step, by the equations as they are written.

        Args:
            x: (B,) symbols or (B, I) features; :class:`Input` takes either.
            state: the parts of the state, (B, ...) each.
            *prepared: from :meth:`prepare`.

        Returns:
            The new parts; the first is h.
        """

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence without padding; the fast path of a cell overrides this.

        Args:
            x: (B, T) symbols or (B, T, I) features.
            state: the parts of the state, (B, ...) each.

        Returns:
            h at every step (B, T, H), and the state after the last.
        """
        return self.steps(x, state)

    def in_library(self, *, features: bool) -> Layer | None:
        """Return the layer of torch's with which :meth:`forward` reads; None where it has another way.

        On a GPU layers with nothing between them are then read at once.

        Args:
            features: whether features are read, and not symbols.
        """
        return None

    def steps(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Do what :meth:`forward` does, one :meth:`step` after the other."""
        outputs, prepared = [], self.prepared()
        for x_t in x.unbind(1):
            state = self.advance(x_t, state, prepared)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state

    def prepared(self) -> tuple[Tensor, ...]:
        """Return what :meth:`prepare` computes; what is no tuple is refused."""
        found = self.prepare()
        require_prepared(self.prepare, found)
        return found

    def advance(
        self, x: Tensor, state: tuple[Tensor, ...], prepared: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Take one :meth:`step`; what is no state in the shapes of the one before is refused."""
        new = self.step(x, state, *prepared)
        require_parts(self.step, new, self.parts, state)
        return new

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return the state before the first step: zeros, (B, H) for each part.

        Parts of another shape are started by the cell itself.
        """
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch, self.hidden_size) for _ in self.parts)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights: uniform in plus or minus 1 / sqrt(H), as PyTorch's layers do.

        Norms keep the gains and biases with which their modules start.
        """
        bound = self.hidden_size**-0.5
        with torch.no_grad():
            for module in self.modules():
                if not isinstance(module, NORMS):
                    for parameter in module.parameters(recurse=False):
                        parameter.uniform_(-bound, bound, generator=generator)

    @classmethod
    def parameter_count(cls, input_size: int, hidden_size: int, **options: Any) -> int:
        """Return the number of weights of a cell of that size; a cell may state its formula instead."""
        with torch.device("meta"):
            cell = cls(input_size, hidden_size, **options)
        return sum(parameter.numel() for parameter in cell.parameters())


def read_cell(cell: Cell, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Read a sequence as :meth:`Cell.forward` does; a step alone by the step form.

    A step alone, as in generation, costs less than the fast path's set-up.
    """
    if x.shape[1] > 1:
        found: tuple[Tensor, tuple[Tensor, ...]] = cell(x, state)
        require_reading(cell.forward, found, (*x.shape[:2], cell.hidden_size))
        require_parts(cell.forward, found[1], cell.parts, state)
        return found
    state = cell.advance(x[:, 0], state, cell.prepared())
    return state[0][:, None], state


def linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    """Return a linear layer whose weights are yet to be drawn.

    By itself nn.Linear draws them from the global generator. nn.utils.skip_init keeps it from that, too, but
    has torch import a computer algebra system, which takes as long as a small run.
    """
    layer = nn.Linear(inputs, outputs, bias, device="meta")
    layer.weight = nn.Parameter(torch.empty(outputs, inputs))
    if bias:
        layer.bias = nn.Parameter(torch.empty(outputs))
    return layer
