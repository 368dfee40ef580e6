"""Skip-gram with negative sampling: a vector for each word, from the words that stand near it."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Batch, Spec, State
from seqlab.errors import SettingsError
from seqlab.models._base import Judge, SequenceModel
from seqlab.models._cell import Input

BLOCK = 32
"""Words that share the symbols drawn for them, so that their scores are one product of matrices."""

DRAWN = 64
"""Symbols drawn for a block; they count as ``negatives`` for each pair."""

FLATTENED = 0.75
"""The power of its frequency with which a symbol is drawn."""


class SkipGram(SequenceModel):
    """Skip-gram with negative sampling: symbols are alike where the same symbols answer to them.

        s(c | w) = v(w) . u(c)
        loss     = mean over pairs of  softplus(-s(c | w)) + sum over n drawn from q of softplus(s(n | w))
        o(t)     = s(. | x(t)) + log q

    w is what is read and c what is to be answered: of the task near-words, a word and one that stands near
    it. There are ``negatives`` n for each pair, drawn from q, which is proportional to frequency^0.75 among
    the answers seen so far; those of :data:`BLOCK` words are the same :data:`DRAWN` ones, weighted. So no
    step scores the whole vocabulary. s tends to log p(c | w) / q(c) but for a constant, so that a softmax of
    o is p(c | w).

    Mikolov, Sutskever, Chen, Corrado & Dean, "Distributed representations of words and phrases and their
    compositionality", 2013. Levy & Goldberg, "Neural word embedding as implicit matrix factorization", 2014
    (what s tends to).

    Initialisation: both vectors uniform in plus or minus 1 / (2 H).

    Args:
        spec: of a task whose inputs and outputs are symbols of one vocabulary.
        hidden_size: numbers of a vector, H.
        negatives: symbols drawn for each pair.

    Raises:
        SettingsError: when the task is of another kind.
    """

    reads = ("tokens",)
    seen: Tensor

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 100,
        negatives: Annotated[int, Field(ge=1, le=1000)] = 5,
    ) -> None:
        super().__init__(spec)
        if spec.outputs != "classes":
            raise SettingsError(
                f"The model skip-gram answers with symbols; this task asks for {spec.outputs}.",
                hint="Use it with near-words, or another task of a text.",
            )
        self.negatives = negatives
        self.word = Input(spec.input_size, hidden_size, bias=False)  # v
        self.near = nn.Parameter(torch.empty(spec.output_size, hidden_size))  # u
        self.register_buffer("seen", torch.zeros(spec.output_size, dtype=torch.int64))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial vectors."""
        bound = 0.5 / self.near.shape[1]
        with torch.no_grad():
            for weight in (self.word.weight, self.near):
                weight.uniform_(-bound, bound, generator=generator)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Say what answers to each symbol; see :meth:`SequenceModel.forward`."""
        return self.word(inputs) @ self.near.t() + self._drawn_from().log(), ()

    def learn(self, task: Judge, batch: Batch) -> Tensor:
        """Return the loss over the pairs of a batch: what is read, and the target of that step."""
        counted = batch.inputs != PAD if batch.mask is None else batch.mask
        answers = batch.targets if batch.targets.dim() == 1 else batch.targets[counted]
        self.seen += torch.bincount(answers, minlength=len(self.seen))
        # A word that is read several times in a row, for each of its neighbours, is looked up once.
        words, which, pairs = torch.unique_consecutive(
            batch.inputs[counted], return_inverse=True, return_counts=True
        )
        v = self.word(words)  # (N, H)
        right = (v[which] * F.embedding(answers, self.near)).sum(-1)
        wrong = F.softplus(self._drawn_scores(v)).sum(-1) * (self.negatives / DRAWN)  # (N,)
        total: Tensor = F.softplus(-right).sum() + (wrong * pairs).sum()
        return total / len(answers)

    def _drawn_scores(self, v: Tensor) -> Tensor:
        """Return what words, (N, H), score for the symbols that are drawn for their blocks, (N, DRAWN)."""
        blocks = F.pad(v, (0, 0, 0, -len(v) % BLOCK)).view(-1, BLOCK, v.shape[1])
        weights, draws = self._drawn_from().detach().to(self.noise.device), len(blocks) * DRAWN
        drawn = torch.multinomial(weights, draws, replacement=True, generator=self.noise).to(v.device)
        u = F.embedding(drawn.view(-1, DRAWN), self.near)  # (blocks, DRAWN, H)
        return (blocks @ u.transpose(1, 2)).flatten(0, 1)[: len(v)]

    def _drawn_from(self) -> Tensor:
        """Return q; what was not seen counts as half seen."""
        weight = self.seen.clamp(min=0.5).to(self.near.dtype) ** FLATTENED
        return weight / weight.sum()
