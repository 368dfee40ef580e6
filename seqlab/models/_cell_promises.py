"""What every cell promises besides, and all promises in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from seqlab import registry
from seqlab.contracts import torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Cell, Recurrent
from seqlab.models import _promises as promises
from seqlab.models._padding import Parts, Reader
from seqlab.models._promises import Promise
from seqlab.models._variants import (
    SIZE,
    SYMBOLS,
    choices,
    exact,
    gradients_of,
    is_whole,
    numbers,
    require_same,
    variants,
    weighed,
)
from seqlab.promises import BrokenPromiseError, try_all

SHAPES = ((1, 1, 1), (5, 63, 7), (33, 2, 65), (33, 63, 1), (1, 17, 65), (5, 1, 7))
"""Rows, steps and units at which the fast path is held against the steps: odd, so that no edge is missed."""


def sizes_are_taken_as_said(name: str) -> None:
    """``nearest_size`` names a size that is its own nearest, and that can be built."""
    cls = registry.load("model", name)
    for size in (1, 2, 3, 7, 12, 65, 100):
        nearest = cls.nearest_size(size)
        if nearest < 1 or cls.nearest_size(nearest) != nearest:
            raise BrokenPromiseError(f"nearest_size({size}) is {nearest}, which is not its own nearest.")
        if issubclass(cls, Cell):
            cls(SYMBOLS, nearest)


def the_fast_path_equals_the_step_form(name: str) -> None:
    """Outputs, final state, and gradients of weights, inputs and initial state, at odd sizes, in float64."""
    for cls in _cells(name):
        for rows, steps, size in SHAPES:
            for kind, (options, cell) in ((kind, made) for kind in cls.reads for made in _built(cls, size)):
                said = f"{kind}, {rows} rows, {steps} steps, {cell.hidden_size} units{_listed(options)}"
                x = numbers(kind, steps, rows, seed=rows).transpose(0, 1)  # not contiguous
                fast, slow = (_read(cell, read, x) for read in (cell.forward, cell.steps))
                require_same(fast[0], slow[0], f"{said}: forward gives another h than the steps")
                require_same(fast[1], slow[1], f"{said}: forward ends in another state than the steps")
                for key, mine, other in zip(fast[2], fast[2].values(), slow[2].values(), strict=True):
                    require_same(
                        mine, other, f"{said}: the gradient of {key} differs between forward and the steps"
                    )


def what_is_prepared_is_prepared_once_a_sequence(name: str) -> None:
    """``prepare`` is called once by the steps and, where a cell has one of its own, once by the fast path."""
    for cls in _cells(name):
        for _, cell in _built(cls, SIZE):
            for form, read in (("the steps call", cell.steps), ("forward calls", cell.forward)):
                with patch.object(cell, "prepare", wraps=cell.prepare) as prepare:
                    read(numbers(cls.reads[0], 2, 6), cell.start(2))
                own = cls.prepare is not Cell.prepare
                if prepare.call_count > 1 or (own and prepare.call_count == 0):
                    raise BrokenPromiseError(
                        f"{form} prepare {prepare.call_count} times in a sequence, not once."
                    )


def parameters_are_counted_as_declared(name: str) -> None:
    """``parameter_count`` is the number of the cell's weights, whatever its settings and inputs are."""
    for cls in _cells(name):
        for options, cell in _built(cls, SIZE):
            declared = cls.parameter_count(SYMBOLS, cell.hidden_size, **options)
            found = sum(weight.numel() for weight in cell.parameters())
            if declared != found:
                raise BrokenPromiseError(
                    f"{declared} weights are declared, {found} are there{_listed(options)}."
                )
        for variant in variants(name):
            model = variant.model
            assert isinstance(model, Recurrent)
            cells = (cell for cell in model.cells if isinstance(cell, Cell))
            declared = sum(cls.parameter_count(cell.input_size, cell.hidden_size) for cell in cells)
            found = sum(weight.numel() for weight in model.cells.parameters())
            variant.require(declared == found, f"{declared} weights are declared, {found} are there")


PROMISES: tuple[Promise, ...] = (
    sizes_are_taken_as_said,
    promises.nothing_is_drawn_from_a_global_random_state,
    promises.answers_have_the_promised_shape,
    parameters_are_counted_as_declared,
    promises.the_same_seed_gives_the_same_model,
    promises.noise_comes_from_the_model_and_in_training_only,
    promises.nothing_depends_on_whether_gradients_are_kept,
    promises.rows_are_independent,
    what_is_prepared_is_prepared_once_a_sequence,
    the_fast_path_equals_the_step_form,
    promises.gradients_are_the_slopes,
    promises.the_future_never_changes_the_past,
    promises.chunks_with_carried_state_equal_the_whole,
    promises.what_looks_tells_where_as_it_reads,
    promises.the_state_is_held_through_padding,
    promises.padding_in_front_changes_nothing,
    promises.padding_of_rows_of_different_lengths_changes_nothing,
    promises.bfloat16_gives_nearly_the_same,
)
"""Each rests on those before it, so that the first that is broken is the one to mend."""


def first_broken(name: str) -> tuple[str, str] | None:
    """Return the first promise that a model breaks, and how; None for a model that keeps them all.

    >>> first_broken("ngram")
    """
    broken = (outcome for outcome in try_all(PROMISES, name) if outcome.why is not None)
    return next(((outcome.promise, str(outcome.why)) for outcome in broken), None)


def _cells(name: str) -> list[type[Cell]]:
    """Return the class where it is a cell's: what only cells promise does not concern other models."""
    cls = registry.load("model", name)
    return [cls] if issubclass(cls, Cell) else []


def _built(cls: type[Cell], size: int) -> Iterator[tuple[dict[str, Any], Cell]]:
    """Build a cell in float64 with the options as they are, and with each other choice of each of them."""
    for options in choices(cls):
        try:
            cell = cls(SYMBOLS, cls.nearest_size(size, **options), **options)
        except SettingsError:
            continue
        cell.initialise(torch_stream(1, "weights"))
        yield options, exact(cell)


def _listed(options: dict[str, Any]) -> str:
    return "".join(f", {key}={value}" for key, value in options.items())


def _read(cell: Cell, read: Reader, x: Tensor) -> tuple[Tensor, Parts, dict[str, Tensor]]:
    """Read from a state that the cell comes to; return h, the end, and gradients where both count."""
    with torch.no_grad():
        _, state = cell.steps(x[:, :3].flip(1), cell.start(len(x)))
    start = tuple(part.clone() if is_whole(part) else part.clone().requires_grad_() for part in state)
    x = x.detach().clone().requires_grad_() if x.is_floating_point() else x
    leaves: dict[str, Tensor] = {
        key: weight for key, weight in cell.named_parameters() if weight.requires_grad
    }
    leaves |= {f"{cell.parts[k]} at the start": part for k, part in enumerate(start) if part.requires_grad}
    leaves |= {"x": x} if x.requires_grad else {}
    h, end = read(x, start)
    found = gradients_of(weighed([h, *end]), list(leaves.values()))
    return h.detach(), tuple(part.detach() for part in end), dict(zip(leaves, found, strict=True))
