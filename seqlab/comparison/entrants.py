"""Who takes part in a comparison: models x points of a grid x difficulties, each with its settings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from seqlab.errors import SettingsError, UsageError
from seqlab.registry import parse_reference
from seqlab.settings import TrainExperiment, parse_override
from seqlab.settings.overrides import once

Grid = Mapping[str, Sequence[str]]
"""By dotted key, the values that it takes in turn, as they were typed."""


@dataclass(frozen=True)
class Entrant:
    """One model with its settings, on one level of the task.

    Attributes:
        model: as it is named, with what tells it from others of that name: ``lstm[hidden_size=8]``.
        point: settings beside the model's that a grid gave it: ``learning_rate=1e-3``.
        level: the difficulty, where a comparison climbs several; else None.
        experiment: its settings; the seed is each run's own.
    """

    model: str
    point: str
    level: str | None
    experiment: TrainExperiment

    @property
    def label(self) -> str:
        """What tells it from the others of its level."""
        return f"{self.model} {self.point}".strip()


class Load(Protocol):
    """What reads the settings of one model: the experiment, with words of the command line laid over it."""

    def __call__(
        self, model: str, overrides: Sequence[str], difficulty: str | None
    ) -> TrainExperiment:  # pragma: no cover
        """Return the checked settings."""


def make_entrants(
    models: Sequence[str],
    load: Load,
    *,
    labels: Sequence[str] = (),
    difficulties: Sequence[str] = (),
    grid: Grid | None = None,
    level_keys: Collection[str] = (),
    overrides: Sequence[str] = (),
) -> list[Entrant]:
    """Return every model at every point of the grid, level by level.

    What is said more closely stands: a setting in a model's brackets over ``overrides``, and those over the
    experiment.

    Args:
        models: as on the command line: ``lstm``, ``lstm[hidden_size=8]``, ``my_cell.py``.
        load: reads the settings of one.
        labels: what they are called, one each; none for their names.
        difficulties: none for that of the experiment; several are a ladder.
        grid: settings that take several values.
        level_keys: those among them whose values are levels, as difficulties are, and not models.
        overrides: ``key.path=value`` words for all.

    Raises:
        UsageError: when two entrants would have the same name, or one has a setting that it does not know.
    """
    if labels and len(labels) != len(models):
        raise UsageError(
            f"There are {len(labels)} labels for {len(models)} models.",
            hint="Add labels=[] to call the models by their own names.",
        )
    grid = grid or {}
    rungs = _points({key: values for key, values in grid.items() if key in level_keys})
    points = _points({key: values for key, values in grid.items() if key not in level_keys})
    found = []
    once(map(parse_override, overrides))  # what is given twice there is refused
    tried: Sequence[str | None] = difficulties or [None]
    for difficulty, rung in product(tried, rungs):
        level = " ".join([*([difficulty] if difficulty and len(difficulties) > 1 else []), *_words(rung)])
        for (label, model), point in product(zip(labels or models, models, strict=True), points):
            brackets = [f"model.{setting}" for setting in _settings(model)]
            swept = [f"{key}={value}" for key, value in {**rung, **point}.items()]
            last = {word.partition("=")[0]: word for word in [*overrides, *brackets, *swept]}
            experiment = load(model, list(last.values()), difficulty)
            found.append(Entrant(*_names(label, point), level or None, experiment))
    repeated = [key for key, count in Counter((one.level, one.label) for one in found).items() if count > 1]
    if repeated:
        raise UsageError(f"{repeated[0][1]!r} is named twice.", hint="Vary it: lstm lstm[hidden_size=8]")
    return found


def parse_grid(words: Iterable[str]) -> dict[str, list[str]]:
    """Read settings that take several values.

    >>> parse_grid(["training.learning_rate=1e-3,3e-3"])
    {'training.learning_rate': ['1e-3', '3e-3']}

    Raises:
        SettingsError: when one is no ``key=v1,v2``.
        UsageError: when a key or a value comes twice.
    """
    grid: dict[str, list[str]] = {}
    for word in words:
        key, _, text = word.partition("=")
        values = _split(text)
        for value in values or [""]:
            try:
                parse_override(f"{key}={value}")
            except SettingsError as error:
                raise SettingsError(
                    f"--grid {word!r}: {error.message}", hint="Write --grid training.learning_rate=1e-3,3e-3"
                ) from None
        if not values:
            raise SettingsError(
                f"--grid {word!r} names no value.", hint="Write --grid training.learning_rate=1e-3,3e-3"
            )
        if key in grid or len(set(values)) < len(values):
            raise UsageError(f"--grid {word!r}: {key} has a value or comes itself twice.")
        grid[key] = values
    return grid


def vary(model: str, **options: object) -> str:
    """Return a model's name with options added or replaced.

    >>> vary("lstm", hidden_size=8), vary("lstm[chrono=9,hidden_size=4]", hidden_size=8)
    ('lstm[hidden_size=8]', 'lstm[chrono=9,hidden_size=8]')
    """
    settings = dict(setting.split("=", 1) for setting in _settings(model))
    settings.update({key: str(value) for key, value in options.items()})
    name = model.partition("[")[0].strip()
    return f"{name}[{','.join(f'{key}={value}' for key, value in settings.items())}]" if settings else name


def _names(model: str, point: Mapping[str, str]) -> tuple[str, str]:
    """Return what tells a point of the grid from the others: the model with its options, and the rest."""
    inside = {key.removeprefix("model."): value for key, value in point.items() if key.startswith("model.")}
    outside = {key: value for key, value in point.items() if not key.startswith("model.")}
    return vary(model, **inside), " ".join(_words(outside))


def _points(grid: Grid) -> list[dict[str, str]]:
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def _words(point: Mapping[str, str]) -> list[str]:
    """Return a point's settings as words; of a key its last part, where that tells it from the others."""
    ends = Counter(key.rpartition(".")[2] for key in point)
    shown = {key: end if ends[end := key.rpartition(".")[2]] == 1 else key for key in point}
    return [f"{shown[key]}={value}" for key, value in point.items()]


def _settings(model: str) -> list[str]:
    """Return what stands in a model's brackets, as it was typed.

    >>> _settings("lstm[hidden_size=8,chrono=9]")
    ['hidden_size=8', 'chrono=9']
    """
    parse_reference(model)  # refuses what is no name with settings
    found = re.fullmatch(r"[^\[\]]+\[(.*)\]", model.strip(), re.DOTALL)
    return _split(found[1]) if found else []


def _split(text: str) -> list[str]:
    """Cut at the commas that separate, not at those inside a list."""
    words = (word.strip() for word in re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|[^,\[{])+", text))
    return [word for word in words if word]
