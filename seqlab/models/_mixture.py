"""A network and an n-gram model that forecast together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from seqlab.contracts import State
from seqlab.models._base import SequenceModel
from seqlab.models.counting.ngram import NGram


class Mixture(SequenceModel):
    """What a network and an n-gram model say of the next symbol, mixed linearly.

        p(w | past) = (1 - share) p_network(w | past) + share p_ngram(w | past)

    They err in different places: counts know rare passages by heart that a network has not learned yet, a
    network knows what lies further back than a few symbols. So with a good share the mixture is better than
    either, as Mikolov et al. 2010 found for words. Both have been trained before, each by itself; the outputs
    are log-probabilities, and the state is the network's with the n-gram model's behind it.

    Args:
        network: a trained language model.
        ngram: one that has counted, over the same symbols.
        share: of the n-gram model, between 0 and 1.

    >>> from seqlab.contracts import Spec
    >>> spec = Spec("tokens", 3, "classes", 3, causal=True)
    >>> mixture = Mixture(NGram(spec, order=1), NGram(spec, order=2), 0.5)  # which have not counted yet
    >>> outputs, _ = mixture(torch.tensor([[0, 1]]))
    >>> outputs.exp().allclose(torch.tensor(1 / 3))
    True
    """

    reads = ("tokens",)

    def __init__(self, network: SequenceModel, ngram: NGram, share: float) -> None:
        super().__init__(network.spec)
        self.network, self.ngram, self.share = network, ngram, share

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the start state of both; see :meth:`SequenceModel.start`."""
        return (*self.network.start(context, rows), *self.ngram.start(context, rows))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        state = self.start({}, len(inputs)) if state is None else state
        scores, own = self.network(inputs, state[:-1])
        logs, counted = self.ngram(inputs, state[-1:])
        return mix(scores.log_softmax(-1), logs.to(scores), self.share), (*own, *counted)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the network's weights; it is for a network that has not been trained."""
        self.network.initialise(generator)


def mix(network: Tensor, ngram: Tensor, share: float) -> Tensor:
    """Mix log-probabilities, each (..., V), in nats.

    >>> mix(torch.tensor([0.2, 0.8]).log(), torch.tensor([0.6, 0.4]).log(), 0.25).exp()
    tensor([0.3000, 0.7000])
    """
    return torch.logaddexp(network + math.log1p(-share), ngram + math.log(share))
