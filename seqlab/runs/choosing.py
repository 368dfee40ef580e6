"""Choosing among runs: by what they are and had, in the order of a figure, and which may go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from seqlab.errors import SeqlabError, SettingsError, UnknownNameError, UsageError
from seqlab.outside import path_of
from seqlab.runs.folder import Run
from seqlab.runs.notes import note_of, tags_of
from seqlab.runs.store import RunEntry, short_model
from seqlab.runs.summary import figures, headline, higher_is_better
from seqlab.settings.usual import nearest_setting

_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NOTHING = object()


def with_model(model: str) -> Callable[[RunEntry], bool]:
    """Return the test whether a run's model is the one named so; a user's own file goes by its stem, too."""
    return lambda entry: entry.info is not None and model in (entry.info.model, short_model(entry.info.model))


def with_tag(tag: str) -> Callable[[RunEntry], bool]:
    """Return the test whether a run has a tag."""
    return lambda entry: entry.info is not None and tag in tags_of(entry.info)


def having(entries: Sequence[RunEntry], key: str, value: Any) -> list[RunEntry]:
    """Return the runs of which a setting has a value.

    Args:
        entries: runs.
        key: a setting's dotted key, as ``training.learning_rate``.
        value: as read from the command line.

    Raises:
        UnknownNameError: when no run has such a setting.
    """
    settings = {entry.id: _settings(entry) for entry in entries}
    known = {name for found in settings.values() for name in found}
    if entries and key not in known:
        near = nearest_setting(key, sorted(known))
        if near is None:
            raise UnknownNameError("setting", key, known)
        raise SettingsError(f"No run has a setting {key!r}.", hint=f"Did you mean --where {near}=...?")
    return [entry for entry in entries if _is(settings[entry.id].get(key, _NOTHING), value)]


def column(entries: Sequence[RunEntry], name: str, told: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return of each run what a column of a table is to show; None where a run has it not.

    Args:
        entries: runs.
        name: what is told of a run (seed, task, note), a figure (accuracy, parameters), or a setting's key.
        told: what is told of each run.

    Raises:
        UnknownNameError: when no run has anything of that name.
    """
    of_each = [_settings(entry) | dict(figures(entry.summary)) for entry in entries]
    of_each = [own | dict(facts) for own, facts in zip(of_each, told, strict=True)]
    known = {key for own in of_each for key in own}
    if entries and name not in known:
        last = name.rpartition(".")[2]  # held_out.loss is the column loss
        near = last if last in known else nearest_setting(name, sorted(known))
        if near is None:
            raise UnknownNameError("column", name, known)
        raise SettingsError(f"No run has a column {name!r}.", hint=f"Did you mean --columns {near}?")
    return [own.get(name) for own in of_each]


def differing(entries: Iterable[RunEntry]) -> dict[str, dict[str, Any]]:
    """Return by run the settings in which runs of one experiment and model differ; of others, none.

    The seed, which a run's name tells, and where it was computed do not count.
    """
    groups: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for entry in entries:
        if entry.info is not None:
            own = {
                key: value
                for key, value in _settings(entry).items()
                if key not in ("seed", "experiment") and not key.startswith("compute.")
            }
            groups.setdefault((entry.info.experiment, entry.info.model), {})[entry.id] = own
    found: dict[str, dict[str, Any]] = {}
    for group in groups.values():
        keys = dict.fromkeys(key for own in group.values() for key in own)
        differ = [key for key in keys if len({repr(own.get(key, _NOTHING)) for own in group.values()}) > 1]
        for run, own in group.items():
            found[run] = {key: own[key] for key in differ if key in own}
    return found


def _is(found: Any, wanted: Any) -> bool:
    """Say whether a setting has a value; a path, which is kept absolute, is known by its end.

    >>> _is("/home/me/texts/plain.txt", "texts/plain.txt"), _is("/home/me/plain.txt", "ain.txt")
    (True, False)
    """
    if isinstance(found, str) and isinstance(wanted, str) and wanted and Path(found).is_absolute():
        parts = path_of(wanted).parts
        return Path(found).parts[-len(parts) :] == parts
    return bool(found == wanted)


def sort_by(entries: Sequence[RunEntry], name: str) -> list[RunEntry]:
    """Return runs in the order of a figure, the best first and those without it last.

    Args:
        entries: runs.
        name: of a figure of their summaries: ``accuracy``, ``steps``, ``wall_seconds``. A metric of the
            runs' task has its direction; everything else is the better the smaller it is.

    Raises:
        UnknownNameError: when no run has such a figure.
    """
    values = {entry.id: figures(entry.summary).get(name) for entry in entries}
    if entries and all(value is None for value in values.values()):
        raise UnknownNameError("figure", name, {key for entry in entries for key in figures(entry.summary)})
    sign = -1 if any(entry.info and higher_is_better(entry.info, name) for entry in entries) else 1

    def place(entry: RunEntry) -> tuple[bool, float]:
        value = values[entry.id]
        return value is None, 0.0 if value is None else sign * value

    return sorted(entries, key=place)


def best_of_each(entries: Sequence[RunEntry], name: str, per: str | None = None) -> list[RunEntry]:
    """Return the best run by a figure, or that of each experiment or model; runs without it are none.

    Raises:
        UnknownNameError: when no run has such a figure.
    """
    found: dict[str, RunEntry] = {}
    for entry in sort_by(entries, name):
        if entry.info is not None and figures(entry.summary).get(name) is not None:
            found.setdefault("" if per is None else getattr(entry.info, per), entry)
    return list(found.values())


def made_since(entries: Iterable[RunEntry], since: str) -> list[RunEntry]:
    """Return the runs that were made since a day, or for so long.

    Raises:
        UsageError: when it is neither a day nor a time span.
    """
    try:
        first = datetime.fromisoformat(since).replace(tzinfo=UTC)
    except ValueError:
        try:
            first = datetime.now(UTC) - parse_age(since)
        except UsageError:
            raise UsageError(
                f"{since!r} is neither a day nor a time span.", hint="Write it as 2026-11-01, 12h or 7d."
            ) from None
    return [
        entry
        for entry in entries
        if entry.info is not None and datetime.fromisoformat(entry.info.created) >= first
    ]


def parse_age(text: str) -> timedelta:
    """Read a time span.

    >>> parse_age("7d").days
    7

    Raises:
        UsageError: when it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a time span.", hint="Write it as 12h, 7d or 2w.")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise UsageError(f"{text!r} is too long a time span.") from None


@dataclass(frozen=True)
class Cleaning:
    """What cleaning would do.

    Attributes:
        going: the runs for the trash.
        kept: runs that were chosen and are kept nevertheless, with the reason.
    """

    going: tuple[RunEntry, ...]
    kept: tuple[tuple[RunEntry, str], ...]


def plan_cleaning(
    entries: Iterable[RunEntry],
    *,
    failed: bool = False,
    older_than: timedelta | None = None,
    keep_best: bool = False,
) -> Cleaning:
    """Choose the runs that may go.

    Args:
        entries: runs, the newest first. What is running, damaged or no run is never chosen.
        failed: only those that failed.
        older_than: only those made so long ago.
        keep_best: keep the best finished run of each experiment and model.

    Returns:
        The plan; runs with a tag or a note are kept.
    """
    entries = [entry for entry in entries if entry.info is not None]
    best = _best(entries) if keep_best else {}
    going, kept = [], []
    for entry in entries:
        assert entry.info is not None
        if entry.status == "running" or (failed and entry.status != "failed"):
            continue
        if older_than is not None and _age(entry) < older_than:
            continue
        if tags_of(entry.info):
            kept.append((entry, "it has a tag"))
        elif note_of(entry.info):
            kept.append((entry, "it has a note"))
        elif entry.id in best:
            kept.append((entry, best[entry.id]))
        else:
            going.append(entry)
    return Cleaning(tuple(going), tuple(kept))


def _best(entries: Iterable[RunEntry]) -> dict[str, str]:
    """Return the ids of the best finished runs of each experiment and model, and what they are best at."""
    found: dict[tuple[str, str, str], tuple[float, str]] = {}
    for entry in entries:
        assert entry.info is not None
        told = headline(entry.summary, entry.info.extra.get("metric"))
        if entry.status != "finished" or told is None:
            continue
        name, value = told
        group = (entry.info.experiment, entry.info.model, name)
        gain = value if higher_is_better(entry.info, name) else -value
        if group not in found or gain > found[group][0]:
            found[group] = (gain, entry.id)
    return {
        run: f"the best {name} of {short_model(model)} on {experiment}"
        for (experiment, model, name), (_, run) in found.items()
    }


def _age(entry: RunEntry) -> timedelta:
    assert entry.info is not None
    try:
        return datetime.now(UTC) - datetime.fromisoformat(entry.info.created)
    except (ValueError, TypeError):
        return timedelta(0)


def _settings(entry: RunEntry) -> dict[str, Any]:
    try:
        return Run(entry.path).settings() if entry.info is not None else {}
    except SeqlabError:
        return {}
