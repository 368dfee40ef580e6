"""What differs between two runs: their settings, where they ran, what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqlab.configure import leaves
from seqlab.runs.folder import Run
from seqlab.runs.info import RunInfo

Pairs = dict[str, tuple[Any, Any]]
TIMES = frozenset({"wall_seconds", "training_seconds"})
"""The figures of a summary that are never twice the same."""
_WHERE = ("device", "precision", "threads", "engine")
"""What ``extra`` says of where a run was computed, and by which source."""


@dataclass(frozen=True)
class Difference:
    """What differs between two runs, by name: the first's value and the second's, None where there is none.

    Attributes:
        settings: of ``config.yaml``, by dotted key.
        environment: versions, commit, machine, device, threads, hash of the data.
        figures: of ``summary.json``.
    """

    settings: Pairs
    environment: Pairs
    figures: Pairs


def difference(first: Run, second: Run) -> Difference:
    """Compare two runs.

    Raises:
        RunFolderError: when one of them is damaged.
        SettingsError: when the settings of one cannot be read.
    """
    return Difference(
        settings=differing(first.settings(), second.settings()),
        environment=differing(environment(first.info()), environment(second.info())),
        figures=differing(leaves(first.summary() or {}), leaves(second.summary() or {})),
    )


def environment(info: RunInfo) -> dict[str, Any]:
    """Return what a run was computed with and where, by name."""
    extra = {key: info.extra[key] for key in _WHERE if key in info.extra}
    found = {"git_commit": info.git_commit, "data_hash": info.data_hash}
    identity = info.extra.get("identity") or {}
    told = {key: identity[key] for key in ("code", "plugins", "versions") if key in identity}
    own = {**leaves(told.pop("versions", {})), **leaves(info.versions)}
    return {**own, **leaves({"machine": info.machine}), **leaves(extra), **leaves(told), **found}


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> Pairs:
    """Return the keys of which the values differ, in the order of the first.

    >>> differing({"a": 1, "b": 2}, {"b": 3, "a": 1, "c": 4})
    {'b': (2, 3), 'c': (None, 4)}
    """
    keys = dict.fromkeys([*first, *second])
    return {key: (first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)}
