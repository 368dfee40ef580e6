"""What is to be compared, as a user asks for it, and who therefore takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seqlab.comparison.budgets import within_budget
from seqlab.comparison.entrants import Entrant, Grid, make_entrants
from seqlab.comparison.judged import level_keys
from seqlab.comparison.matching import beside, match_parameters
from seqlab.configure import load_training
from seqlab.engines import check_engine, take_engine
from seqlab.errors import UsageError
from seqlab.plugins import is_plugin
from seqlab.registry import parse_reference
from seqlab.session import open_session
from seqlab.session.mixing import check_mixture
from seqlab.settings import TrainExperiment
from seqlab.tasks import build_task


@dataclass(frozen=True)
class Design:
    """A comparison as it was asked for.

    Attributes:
        on: the experiment whose task and training all share, or a settings file; None with a ``task`` alone.
        models: as on the command line: ``lstm``, ``lstm[hidden_size=8]``, ``my_cell.py``.
        seeds: seed k gives every model the same data.
        overrides: ``key.path=value`` words for all.
        task: another task than the experiment's: a name, or the user's own file.
        difficulties: of the task; several are a ladder.
        preset: of the experiment.
        grid: settings that take several values: a sweep.
        match_parameters: whether widths are chosen so that parameter counts agree.
        same_width: with ``match_parameters``, whether the models of the settings' own width take part, too.
        budget: seconds that a run may take, or None.
        labels: what the models are called, one each; none for their names.
        name: of the comparison, for its folder and its page; None to name the models.
        question: what it asks, in a sentence; None to word it.
        command: the line that repeats it.
    """

    on: str | None
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    overrides: tuple[str, ...] = ()
    task: str | None = None
    difficulties: tuple[str, ...] = ()
    preset: str | None = None
    grid: Grid = field(default_factory=dict)
    match_parameters: bool = False
    same_width: bool = False
    budget: float | None = None
    labels: tuple[str, ...] = ()
    name: str | None = None
    question: str | None = None
    command: str = ""

    @property
    def plugins(self) -> list[str]:
        """The user's own files among the models, and that of the task."""
        named = [*self.models, *([] if self.task is None else [self.task])]
        return [name for one in named if is_plugin(name := parse_reference(one).name)]

    @property
    def subject(self) -> str:
        """What is learned, in a word: the experiment, or the task."""
        return Path(self.on or parse_reference(self.task or "").name.partition(":")[0]).stem


def learned(on: str | None, task: str | None) -> tuple[str | None, str | None]:
    """Return the experiment and the task that a comparison is on, as they were asked for.

    >>> learned(None, None), learned(None, "parity.py"), learned("parity.py", None)
    (('temporal-order', None), (None, 'parity.py'), (None, 'parity.py'))
    """
    if on is not None and task is None and is_plugin(parse_reference(on).name):
        return None, on
    return on or (None if task else "temporal-order"), task


@dataclass(frozen=True)
class Lineup:
    """Who takes part in a comparison, and what there is to say about the choice."""

    entrants: list[Entrant]
    notes: list[str]


def draw_up(design: Design) -> Lineup:
    """Return who takes part.

    Raises:
        UsageError: when the settings are wrong, two entrants would be called the same, or one cannot read or
            learn what it shall.
    """

    def load(model: str, overrides: Sequence[str], difficulty: str | None) -> TrainExperiment:
        return load_training(
            design.on,
            overrides=overrides,
            model=model,
            task=design.task,
            difficulty=difficulty,
            preset=design.preset,
        )

    if design.same_width and not design.match_parameters:
        raise UsageError("--same-width stands beside --match-parameters; alone it says nothing.")
    if design.labels and len(design.labels) != len(design.models):
        raise UsageError(f"There are {len(design.models)} models, but {len(design.labels)} labels for them.")
    entrants = make_entrants(
        design.models,
        load,
        labels=design.labels,
        difficulties=design.difficulties,
        grid=design.grid,
        level_keys=level_keys(
            design.grid, lambda words: load(design.models[0], [*design.overrides, *words], _only(design))
        ),
        overrides=design.overrides,
    )
    notes: list[str] = []
    if design.match_parameters:
        matched = match_parameters(entrants)
        notes += matched.notes
        entrants = beside(entrants, matched.entrants) if design.same_width else matched.entrants
    entrants, advice = with_engines(entrants)
    notes += advice
    for entrant in entrants:
        open_session(
            entrant.experiment
        )  # a step is tried: what cannot learn is refused before any other does
    if design.budget is not None:
        fitted = within_budget(entrants, design.budget)
        steps = [
            f"{one.label} {one.experiment.training.steps:,}"
            for one, before in zip(fitted, entrants, strict=True)
            if one is not before  # a model that counts is left as it is
        ]
        entrants = fitted
        notes.append(
            f"Steps that fit into {design.budget:g} s: {', '.join(steps) or 'as many as there are'}."
        )
    return Lineup(entrants, notes)


def _only(design: Design) -> str | None:
    """Return a difficulty at which all keys of the sweep can be tried."""
    return design.difficulties[0] if design.difficulties else None


def with_engines(entrants: Sequence[Entrant]) -> tuple[list[Entrant], list[str]]:
    """Return the entrants with the engines that will train them, and an advice where there is one.

    Raises:
        SettingsError: when one of them cannot be trained or mixed as it is asked for.
    """
    settled, advice = [], dict[str, None]()
    for entrant in entrants:
        task = build_task(entrant.experiment.task)
        check_mixture(entrant.experiment, task)
        experiment, said = take_engine(entrant.experiment, task)
        check_engine(experiment, task)
        settled.append(replace(entrant, experiment=experiment))
        advice.update({said: None} if said else {})
    return settled, list(advice)
