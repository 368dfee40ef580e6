"""What tells runs that are shown together from one another, as briefly as can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.errors import SeqlabError
from seqlab.runs.folder import Run
from seqlab.runs.store import short_model

_NOTHING = object()


def labels_of(runs: Sequence[Run]) -> list[str]:
    """Return a label for each run that says in what it differs from the others.

    That is the experiment, the model, settings in which runs of one model differ, and the seed. A single run,
    and runs that differ in nothing, are called by their ids.
    """
    settings = [_settings(run) for run in runs]
    infos = [run.info() for run in runs]
    parts: list[list[str]] = [[] for _ in runs]
    for names in ([info.experiment for info in infos], [short_model(info.model) for info in infos]):
        if len(set(names)) > 1:
            for own, name in zip(parts, names, strict=True):
                own.append(name)
    keys = _differing(settings, [(info.experiment, info.model) for info in infos])
    for own, found in zip(parts, settings, strict=True):
        own += [f"{key.rpartition('.')[2]} {_word(found[key])}" for key in keys if key in found]
    if len({info.seed for info in infos}) > 1:
        for own, info in zip(parts, infos, strict=True):
            own.append(f"seed {info.seed}")
    labels = [", ".join(own) for own in parts]
    times = Counter(labels)
    return [
        run.id if not label or times[label] > 1 else label for run, label in zip(runs, labels, strict=True)
    ]


def _differing(settings: Sequence[dict[str, Any]], groups: Sequence[tuple[str, str]]) -> list[str]:
    """Return the settings in which runs of one group differ."""
    found: dict[str, None] = {}
    for group in dict.fromkeys(groups):
        own = [one for one, of in zip(settings, groups, strict=True) if of == group]
        for key in dict.fromkeys(key for one in own for key in one):
            if len({repr(one.get(key, _NOTHING)) for one in own}) > 1:
                found[key] = None
    return list(found)


def _settings(run: Run) -> dict[str, Any]:
    """Return what may tell a run from others: neither its names and seed nor where it was computed."""
    try:
        found = run.settings()
    except SeqlabError:
        return {}
    aside = ("seed", "experiment", "model.name")
    return {key: value for key, value in found.items() if key not in aside and not key.startswith("compute.")}


def _word(value: Any) -> str:
    """Write a value; of a path its end.

    >>> _word("/home/me/texts/plain.txt"), _word(0.01), _word(None)
    ('plain.txt', '0.01', 'none')
    """
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return "none" if value is None else str(value)
