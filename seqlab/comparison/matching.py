"""Models of one size: widths chosen so that parameter counts agree.

An LSTM of a width has four times the recurrent weights of a plain network (NYU 6-3 calls its own comparison
unfair for that). Matched, the models of a level are widened to the one with the most parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from seqlab.comparison.entrants import Entrant, vary
from seqlab.contracts import Spec
from seqlab.models import outline
from seqlab.registry import load
from seqlab.settings import Component
from seqlab.tasks import build_task

TOLERANCE = 0.03
"""Relative difference of parameter counts that still is a match."""

WIDEST = 65_536
"""Greatest hidden_size."""


@dataclass(frozen=True)
class Matched:
    """Entrants of one size.

    Attributes:
        entrants: in their order; the name of one whose width was changed says its width.
        notes: a sentence for each whose size could not be brought within :data:`TOLERANCE`.
    """

    entrants: list[Entrant]
    notes: list[str]


def match_parameters(entrants: Sequence[Entrant]) -> Matched:
    """Choose each entrant's ``hidden_size`` so that it has as many parameters as the largest of its level.

    A model without that option, as one that counts, stays as it is.
    """
    matched: list[Entrant] = []
    notes: list[str] = []
    known: dict[str, Spec] = {}
    for _, group in groupby(entrants, key=lambda entrant: entrant.level):
        level = list(group)
        specs = [_spec(entrant.experiment.task, known) for entrant in level]
        widened = [(entrant, spec) for entrant, spec in zip(level, specs, strict=True) if _has_width(entrant)]
        target = max((parameters(entrant.experiment.model, spec) for entrant, spec in widened), default=0)
        for entrant, spec in zip(level, specs, strict=True):
            if not _has_width(entrant):
                matched.append(entrant)
                notes.append(f"{entrant.label} has no hidden_size to choose, so it stays as it is.")
                continue
            resized, count = _resize(entrant, spec, target)
            matched.append(resized)
            if abs(count - target) > TOLERANCE * target:
                apart = f"{abs(count / target - 1):.0%} {'more' if count > target else 'fewer'}"
                notes.append(
                    f"{resized.label} has {count:,} parameters, {apart} than the largest's {target:,}: "
                    "the nearest possible."
                )
    return Matched(matched, notes)


def beside(plain: Sequence[Entrant], matched: Sequence[Entrant]) -> list[Entrant]:
    """Return each entrant with its matched form right after it, where that is another width."""
    return [
        one
        for entrant, other in zip(plain, matched, strict=True)
        for one in ([entrant] if other.experiment.model == entrant.experiment.model else [entrant, other])
    ]


def parameters(model: Component, spec: Spec) -> int:
    """Return the number of weights of a model, without making room for them.

    Those that do not learn count, too: else a reservoir that is as large as another network's learning
    weights would have a recurrent matrix beyond any memory.

    >>> parameters(Component(name="rnn", hidden_size=2), Spec("tokens", 8, "classes", 4, causal=False))
    34
    """
    return sum(weight.numel() for weight in outline(model, spec).parameters())


def nearest_width(count: Callable[[int], int], target: int) -> int:
    """Return the width whose parameter count is nearest to ``target``; counts grow with the width.

    >>> nearest_width(lambda width: width * width, 90)
    9
    """
    count = cache(count)
    low, high = 1, 2
    while high < WIDEST and count(high) < target:
        low, high = high, min(2 * high, WIDEST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    return min(low, high, key=lambda width: abs(count(width) - target))


def _spec(task: Component, known: dict[str, Spec]) -> Spec:
    """Return what a model may know of a task; each task is built once."""
    key = repr(task)
    if key not in known:
        known[key] = build_task(task).spec
    return known[key]


def _has_width(entrant: Entrant) -> bool:
    return "hidden_size" in entrant.experiment.model.options


def _resize(entrant: Entrant, spec: Spec, target: int) -> tuple[Entrant, int]:
    """Return an entrant of the nearest width, and its parameters."""
    model = entrant.experiment.model
    taken = load("model", model.name).nearest_size

    def of(width: int) -> Component:  # of the nearest width that the model takes
        options = {**model.options, "hidden_size": width}
        return Component(name=model.name, **{**options, "hidden_size": taken(**options)})

    present = parameters(model, spec)
    width = nearest_width(lambda width: parameters(of(width), spec), target)
    width = of(width).options["hidden_size"]
    if present == target or width == model.options["hidden_size"]:
        return entrant, present
    resized = replace(
        entrant,
        model=vary(entrant.model, hidden_size=width),
        experiment=entrant.experiment.model_copy(update={"model": of(width)}),
    )
    return resized, parameters(of(width), spec)
