"""What every model is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqlab.contracts import Batch, Spec, State
from seqlab.models._cell import Input


class Judge(Protocol):
    """What has a loss: a task."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss over what counts."""


class SequenceModel(nn.Module, ABC):
    """A model that reads a sequence and answers at every step.

    What is known before the first step is the state to start from: :meth:`start` reads the context once, and
    what it makes of it is part of the state. A subclass writes :meth:`forward`, :meth:`initialise` and, where
    it has a state or takes a context, :meth:`start`.

    Attributes:
        spec: what it knows of its task.
        noise: the generator that dropout draws from; the training loop seeds it anew at every step, so that
            the noise of step n does not depend on how the run came there.
        reads: the kinds of input that it takes, of those of :class:`Spec`.
        takes: the forms of context that it takes, as :attr:`Signal.form` has them: ``tokens(time)``; a task
            with a context of another form is refused.
        needs_context: whether it takes only tasks that give something before the first step.
        draws: whether it answers with the pixels of the picture that it sees, as bits, and can
            :meth:`imagine` others.
        causal: whether its answer at a step depends on that step and the past only.
        bfloat16_from: the number of parameters from which its training gains by products in bfloat16, where
            there are units for them; None where it never does.
        counts: whether it learns by counting the training text in one step, instead of by gradient.
        guesses: how many times it draws its weights anew at each update, of which the best are kept, instead
            of learning; 0 for models that learn.
        early: up to how many :attr:`updates` it does something else in training than later; None where that
            is not said.
    """

    component: ClassVar = "model"
    reads: ClassVar[tuple[str, ...]] = ("tokens", "features")
    takes: ClassVar[tuple[str, ...]] = ()
    needs_context: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    causal: bool = True
    bfloat16_from: int | None = None
    counts: ClassVar[bool] = False
    guesses: ClassVar[int] = 0
    early: int | None = None

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.noise = torch.Generator()
        self._updates, self._stands_for_all = 0, False

    @property
    def updates(self) -> int:
        """How many updates have been made, which the training loop says before each.

        It is for what training does otherwise at first.

        Raises:
            RuntimeError: within :meth:`steady`, of a model that has not said how long it is :attr:`early`.
        """
        if self._stands_for_all and self.early is None:
            raise RuntimeError("what it does depends on how many updates have been made")
        return self._updates

    @updates.setter
    def updates(self, made: int) -> None:
        self._updates = made

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Let an update stand for all, for a while: then it must not depend on how many there were."""
        self._stands_for_all = True
        try:
            yield
        finally:
            self._stands_for_all = False

    @classmethod
    def nearest_size(cls, hidden_size: int, **options: Any) -> int:
        """Return a ``hidden_size`` that the model takes: this one, or else the nearest.

        What divides its width among heads, say, takes multiples of their number. Every other size is refused,
        and where sizes are chosen, as to match parameters, this says which. ``options`` are the model's other
        settings, all or some of them.
        """
        return hidden_size

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return the state before the first step, on the model's device.

        Args:
            context: by the names of the Spec what is known before, (B, ...) each; empty where nothing is.
            rows: of the batch, B.
        """
        return ()

    @abstractmethod
    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            inputs: (B, T) int64 symbols or (B, T, I) features.
            state: from :meth:`start` or from reading what came before; None where there is no context, for
                ``start({}, B)``.

        Returns:
            Outputs (B, T, O) and the state after the last step.
        """

    def alignments(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        """Return where in its context each step looks, by the name of what looks.

        Args:
            inputs: as of :meth:`forward`.
            state: likewise.

        Returns:
            Weights (B, T, S) over the places of the context, which in each step sum to 1; nothing, of a model
            that does not look.
        """
        return {}

    def centres(self, rows: int, columns: int) -> Sequence[tuple[int, int]]:
        """Return the pixel, by row and column, that each place is centred on which :meth:`alignments` weighs.

        Here each pixel is a place; a model that looks at larger ones says so.

        Args:
            rows: of a picture.
            columns: likewise.
        """
        return list(product(range(rows), range(columns)))

    def windows(self, inputs: Tensor, state: State) -> Mapping[str, Tensor]:
        """Return which parts of a picture each step sees or changes, by the name of what does.

        Args:
            inputs: as of :meth:`forward`.
            state: likewise.

        Returns:
            Upper, left, lower and right edge of N windows in pixels, the first of which goes from 0 to 1,
            (B, T, N, 4); nothing, of a model that sees all or nothing of a picture.
        """
        return {}

    def heads(self, inputs: Tensor, state: State) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Return of each head that reads or writes a memory where it stands, and what it reads or adds.

        Args:
            inputs: as of :meth:`forward`.
            state: likewise.

        Returns:
            By the name of the head its weights (B, T, N) over the slots, and vectors (B, T, W); nothing, of a
            model without such a memory.
        """
        return {}

    def dropped(self, x: Tensor, share: float) -> Tensor:
        """Return numbers of which training silences a share, drawn from :attr:`noise`, while others grow."""
        if not self.training or share == 0:
            return x
        kept = torch.empty(x.shape, device=self.noise.device).bernoulli_(1 - share, generator=self.noise)
        return x * kept.div_(1 - share).to(x.device, x.dtype)

    def learn(self, task: Judge, batch: Batch) -> Tensor | None:
        """Return the loss of a batch, of a model that learns from more than its answers, or from less.

        None where it learns from these; then it is the task's loss, with what was :meth:`paid`. A model that
        chooses adds what teaches it to choose (:func:`seqlab.models._choosing.reinforced`); one that learns
        from a few words of a large vocabulary need not answer for all of them at every step.

        Args:
            task: whose ``loss(outputs, batch)`` is the mean loss over what counts.
            batch: to be read from its start.
        """
        return None

    def paid(self, state: State) -> Tensor | None:
        """Return what a model has paid for its answers besides, in nats, (B,); None where they are free.

        So the code of a picture has a price where a lower bound of its likelihood is learned. It is added to
        the task's loss, in training and wherever the model is judged.

        Args:
            state: after the last step of a batch.
        """
        return None

    def imagine(self, inputs: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Return pictures that nobody has shown, of a model that :attr:`draws`: logits of their pixels.

        Args:
            inputs: as of :meth:`forward`, (B, T).
            size: rows and columns R and C of a picture.
            generator: what is drawn from.

        Returns:
            What is there after each step, (B, T, R C features).
        """
        raise NotImplementedError

    def vectors(self) -> Tensor | None:
        """Return the vector as which each symbol is read, (V, D); None where no symbols are looked up."""
        if self.spec.inputs == "tokens":
            for module in self.modules():
                if isinstance(module, Input) and module.weight.shape[1] == self.spec.input_size:
                    return module.weight.t()
                if isinstance(module, nn.Embedding) and module.num_embeddings == self.spec.input_size:
                    return module.weight
        return None

    @abstractmethod
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights from ``generator``."""

    def count(self, text: NDArray[np.integer]) -> None:
        """Learn from a text, (T,) symbols, where the model is one that :attr:`counts`."""
        raise NotImplementedError
