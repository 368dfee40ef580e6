"""The n-gram model of characters, smoothed by Kneser and Ney: it counts, and learns nothing by gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import PAD, Spec, State
from seqlab.errors import SettingsError
from seqlab.models._base import SequenceModel
from seqlab.text import ngram
from seqlab.text.ngram import MAX_ORDER

_ABSENT = -1  # as an index it picks the last weight: pass on everything
_LAST_KEY = torch.iinfo(torch.int64).max


class Level(NamedTuple):
    """The grams of one order, as :class:`seqlab.text.ngram.Level` has them; ``kept`` of real ones only."""

    keys: Tensor
    kept: Tensor
    weight: Tensor


class NGram(SequenceModel):
    """Interpolated modified Kneser-Ney, the classical baseline of a language model.

        p(w | h) = kept(hw) + weight(h) p(w | h')

    with h the order - 1 symbols before w, and h' these without the oldest.
    See :mod:`seqlab.text.ngram` for the discounts, how grams are kept, and the source. The outputs are
    log-probabilities. The state is what was read last: one part, (B, order - 1) symbols, PAD where there is
    none; so the context begins anew where the state does. Before it has counted a text, every symbol is as
    likely as every other.

    Args:
        spec: of a task whose inputs and outputs are symbols of one vocabulary.
        order: the n of n-gram; a symbol is predicted from its order - 1 predecessors.

    Raises:
        SettingsError: when the task is of another kind.
    """

    reads = ("tokens",)
    counts = True
    keys_1: Tensor

    def __init__(self, spec: Spec, *, order: Annotated[int, Field(ge=1, le=MAX_ORDER)] = 7) -> None:
        super().__init__(spec)
        if (spec.outputs, spec.output_size) != ("classes", spec.input_size):
            raise SettingsError(
                "The model ngram predicts the next symbol of a text; this task asks for something else.",
                hint="Use it with a language model's task, such as char-lm.",
            )
        self.order = order
        for k in range(1, order + 1):
            self._put(k, torch.full((1,), _LAST_KEY), torch.zeros(0), torch.ones(2))

    def count(self, text: NDArray[np.integer]) -> None:
        """Count a text, (T,) symbols, in the place of what was counted before."""
        counted = ngram.fit(text, self.spec.input_size, self.order)
        for k, level in enumerate(counted.levels, 1):
            self._put(k, *map(torch.from_numpy, (level.keys, level.kept[:-1], level.weight)))

    def initialise(self, generator: torch.Generator) -> None:
        """Nothing is drawn."""

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        """Return symbols that are none; see :meth:`SequenceModel.start`."""
        return ((self.keys_1.new_full((rows, self.order - 1), PAD),),)

    @torch.no_grad()
    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        before, steps = self.order - 1, inputs.shape[1]
        ((read,),) = self.start({}, len(inputs)) if state is None else state
        symbols = torch.cat([read, inputs], 1)  # (B, before + T)
        padding = (inputs == PAD).sum(1, keepdim=True)  # (B, 1); it stands in front of the inputs
        symbols = symbols.gather(1, _padding_first(padding, before, symbols.shape[1]))
        shown = torch.arange(steps, device=inputs.device).expand_as(inputs).maximum(padding - 1) + before
        contexts = [ids.gather(1, shown).flatten() for ids in self._contexts(symbols)]
        outputs = self._mix(contexts).log_().view(*inputs.shape, -1)
        return outputs, ((symbols[:, steps:],),)

    def _contexts(self, symbols: Tensor) -> Iterator[Tensor]:
        """Yield the ids of the grams of 0, 1, ... order - 1 symbols that end at each place of (B, T)."""
        gram = torch.zeros_like(symbols)
        yield gram
        for k, level in enumerate(self.levels()[:-1]):
            context = gram
            if k > 0:  # the context of a place is the shorter gram that ends one place before
                context = torch.full_like(gram, _ABSENT)
                context[:, 1:] = gram[:, :-1]
            key = context * self.spec.input_size + symbols
            place = torch.searchsorted(level.keys, key)
            found = (context >= 0) & (symbols >= 0) & (level.keys[place] == key)
            gram = torch.where(found, place, _ABSENT)
            yield gram

    def _mix(self, contexts: list[Tensor]) -> Tensor:
        """Return p(w | h), (N, V), for contexts of 0, 1, ... order - 1 symbols by their ids, each (N,)."""
        unigrams, *longer = self.levels()
        size = self.spec.input_size
        probability = unigrams.kept.new_full((1, size), 1 / size)
        _add(probability, unigrams, contexts[0][:1])  # the empty context is the same everywhere
        if not longer:
            return probability.repeat(len(contexts[0]), 1)
        few, row = torch.unique(contexts[1], return_inverse=True)  # of one symbol: at most V + 1
        probability = probability.repeat(len(few), 1)
        _add(probability, longer[0], few)
        probability = probability[row]
        for level, context in zip(longer[1:], contexts[2:], strict=True):
            _add(probability, level, context)
        return probability

    def levels(self) -> list[Level]:
        """Return what was counted, order by order, unigrams first."""
        return [
            Level(*(getattr(self, f"{name}_{k}") for name in Level._fields)) for k in range(1, self.order + 1)
        ]

    def _put(self, k: int, keys: Tensor, kept: Tensor, weight: Tensor) -> None:
        """Set the arrays of order k. A gram's share is a parameter, though no optimiser moves it."""
        old = next(self.parameters(), torch.zeros(1))
        self.register_buffer(f"keys_{k}", keys.to(old.device))
        self.register_buffer(f"weight_{k}", weight.to(old))
        self.register_parameter(f"kept_{k}", nn.Parameter(kept.to(old)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Make room for as many grams as are loaded, where the arrays belong together."""
        contexts = 2  # the empty one, and the entry for an absent one
        for k in range(1, self.order + 1):
            arrays = [state_dict.get(f"{prefix}{name}_{k}") for name in Level._fields]
            if not all(isinstance(array, Tensor) and array.dim() == 1 for array in arrays):
                break
            level = Level(*(torch.empty_like(array) for array in arrays if array is not None))
            if (len(level.kept), len(level.weight)) != (len(level.keys) - 1, contexts):
                break
            self._put(k, *level)
            contexts = len(level.keys)
        super()._load_from_state_dict(state_dict, prefix, *args)


def _add(probability: Tensor, level: Level, context: Tensor) -> None:
    """Go up one order, in place: p becomes kept + weight p, (N, V), after contexts given by their ids, (N,).

    The grams that go on from a context stand side by side among the sorted keys.
    """
    size = probability.shape[1]
    probability.mul_(level.weight[context][:, None])
    first = torch.searchsorted(level.keys, context * size)
    number = torch.searchsorted(level.keys, (context + 1) * size) - first
    rows = torch.arange(len(context), device=context.device)
    row = rows.repeat_interleave(number)
    ahead = number.cumsum(0) - number  # grams of the rows before
    place = torch.arange(len(row), device=context.device).add_((first - ahead)[row])
    entry = level.keys[place].add_(((rows - context) * size)[row])  # row * size + symbol
    probability.view(-1).index_add_(0, entry, level.kept[place])


def _padding_first(padding: Tensor, before: int, length: int) -> Tensor:
    """Say where each place of (B, length) is filled from so that padding stands before the state, too."""
    place = torch.arange(length, device=padding.device)
    held = torch.where(place < padding + before, place - padding, place)
    return torch.where(place < padding, place + before, held)
