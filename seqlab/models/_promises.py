"""What every model promises, as checks that run over any model by its name.

A model says by its attributes what does not apply to it: ``reads`` (kinds of input), ``takes`` (forms of
context), ``causal``, ``counts`` (it learns by counting a text), ``nearest_size``. Around a cell, networks of
several layers and directions are built; what cells promise besides, and all promises in their order, stand in
:mod:`seqlab.models._cell_promises`.

A variant that the model refuses by a :class:`SettingsError` is left out: that is no broken promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seqlab.contracts import PAD, State, keep_rows
from seqlab.models import Recurrent, SequenceModel, detach
from seqlab.models._variants import (
    Variant,
    is_whole,
    require_slopes,
    variants,
    weighed,
)
from seqlab.promises import nothing_drawn_globally

Promise = Callable[[str], None]
"""Checks a model, by its registered name or the name of an admitted plug-in."""


REMEDY = (
    "Weights are drawn in initialise, from its generator, noise from self.noise; nn.Linear and nn.Embedding "
    "draw weights when they are made, nn.Dropout draws noise."
)


def answers_have_the_promised_shape(name: str) -> None:
    """Outputs are (B, T, O), what is paid (B,); the state has the row first, and keeps its shapes."""
    for variant in variants(name):
        for batch, steps in ((1, 1), (3, 1), (1, 6), (3, 6)):
            start = variant.start(batch)
            outputs, state = variant.model(variant.inputs(batch, steps), start)
            expected = (batch, steps, variant.model.spec.output_size)
            variant.require(outputs.shape == expected, f"outputs are {tuple(outputs.shape)}, not {expected}")
            shapes = [part.shape for parts in state for part in parts]
            variant.require(
                all(shape[:1] == (batch,) for shape in shapes), f"a state of {batch} rows is {shapes}"
            )
            before = [part.shape for parts in start or () for part in parts]
            variant.require(
                shapes == before or start is None, f"the state was {before} and has become {shapes}"
            )
            paid = variant.model.paid(state)
            variant.require(
                paid is None or (paid.shape == (batch,) and (paid >= 0).all()),
                f"what is paid for {batch} rows is {paid}, not as many numbers from 0 on",
            )


def the_same_seed_gives_the_same_model(name: str) -> None:
    """Weights and buffers are a function of the seed; nothing in them is left undrawn."""
    for one, again, other in zip(variants(name), variants(name), variants(name, seed=2), strict=True):
        drawn, drawn_again = (dict(_weights(variant.model)) for variant in (one, again))
        for key, value in drawn.items():
            one.require(torch.isfinite(value).all(), f"{key} is not finite at the start")
        one.same(drawn_again, drawn, "the same seed gives another model", exact=True)
        for part, beside in zip(_drawn_parts(one.model), _drawn_parts(other.model), strict=True):
            pairs = list(zip(part.parameters(), beside.parameters(), strict=True))
            alike = bool(pairs) and all(torch.equal(p, q) for p, q in pairs)
            one.require(not alike, f"another seed gives the same weights of {type(part).__name__}")


def nothing_is_drawn_from_a_global_random_state(name: str) -> None:
    """Neither a constructor nor a step draws from what has no seed of ours, in training or not."""
    with nothing_drawn_globally("The constructor, or initialise,", REMEDY):
        made = list(variants(name))
    for variant in made:
        for training in (False, True):
            with nothing_drawn_globally(f"{variant}: reading{' in training' * training}", REMEDY):
                variant.model.train(training)
                _, state = variant.model(variant.inputs(3, 6), variant.start(3))
                variant.model(variant.inputs(3, 1), state)


def noise_comes_from_the_model_and_in_training_only(name: str) -> None:
    """Answers are the same again; in training, what is drawn, as by dropout, comes from ``model.noise``."""
    for options in ({}, {"dropout": 0.5}):
        for variant in variants(name, options=options):
            answer = partial(_noisy_answer, variant.model, variant.inputs(3, 6), variant.start(3))
            variant.same(answer(2), answer(1), "the same input is answered differently", exact=True)
            variant.model.train()
            variant.same(
                answer(1), answer(1), "the same noise is answered differently in training", exact=True
            )
            if "dropout" in variant.options:
                variant.require(not torch.equal(answer(1), answer(2)), "dropout=0.5 drops nothing")


def rows_are_independent(name: str) -> None:
    """A row of a batch, with its context, is answered as it is alone; rows can be chosen and repeated."""
    for variant in variants(name):
        x, start = variant.inputs(4, 8), variant.start(4)
        outputs, state = variant.model(x, start)
        for row in range(4):
            chosen = torch.tensor([row])
            context = {key: part[chosen] for key, part in variant.context(4).items()}
            begun = variant.model.start(context, 1)
            variant.same(
                begun, keep_rows(start or (), chosen), "a row's start depends on other rows' context"
            )
            alone = variant.model(x[chosen], start and keep_rows(start, chosen))
            beside = outputs[chosen], keep_rows(state, chosen)
            variant.same(alone, beside, "a row alone differs from the row beside others")
        rows, further = torch.tensor([2, 0, 0]), variant.inputs(4, 3, seed=2)
        on = variant.model(further[rows], keep_rows(state, rows))[0]
        variant.same(on, variant.model(further, state)[0][rows], "chosen rows of a state do not read on")


def gradients_are_the_slopes(name: str) -> None:
    """Those of weights, features and the first state are what small changes of them make of the answers."""
    for variant in variants(name):
        if variant.model.counts:
            continue  # its tables are counts, no weights
        model, x = variant.model, variant.inputs(2, 4)
        state = detach(model(variant.inputs(2, 3, seed=2), variant.start(2))[1])  # one that it comes to
        weights = ((key, weight) for key, weight in model.named_parameters() if weight.requires_grad)
        leaves: dict[str, Tensor] = dict(weights)
        parts = [part for parts in state for part in parts]
        leaves |= {f"part {k} of the state": part for k, part in enumerate(parts) if not is_whole(part)}
        leaves |= {"features": x} if x.is_floating_point() else {}
        require_slopes(partial(_weighed_answer, model, x, state), leaves, str(variant))


def chunks_with_carried_state_equal_the_whole(name: str) -> None:
    """A sequence read in chunks, or step by step, gives what the whole gives."""
    for variant in _causal(name):
        x, state = variant.inputs(3, 11), variant.start(3)
        whole = variant.model(x, state)
        pieces = []
        for chunk in torch.split(x, [1, 4, 1, 5], 1):
            piece, state = variant.model(chunk, state)
            pieces.append(piece)
        variant.same((torch.cat(pieces, 1), state), whole, "chunks with carried state differ from the whole")


def the_future_never_changes_the_past(name: str) -> None:
    """An answer depends on what came until then, and on that it does depend."""
    for variant in _causal(name):
        x, other = variant.inputs(3, 9), variant.inputs(3, 9, seed=2)
        changed = torch.cat([x[:, :5], other[:, 5:]], 1)
        before, after = (variant.model(read, variant.start(3))[0] for read in (x, changed))
        variant.same(after[:, :5], before[:, :5], "the future changes the past, although the model is causal")
        variant.require(not torch.equal(after[:, 5:], before[:, 5:]), "the inputs change nothing")


def the_state_is_held_through_padding(name: str) -> None:
    """Where there is nothing but padding, the state stays to the bit, and answers are finite."""
    for variant in _of_symbols(name):
        _, state = variant.model(variant.inputs(3, 4), variant.start(3))
        outputs, held = variant.model(torch.full((3, 5), PAD), state)
        variant.require(torch.isfinite(outputs).all(), "what is answered to padding is not finite")
        variant.same(held, state, "padding changes the state", exact=True)


def padding_in_front_changes_nothing(name: str) -> None:
    """A sequence with padding in front is answered as without, from any state."""
    for variant in _of_symbols(name):
        x, padding = variant.inputs(4, 8), torch.full((4, 3), PAD)
        _, state = variant.model(variant.inputs(4, 3, seed=2), variant.start(4))
        for start in (variant.start(4), state):
            answers, end = variant.model(x, start)
            padded_answers, padded_end = variant.model(torch.cat([padding, x], 1), start)
            found = padded_answers[:, 3:], padded_end
            variant.same(found, (answers, end), "padding in front changes the answers or the state")


def padding_of_rows_of_different_lengths_changes_nothing(name: str) -> None:
    """Rows of different lengths beside one another are answered as alone and without padding, twice over."""
    lengths = (8, 5, 0, 7, 5)
    for variant in _of_symbols(name):
        x = variant.inputs(5, 8)
        for row, steps in enumerate(lengths):
            x[row, : 8 - steps] = PAD
        start = variant.start(5)
        first, state = variant.model(x, start)
        second, end = variant.model(x.flip(0), state)  # other lengths, from states of different ages
        for row, steps in enumerate(lengths):
            chosen, other = torch.tensor([row]), lengths[::-1][row]
            alone = start and keep_rows(start, chosen)
            for outputs, read, count in ((first, x, steps), (second, x.flip(0), other)):
                if count:
                    answers, alone = variant.model(read[chosen, 8 - count :], alone)
                    variant.same(
                        answers, outputs[chosen, 8 - count :], "rows of different lengths disturb one another"
                    )
            if alone is not None:
                variant.same(keep_rows(end, chosen), alone, "rows of different lengths end in other states")


def what_looks_tells_where_as_it_reads(name: str) -> None:
    """Weights of what looks at a source or a memory are shares of what is there, row by row, step by step."""
    for variant in variants(name):
        x, context = variant.inputs(3, 6), _with_padding(variant.context(3))
        start = variant.model.start(context, 3)
        seen = _seen(variant.model, x, start)
        for key, part in seen.items():
            shape = f"{key} is {tuple(part.shape)}, not of 3 rows and 6 steps"
            variant.require(part.dim() in (3, 4) and part.shape[:2] == (3, 6), shape)
        for key, weights in variant.model.alignments(x, start).items():
            variant.require((weights >= 0).all(), f"weights of {key} are negative")
            variant.same(weights.sum(-1), torch.ones(3, 6), f"weights of {key} do not sum to 1")
            for places in _places_of_pictures(variant.model, context):
                said = f"{key} weighs {weights.shape[2]} places, but centres are {places}"
                variant.require(places == weights.shape[2], said)
            for padded in filter(_of_places(weights), map(_is_padding, context.values())):
                unseen = weights.masked_select(padded.flatten(1)[:, None])
                variant.require((unseen == 0).all(), f"{key} looks at padding")
        for row in range(3):
            chosen = torch.tensor([row])
            alone = _seen(variant.model, x[chosen], keep_rows(start, chosen))
            beside = {key: part[chosen] for key, part in seen.items()}
            variant.same(alone, beside, "a row looks elsewhere alone than beside others")
        if variant.model.causal:
            state, pieces = start or None, list[dict[str, Tensor]]()
            for chunk in torch.split(x, [1, 4, 1], 1):
                pieces.append(_seen(variant.model, chunk, state or ()))
                _, state = variant.model(chunk, state)
            carried = {key: torch.cat([piece[key] for piece in pieces], 1) for key in seen}
            variant.same(carried, seen, "with carried state it looks elsewhere than in the whole")


def nothing_depends_on_whether_gradients_are_kept(name: str) -> None:
    """Under ``torch.no_grad`` answers and states are the same."""
    for variant in variants(name):
        x, start = variant.inputs(3, 9), variant.start(3)
        learning = variant.model(x, start)
        with torch.no_grad():
            variant.same(variant.model(x, start), learning, "without gradients the answers are others")


def bfloat16_gives_nearly_the_same(name: str) -> None:
    """Under autocast answers are near, carried states fit, gradients are finite."""
    for variant in variants(name):
        x, start = (
            _single(value) for value in (variant.inputs(3, 20), detach(variant.start(3) or ()) or None)
        )
        model = variant.model.float()
        precise, _ = model(x, start)
        with torch.autocast("cpu", torch.bfloat16):
            half, state = model(x, start)
            model(x, state)  # the carried state fits
        apart, usual = (float(values.detach().square().mean().sqrt()) for values in (half - precise, precise))
        variant.require(apart < 0.05 + 0.05 * usual, f"bfloat16 is {apart:.3g} off, of {usual:.3g}")
        if half.requires_grad:
            half.float().sum().backward()
            gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
            finite = all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
            variant.require(finite, "gradients in bfloat16 are not finite")


def _weights(model: SequenceModel) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _drawn_parts(model: SequenceModel) -> list[nn.Module]:
    """Return what draws its weights: the cells of a network, or the model."""
    return list(model.cells) if isinstance(model, Recurrent) else [model] * (not model.counts)


def _noisy_answer(model: SequenceModel, x: Tensor, start: State | None, seed: int) -> Tensor:
    model.noise.manual_seed(seed)
    outputs: Tensor = model(x, start)[0]
    return outputs.detach()


def _weighed_answer(model: SequenceModel, x: Tensor, state: State) -> Tensor:
    outputs, end = model(x, state or None)
    return weighed([outputs, *(part for parts in end for part in parts)])


def _seen(model: SequenceModel, x: Tensor, state: State) -> dict[str, Tensor]:
    """Return all that a model tells of where it looks, (B, T, ...) each."""
    found = {**model.alignments(x, state), **model.windows(x, state)}
    for key, (weights, vectors) in model.heads(x, state).items():
        found |= {f"{key}, where": weights, f"{key}, what": vectors}
    return found


def _places_of_pictures(model: SequenceModel, context: dict[str, Tensor]) -> list[int]:
    """Return of each picture of a context on how many pixels a model says that its places are centred."""
    pictures = [name for name, signal in model.spec.context.items() if signal.is_picture]
    return [len(model.centres(*context[name].shape[1:3])) for name in pictures]


def _with_padding(context: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put padding in front of symbols: none in the first row, one place in the second, two in the third."""
    for places in context.values():
        if not places.is_floating_point():
            for row in range(len(places)):
                places[row, :row] = PAD
    return context


def _is_padding(places: Tensor) -> Tensor:
    return torch.zeros_like(places, dtype=torch.bool) if places.is_floating_point() else places == PAD


def _of_places(weights: Tensor) -> Callable[[Tensor], bool]:
    """Say whether some places are those that weights (B, T, S) are of."""
    return lambda places: places.flatten(1).shape[1] == weights.shape[2]


def _causal(name: str) -> Iterator[Variant]:
    return (variant for variant in variants(name) if variant.model.causal)


def _of_symbols(name: str) -> Iterator[Variant]:
    return (variant for variant in variants(name) if variant.model.spec.inputs == "tokens")


def _single(value: Any) -> Any:
    """Bring the features, or the parts of a state, to single precision."""
    if isinstance(value, tuple):
        return tuple(_single(part) for part in value)
    if isinstance(value, Tensor) and value.is_complex():
        return value.to(torch.complex64)
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
