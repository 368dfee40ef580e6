"""Whether a run that was trained again came to the same, and how nearly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from seqlab.configure import leaves
from seqlab.errors import RunFolderError
from seqlab.runs import Run
from seqlab.runs.difference import TIMES, Pairs, differing, environment
from seqlab.runs.summary import is_number


@dataclass(frozen=True)
class Reproduction:
    """What came of training a run again.

    Attributes:
        to_the_bit: whether metrics, figures and weights are all the same.
        distance: the greatest difference of a recorded metric or figure, |a - b| / max(1, |a|, |b|);
            infinite where the runs did not record the same things.
        furthest: which one that is, with both values; empty when none differs.
        weights: the greatest difference of a weight; None where the weights cannot be compared.
        environment: what differs between the machines, versions and sources.
    """

    to_the_bit: bool
    distance: float
    furthest: str
    weights: float | None
    environment: Pairs

    def is_within(self, tolerance: float) -> bool:
        """Say whether every metric and figure agrees so well."""
        return self.to_the_bit or self.distance <= tolerance

    def verdict(self, tolerance: float) -> str:
        """Say in one line whether the run was reproduced."""
        if self.to_the_bit:
            return "reproduced to the bit"
        if not self.is_within(tolerance):
            return f"not reproduced: {self.furthest}"
        if self.distance == 0:
            return "reproduced in every figure, though not in the weights"
        return f"reproduced within {self.distance:.2g}"


def compare_runs(first: Run, again: Run) -> Reproduction:
    """Compare a finished run with one that was trained again from its settings.

    Compared are the lines of ``metrics.jsonl``, the figures of ``summary.json`` but for the times, and the
    best weights.

    Raises:
        RunFolderError: when one of them is not finished, or damaged.
    """
    pairs = [*_metrics(first.metrics(), again.metrics()), *_figures(_summary(first), _summary(again))]
    name, a, b = max(pairs, key=lambda pair: _distance(*pair[1:]))
    distance = _distance(a, b)
    weights = _weights(first.best_weights, again.best_weights)
    return Reproduction(
        to_the_bit=distance == 0 and weights == 0,
        distance=distance,
        furthest=f"{name} is {a} in the first and {b} in the second" if distance else "",
        weights=weights,
        environment=differing(environment(first.info()), environment(again.info())),
    )


def _metrics(
    first: Sequence[Mapping[str, Any]], again: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of everything recorded, line by line."""
    yield "the length of metrics.jsonl", f"{len(first)} lines", f"{len(again)} lines"
    for a, b in zip(first, again, strict=False):
        yield from _figures(a, b, f"step {a.get('step')}: ")


def _figures(
    first: Mapping[str, Any], again: Mapping[str, Any], before: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys([*first, *again]):
        if key not in TIMES:
            yield f"{before}{key}", first.get(key, "missing"), again.get(key, "missing")


def _summary(run: Run) -> dict[str, Any]:
    summary = run.summary()
    if summary is None:
        raise RunFolderError(f"{run.id} has no summary.json: it is not finished.")
    return leaves(summary)


def _distance(a: object, b: object) -> float:
    """Return how far two values are apart: relative for large ones, absolute for small ones.

    >>> _distance(200.0, 100.0), _distance(0.5, 0.25), _distance(True, None)
    (0.5, 0.25, inf)
    """
    if a == b:
        return 0.0
    if is_number(a) and is_number(b):
        return abs(a - b) / max(1.0, abs(a), abs(b))
    return math.inf


def _weights(first: Path, again: Path) -> float | None:
    """Return the greatest difference of a weight; None where files or shapes do not match."""
    try:
        if first.read_bytes() == again.read_bytes():
            return 0.0
        a, b = safetensors.torch.load_file(first), safetensors.torch.load_file(again)
    except (OSError, safetensors.SafetensorError):
        return None
    if {name: part.shape for name, part in a.items()} != {name: part.shape for name, part in b.items()}:
        return None
    return max((float((a[name] - b[name]).abs().max()) for name in a if a[name].numel()), default=0.0)
