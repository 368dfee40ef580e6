"""What every model promises, as checks that run over any model by its name.

A model says by its attributes what does not apply to it: ``reads`` (kinds of input), ``causal``, ``counts``
(it learns by counting a text). Around a cell, networks of several layers and directions are built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Literal, get_args, get_origin

import torch
from torch import Tensor
from torch.testing import assert_close

from seqlab import registry
from seqlab.contracts import PAD, Spec, numpy_stream, torch_stream
from seqlab.models import Cell, Recurrent, SequenceModel, build_model, count_parameters
from seqlab.settings import Component

Check = Callable[[str], None]
SYMBOLS = OUTPUTS = 5  # as for the next symbol of a text, which suits every model
CLOSE = {"rtol": 1e-6, "atol": 1e-10}
NETWORKS = (
    {"hidden_size": 7},
    {"hidden_size": 7, "layers": 2},
    {"hidden_size": 7, "layers": 2, "bidirectional": True},
)


def variants(name: str, *, seed: int = 1) -> Iterator[SequenceModel]:
    """Build the model in float64 for each kind of input that it reads and, if it is a cell, each network."""
    cls = registry.load("model", name)
    for kind in cls.reads:
        for options in NETWORKS if issubclass(cls, Cell) else ({},):
            spec = Spec(kind, SYMBOLS, "classes", OUTPUTS, causal=False)
            model = build_model(Component(name=name, **options), spec, seed).double()
            if getattr(model, "counts", False):  # it learns by counting a text, and says nothing before
                model.count(numpy_stream(seed, "text").integers(0, SYMBOLS, 400))
            yield model


def inputs(model: SequenceModel, batch: int, steps: int, *, seed: int = 1) -> Tensor:
    generator = torch_stream(seed, "inputs")
    if model.spec.inputs == "tokens":
        return torch.randint(0, SYMBOLS, (batch, steps), generator=generator)
    return torch.randn(batch, steps, SYMBOLS, dtype=torch.float64, generator=generator)


def pad(x: Tensor, steps: int) -> Tensor:
    return torch.cat([x.new_full((len(x), steps), PAD), x], 1)


def choices(cls: type[Cell]) -> Iterator[dict[str, str]]:
    """Yield options of the cell: none, and every value of each one that is a choice of words."""
    yield {}
    fields = registry.options(cls).model_fields
    for key, field in fields.items():
        for value in get_args(field.annotation) if get_origin(field.annotation) is Literal else ():
            if key != "start" and value != field.default:  # where it starts does not change how it runs
                yield {key: value}


def answers_have_the_promised_shape(name: str) -> None:
    for model in variants(name):
        for batch, steps in ((1, 1), (3, 1), (1, 6), (3, 6)):
            outputs, state = model(inputs(model, batch, steps))
            assert outputs.shape == (batch, steps, model.spec.output_size)
            assert all(len(part) == batch for parts in state for part in parts)


def chunks_with_carried_state_equal_the_whole(name: str) -> None:
    for model in filter(lambda model: model.causal, variants(name)):
        x = inputs(model, 3, 11)
        whole, end = model(x)
        state, pieces = None, []
        for chunk in x.split([1, 4, 1, 5], 1):
            piece, state = model(chunk, state)
            pieces.append(piece)
        assert_close(torch.cat(pieces, 1), whole, **CLOSE)
        assert_close(state, end, **CLOSE)


def the_future_never_changes_the_past(name: str) -> None:
    for model in filter(lambda model: model.causal, variants(name)):
        x, other = inputs(model, 3, 9), inputs(model, 3, 9, seed=2)
        changed = torch.cat([x[:, :5], other[:, 5:]], 1)
        before, after = model(x)[0], model(changed)[0]
        assert_close(after[:, :5], before[:, :5], **CLOSE)
        assert not torch.equal(after[:, 5:], before[:, 5:])


def rows_are_independent(name: str) -> None:
    for model in variants(name):
        x = inputs(model, 4, 8)
        outputs, state = model(x)
        for row in range(4):
            alone, end = model(x[row : row + 1])
            assert_close(outputs[row : row + 1], alone, **CLOSE)
            assert_close(
                [part[row : row + 1] for parts in state for part in parts], [p for q in end for p in q]
            )


def padding_in_front_changes_nothing(name: str) -> None:
    for model in filter(lambda model: model.spec.inputs == "tokens", variants(name)):
        x = inputs(model, 4, 8)
        _, state = model(inputs(model, 4, 3, seed=2))
        for start in (None, state):
            answers, end = model(x, start)
            padded_answers, padded_end = model(pad(x, 3), start)
            assert_close(padded_answers[:, 3:], answers, **CLOSE)
            assert_close(padded_end, end, **CLOSE)


def padding_of_rows_of_different_lengths_changes_nothing(name: str) -> None:
    for model in filter(lambda model: model.spec.inputs == "tokens", variants(name)):
        x = inputs(model, 5, 8)
        for row, steps in enumerate((0, 3, 8, 1, 3)):
            x[row, :steps] = PAD
        outputs, state = model(x)
        for row, steps in enumerate((0, 3, 8, 1, 3)):
            if steps < 8:
                alone, end = model(x[row : row + 1, steps:])
                assert_close(outputs[row : row + 1, steps:], alone, **CLOSE)
                assert_close(
                    [part[row : row + 1] for parts in state for part in parts], [p for q in end for p in q]
                )


def the_state_is_held_through_padding(name: str) -> None:
    for model in filter(lambda model: model.spec.inputs == "tokens", variants(name)):
        _, state = model(inputs(model, 3, 4))
        outputs, held = model(torch.full((3, 5), PAD), state)
        assert torch.isfinite(outputs).all()
        assert_close(held, state, rtol=0, atol=0)


def nothing_depends_on_whether_gradients_are_kept(name: str) -> None:
    for model in variants(name):
        x = inputs(model, 3, 9)
        outputs, state = model(x)
        with torch.no_grad():
            assert_close(model(x), (outputs, state), **CLOSE)


def the_fast_path_equals_the_step_form(name: str) -> None:
    """Outputs, final state, and gradients of weights, inputs and initial state, at odd sizes, in float64."""
    cls = registry.load("model", name)
    if not issubclass(cls, Cell):
        return
    for batch, steps, hidden in ((1, 1, 1), (5, 63, 7), (33, 2, 65), (33, 63, 1), (1, 17, 65), (5, 1, 7)):
        for kind, options in product(cls.reads, choices(cls)):
            cell = cls(SYMBOLS, hidden, **options).double()
            cell.initialise(torch_stream(1, "weights"))
            generator = torch_stream(batch, "inputs")
            x = torch.randint(0, SYMBOLS, (steps, batch), generator=generator).t()  # not contiguous
            if kind == "features":
                x = torch.randn(steps, batch, SYMBOLS, generator=generator, dtype=torch.float64).transpose(
                    0, 1
                )
                x.requires_grad_()
            size = (batch, hidden)
            state = tuple(torch.randn(size, generator=generator, dtype=torch.float64) for _ in cell.parts)
            weights = torch.randn(batch, steps, hidden, generator=generator, dtype=torch.float64)
            assert_close(
                _loss(cell, cell.forward, x, state, weights),
                _loss(cell, cell.steps, x, state, weights),
                **CLOSE,
            )


def _loss(
    cell: Cell,
    read: Callable[..., tuple[Tensor, tuple[Tensor, ...]]],
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Tensor,
) -> tuple[list[Tensor], list[Tensor]]:
    """Return what the cell gives and the gradients of a loss in which h at every step and the end count."""
    start = tuple(part.clone().requires_grad_() for part in state)
    h, end = read(x, start)
    loss = (h * weights).sum() + sum((k + 1) * (part**2).sum() for k, part in enumerate(end))
    leaves = [*cell.parameters(), *start, *([x] if x.requires_grad else [])]
    return [h.detach(), *(part.detach() for part in end)], list(torch.autograd.grad(loss, leaves))


def parameters_are_counted_as_declared(name: str) -> None:
    cls = registry.load("model", name)
    if not issubclass(cls, Cell):
        return
    for options in choices(cls):
        cell = cls(SYMBOLS, 7, **options)
        assert cls.parameter_count(SYMBOLS, 7, **options) == count_parameters(cell)
    for model in variants(name):
        assert isinstance(model, Recurrent)
        declared = sum(cls.parameter_count(cell.input_size, cell.hidden_size) for cell in model.cells)
        readout = (model.readout.in_features + 1) * OUTPUTS
        assert count_parameters(model) == declared + readout


def the_same_seed_gives_the_same_weights(name: str) -> None:
    before = torch.random.get_rng_state()
    for one, same, other in zip(variants(name), variants(name), variants(name, seed=2), strict=True):
        assert_close(one.state_dict(), same.state_dict(), rtol=0, atol=0)
        assert all(torch.isfinite(value).all() for value in one.state_dict().values())
        if count_parameters(one):
            assert any(
                not torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True)
            )
    assert torch.equal(before, torch.random.get_rng_state()), "the global random state was used"


def dropout_draws_from_the_noise_of_the_model_only(name: str) -> None:
    cls = registry.load("model", name)
    if "dropout" not in registry.options(cls).model_fields:
        return
    options = {"layers": 2} if issubclass(cls, Cell) else {}
    spec = Spec(cls.reads[0], SYMBOLS, "classes", OUTPUTS, causal=True)
    model = build_model(Component(name=name, dropout=0.5, **options), spec, 1).double()
    x = inputs(model, 3, 6)
    before = torch.random.get_rng_state()

    def answer(seed: int) -> Tensor:
        model.noise.manual_seed(seed)
        return model(x)[0]

    model.train()
    assert torch.equal(answer(1), answer(1))
    assert not torch.equal(answer(1), answer(2))
    model.eval()
    assert torch.equal(answer(1), answer(2))
    assert torch.equal(before, torch.random.get_rng_state()), "the global random state was used"


def bfloat16_gives_nearly_the_same(name: str) -> None:
    for model in variants(name):
        model.float()
        x = inputs(model, 3, 20)
        if x.is_floating_point():
            x = x.float()
        exact, _ = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            half, state = model(x)
            half, _ = model(x, state)  # the carried state fits
            half, _ = model(x)
        assert_close(half.float(), exact, rtol=0.05, atol=0.05)
        if half.requires_grad:
            half.float().sum().backward()
            assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


CHECKS: tuple[Check, ...] = (
    answers_have_the_promised_shape,
    chunks_with_carried_state_equal_the_whole,
    the_future_never_changes_the_past,
    rows_are_independent,
    padding_in_front_changes_nothing,
    padding_of_rows_of_different_lengths_changes_nothing,
    the_state_is_held_through_padding,
    nothing_depends_on_whether_gradients_are_kept,
    the_fast_path_equals_the_step_form,
    parameters_are_counted_as_declared,
    the_same_seed_gives_the_same_weights,
    dropout_draws_from_the_noise_of_the_model_only,
    bfloat16_gives_nearly_the_same,
)
