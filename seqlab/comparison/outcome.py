"""What came of a comparison: runs in, figures for each model and each pair of models out.

A failed run (its loss became NaN, say) did not solve the task and never will: it counts as unsolved after
the longest budget of the comparison, and has no metric. A run that is still going or was interrupted is left
out. Both are counted, and the verdict says so.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from statistics import median
from typing import Any, Literal

from seqlab.comparison.statistics import (
    Interval,
    PairedDifference,
    SignTest,
    Survival,
    first_to_solve,
    holm,
    kaplan_meier,
    mcnemar,
    mean_interval,
    paired_difference,
    wilson,
)
from seqlab.runs.guessing import below

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class RunOutcome:
    """One model trained on one seed.

    Attributes:
        model: its name, as on the command line.
        seed: seed k gives every model the same data.
        status: of the run.
        parameters: number of trained parameters.
        solved: whether the task's criterion was met; None when it has none.
        sequences_to_solve: training sequences seen when it was met first.
        sequences_seen: training sequences in all.
        metric: final held-out metric; None for a run that failed.
        errors: held-out sequences in which anything is wrong.
        wall_seconds: time that training took.
        steps: parameter updates.
        run_id: the folder.
        level: the difficulty, where the comparison climbs several; else None.
        further: other held-out figures by name, such as those of a second protocol.
        guess: the metric that guessing has on the same held-out set; None where nobody knows.
        guess_name: of the way to guess.
    """

    model: str
    seed: int
    status: Literal["running", "finished", "failed", "interrupted"]
    parameters: int
    solved: bool | None
    sequences_to_solve: int | None
    sequences_seen: int
    metric: float | None
    errors: int | None
    wall_seconds: float
    steps: int
    run_id: str
    level: str | None = None
    further: Mapping[str, float | None] = field(default_factory=dict)
    guess: float | None = None
    guess_name: str = "guessing"

    def __post_init__(self) -> None:
        if self.solved and self.sequences_to_solve is None:
            raise ValueError(f"run {self.run_id} is solved, so sequences_to_solve must be a number, got None")


@dataclass(frozen=True)
class ModelOutcome:
    """One model over its seeds.

    Attributes:
        model: its name.
        parameters: number of trained parameters; 0 when no run knows.
        runs: finished and failed runs; the number that all figures are about.
        failed: how many of them failed.
        unfinished: further runs, not counted in ``runs``.
        metric_mean: mean held-out metric over the runs that have one.
        metric_interval: its 95 % interval.
        metric_range: the lowest and the highest over the runs.
        seconds_per_run: median over runs.
        updates_per_second: median over runs.
        solved: how many of ``runs`` met the task's criterion; None when it has none.
        solved_interval: Wilson's 95 % interval of that share.
        survival: Kaplan-Meier curve of the sequences to solve, with median and quartiles.
        level: the difficulty, where the comparison climbs several; else None.
        further: other held-out figures by name: mean and 95 % interval.
        without_metric: finished runs whose metric is no number.
        guess: the mean of the metric that guessing has on the same held-out sets, or None.
        guess_name: of the way to guess.
        below_guessing: ``worse than`` or ``no better than`` guessing, where the mean is that; else empty.
    """

    model: str
    parameters: int
    runs: int
    failed: int
    unfinished: int
    metric_mean: float | None
    metric_interval: Interval | None
    metric_range: tuple[float, float] | None
    seconds_per_run: float | None
    updates_per_second: float | None
    solved: int | None = None
    solved_interval: Interval | None = None
    survival: Survival | None = None
    level: str | None = None
    further: Mapping[str, tuple[float, Interval | None]] = field(default_factory=dict)
    without_metric: int = 0
    guess: float | None = None
    guess_name: str = "guessing"
    below_guessing: str = ""


@dataclass(frozen=True)
class PairOutcome:
    """Two models on the seeds that both have run.

    Each question has a test of its own, corrected by Holm over all pairs of the level that ask it.

    Attributes:
        first: name of a model.
        second: name of another.
        seeds: common seeds.
        difference: of the held-out metric, first minus second.
        difference_p: its corrected p.
        solved: seeds that one solved and the other did not (McNemar).
        solved_p: its corrected p.
        sooner: seeds on which one solved the task before the other (sign test).
        sooner_p: its corrected p.
        level: the difficulty, where the comparison climbs several; else None.
    """

    first: str
    second: str
    seeds: int
    difference: PairedDifference | None = None
    difference_p: float | None = None
    solved: SignTest | None = None
    solved_p: float | None = None
    sooner: SignTest | None = None
    sooner_p: float | None = None
    level: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Several models on one task, or on several levels of it; in words: :mod:`seqlab.comparison.verdict`.

    Attributes:
        metric_name: the held-out metric.
        higher_is_better: its direction.
        models: in the order in which they were given, level by level.
        pairs: every two of a level.
    """

    metric_name: str
    higher_is_better: bool
    models: tuple[ModelOutcome, ...]
    pairs: tuple[PairOutcome, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return asdict(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return a line of plain numbers a model, by heading; None where there is no number."""
        return [_plain(model) for model in self.models]

    def to_csv(self) -> str:
        """Return :meth:`rows` with headings; an empty field where there is no number."""
        text = io.StringIO()
        rows = self.rows()
        columns = dict.fromkeys(name for line in rows for name in line)
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def summarise(
    outcomes: Iterable[RunOutcome],
    metric_name: str,
    higher_is_better: bool,
    bounds: tuple[float, float] = UNBOUNDED,
) -> Comparison:
    """Compare models over their seeds.

    Args:
        outcomes: runs of one task, at most one a model, level and seed.
        metric_name: what ``RunOutcome.metric`` is, as people call it: ``accuracy``.
        higher_is_better: its direction.
        bounds: what the metric can be at all, as (0, 1) for an accuracy; intervals are cut there.

    Raises:
        ValueError: when there is no run, or a model has two of the same seed (they are not independent).
    """
    levels: dict[str | None, list[RunOutcome]] = {}
    for run in outcomes:
        levels.setdefault(run.level, []).append(run)
    if not levels:
        raise ValueError("there is no run to compare")
    models: list[ModelOutcome] = []
    pairs: list[PairOutcome] = []
    for level, runs in levels.items():
        here, between = _level(runs, bounds)
        here = [_beside_guessing(model, runs, higher_is_better, bounds) for model in here]
        models += [replace(model, level=level) for model in here]
        pairs += [replace(pair, level=level) for pair in between]
    return Comparison(metric_name, higher_is_better, tuple(models), tuple(pairs))


def _level(
    outcomes: Sequence[RunOutcome], bounds: tuple[float, float]
) -> tuple[list[ModelOutcome], tuple[PairOutcome, ...]]:
    """Compare models on one level of a task."""
    by_model: dict[str, dict[int, RunOutcome]] = {}
    for run in outcomes:
        twin = by_model.setdefault(run.model, {}).setdefault(run.seed, run)
        if twin is not run:
            raise ValueError(f"{run.model} has two runs of seed {run.seed}: {twin.run_id} and {run.run_id}")
    judged = any(run.solved is not None for run in outcomes)
    budget = max(run.sequences_seen for run in outcomes) if judged else None
    models = [_model(list(seeds.values()), budget, bounds) for seeds in by_model.values()]
    return models, _correct([_pair(a, b, budget) for a, b in combinations(by_model.values(), 2)])


def _model(everything: list[RunOutcome], budget: int | None, bounds: tuple[float, float]) -> ModelOutcome:
    """Aggregate a model's runs; ``budget`` is None where the task has no criterion."""
    runs = [run for run in everything if _counts(run)]
    metrics = [value for run in runs if (value := _finite(run.metric)) is not None]
    solved = [bool(run.solved) for run in runs]
    timed = [run for run in runs if run.status == "finished" and run.wall_seconds > 0]
    updating = [run for run in timed if run.steps > 1]  # a model that counts does so in one step
    outcome = ModelOutcome(
        model=everything[0].model,
        parameters=max(run.parameters for run in everything),  # a run that failed at once knows of none
        runs=len(runs),
        failed=sum(run.status == "failed" for run in runs),
        unfinished=len(everything) - len(runs),
        metric_mean=sum(metrics) / len(metrics) if metrics else None,
        metric_interval=mean_interval(metrics, bounds),
        metric_range=(min(metrics), max(metrics)) if metrics else None,
        seconds_per_run=median(run.wall_seconds for run in timed) if timed else None,
        updates_per_second=median(run.steps / run.wall_seconds for run in updating) if updating else None,
        further=_further(runs, bounds),
        without_metric=sum(run.status == "finished" for run in runs) - len(metrics),
    )
    if budget is None or not runs:
        return outcome
    return replace(
        outcome,
        solved=sum(solved),
        solved_interval=wilson(sum(solved), len(runs)),
        survival=kaplan_meier([_duration(run, budget) for run in runs], solved),
    )


def _beside_guessing(
    model: ModelOutcome, runs: Sequence[RunOutcome], higher_is_better: bool, bounds: tuple[float, float]
) -> ModelOutcome:
    """Return a model's figures with what guessing comes to on the held-out sets of its runs."""
    own = [run for run in runs if run.model == model.model and run.guess is not None]
    guess = sum(run.guess or 0.0 for run in own) / len(own) if own else None
    if guess is None or model.metric_mean is None:
        return model
    standing = below(model.metric_mean, guess, higher_is_better, bounds)
    return replace(model, guess=guess, guess_name=own[0].guess_name, below_guessing=standing)


def _further(
    runs: Sequence[RunOutcome], bounds: tuple[float, float]
) -> dict[str, tuple[float, Interval | None]]:
    """Return mean and interval of every further figure."""
    found = {}
    for name in dict.fromkeys(name for run in runs for name in run.further):
        values = [value for run in runs if (value := _finite(run.further.get(name))) is not None]
        if values:
            found[name] = (sum(values) / len(values), mean_interval(values, bounds))
    return found


def _pair(first: dict[int, RunOutcome], second: dict[int, RunOutcome], budget: int | None) -> PairOutcome:
    """Compare two models, each its runs by seed, before any correction."""
    common = sorted(first.keys() & second.keys())
    runs = [(first[seed], second[seed]) for seed in common if _counts(first[seed]) and _counts(second[seed])]
    names = next(iter(first.values())).model, next(iter(second.values())).model
    pair = PairOutcome(*names, seeds=len(runs))
    both = [(_finite(a.metric), _finite(b.metric)) for a, b in runs]
    metrics = [(x, y) for x, y in both if x is not None and y is not None]
    if metrics:
        found = paired_difference([x for x, _ in metrics], [y for _, y in metrics])
        pair = replace(pair, difference=found)
    if budget is None or not runs:
        return pair
    solved = [(bool(a.solved), bool(b.solved)) for a, b in runs]
    taken = [(_duration(a, budget), _duration(b, budget)) for a, b in runs]
    return replace(pair, solved=mcnemar(solved), sooner=first_to_solve(taken, solved))


def _correct(pairs: Sequence[PairOutcome]) -> tuple[PairOutcome, ...]:
    """Fill in the corrected p values: each question over all pairs that ask it."""
    difference_p = _holm([pair.difference for pair in pairs])
    solved_p = _holm([pair.solved for pair in pairs])
    sooner_p = _holm([pair.sooner for pair in pairs])
    return tuple(
        replace(pair, difference_p=a, solved_p=b, sooner_p=c)
        for pair, a, b, c in zip(pairs, difference_p, solved_p, sooner_p, strict=True)
    )


def _holm(tests: Sequence[PairedDifference | SignTest | None]) -> list[float | None]:
    corrected = iter(holm([test.p for test in tests if test is not None]))
    return [None if test is None else next(corrected) for test in tests]


def _counts(run: RunOutcome) -> bool:
    return run.status in ("finished", "failed")


def _finite(value: float | None) -> float | None:
    """Return a figure where it is a number that can be averaged."""
    return value if value is not None and math.isfinite(value) else None


def _duration(run: RunOutcome, budget: int) -> int:
    """Return the sequences to solve or, unsolved, those that did not suffice."""
    if run.solved and run.sequences_to_solve is not None:
        return run.sequences_to_solve
    return budget if run.status == "failed" else run.sequences_seen


def _plain(model: ModelOutcome) -> dict[str, Any]:
    """Return a model's figures as plain numbers, None where there is none."""
    solved, metric, survival = model.solved_interval, model.metric_interval, model.survival
    further = {
        f"{name}{end}": value
        for name, (mean, interval) in model.further.items()
        for end, value in (
            ("", mean), (" low", interval and interval.low), (" high", interval and interval.high)
        )
    }  # fmt: skip
    return {
        "model": model.model,
        **({} if model.level is None else {"level": model.level}),
        "parameters": model.parameters,
        "runs": model.runs,
        "failed": model.failed,
        "unfinished": model.unfinished,
        "solved": model.solved,
        "solved_low": solved and solved.low,
        "solved_high": solved and solved.high,
        "sequences_median": survival and survival.median,
        "sequences_lower_quartile": survival and survival.lower_quartile,
        "sequences_upper_quartile": survival and survival.upper_quartile,
        "metric_mean": model.metric_mean,
        "metric_low": metric and metric.low,
        "metric_high": metric and metric.high,
        "metric_lowest": model.metric_range and model.metric_range[0],
        "metric_highest": model.metric_range and model.metric_range[1],
        "guess": model.guess,
        **further,
        "seconds_per_run": model.seconds_per_run,
        "updates_per_second": model.updates_per_second,
    }
