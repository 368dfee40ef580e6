"""Units of a character model that stand for something in the text, with a score and what luck would give.

Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks", 2015; CS231n-10.

A unit's score for a yes/no feature is the area under its ROC curve (AUC): the probability that the unit is
higher at a character that has the feature than at one that has not; below one half it is lower, and then
1 - AUC counts. For a count it is the absolute rank correlation (Spearman's): units are bent, as tanh is, and
like the AUC it asks only whether a unit rises with the count.

The best of hundreds of units looks good by luck alone, the more so as both units and features stay as they
are for many characters. So the same search is made again and again with the feature moved along the text, in
a circle, by a random distance: that leaves its rhythm and tears it from what is read. The baseline is the
95 % quantile of the best score of these searches; to be found, a feature must score higher.

Shapes: N characters, U units (of h and of every other part of the state), S shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqlab.analysis.states import trace
from seqlab.analysis.units import ranks_of
from seqlab.contracts import numpy_stream
from seqlab.errors import TextError
from seqlab.models import Recurrent

Array = npt.NDArray[Any]

SHIFTS = 100
QUANTILE = 0.95
"""Of the searches by luck, what a found feature must surpass."""

CHANGES = 20
"""So often a feature must change in the text for units to be scored by it."""

SHORTEST = 2_000
"""Characters of the shortest text on which units are scored."""

PIECES, WARM_UP = 64, 512
"""A text is read as so many pieces side by side, each after the characters before it."""

MOST_CHANGES = 8
"""More changes than that do not make a passage worth more to look at."""

AT_ONCE = 64
"""Units scored together."""


@dataclass(frozen=True)
class Unit:
    """Where a unit is.

    Attributes:
        layer: the name of its layer; empty where there is only one.
        part: of the state, such as h or c.
        number: from 0.
    """

    layer: str
    part: str
    number: int

    def __str__(self) -> str:
        return f"{self.part}[{self.number}]" + (f" of {self.layer}" if self.layer else "")


@dataclass(frozen=True)
class Finding:
    """The unit that is best at a feature.

    Attributes:
        feature: its name.
        measure: AUC for a yes/no feature, correlation for a count.
        unit: which.
        score: of the unit, from one half (AUC) or 0 (rank correlation) to 1.
        sign: 1 where the unit is higher with the feature, -1 where it is lower.
        baseline: what the best unit reaches by luck.
        scores: of all units, (U,), signed: AUC, or correlation.
        share: of the characters that have it; for a count, its mean.
        linear: of a count, Pearson's correlation with the best unit, without its sign.
    """

    feature: str
    measure: Literal["AUC", "rank correlation"]
    unit: Unit
    score: float
    sign: int
    baseline: float
    scores: Array
    share: float
    linear: float | None

    @property
    def summary(self) -> str:
        """The finding in a line."""
        luck = f"luck {self.baseline:.3f}" + ("" if self.is_found else ", so nothing is found")
        lower = "" if self.sign > 0 else ", lower with it"
        return f"{self.feature}: {self.unit}, {self.measure} {self.score:.3f} ({luck}){lower}"

    @property
    def is_found(self) -> bool:
        """Whether the unit does better than luck."""
        return self.score > self.baseline

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without the scores of the other units."""
        plain = {key: value for key, value in vars(self).items() if key != "scores"}
        return {**plain, "unit": asdict(self.unit), "is_found": self.is_found}


@dataclass(frozen=True)
class Units:
    """What every unit of a network did at every character of a text.

    Attributes:
        text: what was read.
        names: of the U units.
        values: (U, N) float32, after each character.
    """

    text: str
    names: tuple[Unit, ...]
    values: Tensor

    def of(self, unit: Unit) -> Array:
        """Return one unit's values, (N,)."""
        return np.asarray(self.values[self.names.index(unit)].numpy())


def read_units(model: Recurrent, codes: Tensor, text: str) -> Units:
    """Read a text and keep every part of the state of every unit.

    To be quick it is read in 64 pieces side by side, each but the first after the 512 characters before it.

    Args:
        model: the network.
        codes: the text as symbols, (N,).
        text: the same as characters.

    Raises:
        TextError: when it is short, or its symbols are no characters.
    """
    if len(codes) != len(text):
        raise TextError("Units are scored character by character; this model reads other symbols.")
    if len(codes) < SHORTEST:
        raise TextError(
            f"The text holds {len(codes):,} characters; to score units it takes at least {SHORTEST:,}.",
            hint="Give a longer one: --text FILE",
        )
    length = -(-len(codes) // PIECES)
    place = torch.arange(PIECES)[:, None] * length + torch.arange(-WARM_UP, length)  # (pieces, steps)
    before = place < 0
    inputs = codes[place.clamp(0, len(codes) - 1)]
    inputs[before] = -1  # PAD: there is nothing before the text
    read = trace(model, inputs, gates=False)
    names, values = [], []
    for layer in read.layers:
        for part, states in layer.parts.items():
            kept = states[:, WARM_UP:].flatten(0, 1)[: len(codes)]  # (N, H)
            names += [Unit(layer.name, part, number) for number in range(kept.shape[1])]
            values.append(kept.t())
    return Units(text, tuple(names), torch.cat(values).float())


def find_cells(
    units: Units,
    features: Mapping[str, Array],
    *,
    seed: int = 1,
    watch: Callable[[int], None] = lambda scored: None,
) -> list[Finding]:
    """Find the best unit for each feature.

    Args:
        units: what the units did.
        features: for each name its values, (N,): bool for yes/no, integers for counts.
        seed: of the shifts.
        watch: called with the number of units scored so far.

    Returns:
        The findings, features in the order given; those that hardly change in this text are left out.
    """
    judged = {name: values for name, values in features.items() if _changes(values) >= CHANGES}
    shifts = _shifts(len(units.text), seed)
    wanted = {name: _moved(values, shifts) for name, values in judged.items()}  # (1 + S, N) each
    scores: dict[str, list[Tensor]] = {name: [] for name in judged}
    scored = 0
    for ranks, directions in _ranked(units.values):
        for name, moved in wanted.items():
            scores[name].append(moved @ (ranks if judged[name].dtype == bool else directions))
        scored += ranks.shape[1]
        watch(scored)
    return [_finding(name, judged[name], torch.cat(found, 1), units) for name, found in scores.items()]


@dataclass(frozen=True)
class Passage:
    """A piece of the text with what the unit of a finding did there.

    Attributes:
        finding: whose unit.
        text: the piece, of whole lines.
        values: (n,) standard deviations from the unit's mean over the whole text.
    """

    finding: Finding
    text: str
    values: Array


def passage(finding: Finding, units: Units, feature: Array, length: int) -> Passage:
    """Pick a piece of about this length in which a feature comes and goes; the unit has no say in it.

    Args:
        finding: the feature's.
        units: what the units did.
        feature: its values, (N,).
        length: in characters.
    """
    starts = np.array([0, *(place + 1 for place, sign in enumerate(units.text) if sign == "\n")])
    starts = starts[starts + length <= len(units.text)] if len(units.text) > length else starts[:1]

    def liveliness(start: int) -> float:
        seen = feature[start : start + length]
        return float(seen.std()) * min(_changes(seen), MOST_CHANGES)

    start = int(max(starts, key=liveliness)) if len(starts) else 0
    stop = units.text.rfind("\n", start, start + length) + 1 or start + length
    values = units.of(finding.unit)
    shown = (values[start:stop] - values.mean()) / max(float(values.std()), 1e-12)
    return Passage(finding, units.text[start:stop], shown)


def _ranked(values: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for some units at a time what scores are products of, (N, some) each.

    Both are ranks with mean 0: the first divided by N, the second of length 1.
    """
    for block in torch.split(values, AT_ONCE):
        count = block.shape[1]
        ranks = (ranks_of(block.t()) - (count + 1) / 2) / count
        yield ranks.float(), (ranks / ranks.norm(dim=0).clamp(min=1e-12)).float()


def _moved(values: Array, shifts: Array) -> Tensor:
    """Return a feature as it is and moved by each shift, scaled so that a product with units is their score.

    For a yes/no feature with n characters that have it, AUC - 1/2 = sum of centred ranks there / (n (N - n)).
    """
    wanted = torch.from_numpy(values.astype(np.float64))
    if values.dtype == bool:
        positives = int(values.sum())
        wanted = wanted * len(values) / (positives * (len(values) - positives))
    else:
        wanted = ranks_of(wanted[:, None])[:, 0]
        wanted = wanted - wanted.mean()
        wanted = wanted / wanted.norm()
    return torch.stack([wanted.float().roll(int(shift)) for shift in (0, *shifts)])


def _finding(name: str, values: Array, products: Tensor, units: Units) -> Finding:
    """Pick the best unit out of the products (1 + S, U), and the baseline out of the best of each shift."""
    yes_no = values.dtype == bool
    base = 0.5 if yes_no else 0.0
    best = int(products[0].abs().argmax())
    by_luck = np.quantile(products[1:].abs().amax(1).numpy(), QUANTILE)
    return Finding(
        feature=name,
        measure="AUC" if yes_no else "rank correlation",
        unit=units.names[best],
        score=base + float(products[0, best].abs()),
        sign=1 if float(products[0, best]) >= 0 else -1,
        baseline=base + float(by_luck),
        scores=base + products[0].numpy(),
        share=float(values.mean()),
        linear=None if yes_no else _linear(units.of(units.names[best]), values),
    )


def _linear(values: Array, wanted: Array) -> float:
    """Return Pearson's correlation without its sign; 0 of what does not change."""
    centred = values - values.mean(dtype=np.float64)
    length = np.linalg.norm(centred) * np.linalg.norm(wanted - wanted.mean())
    return float(abs(centred @ (wanted - wanted.mean())) / max(length, 1e-12))


def _shifts(length: int, seed: int) -> Array:
    """Return distances to move a feature by, none of them near 0 or a whole round."""
    least = length // 20
    return numpy_stream(seed, "cells", "shifts").integers(least, length - least, SHIFTS)


def _changes(values: Array) -> int:
    return int((values[1:] != values[:-1]).sum())
