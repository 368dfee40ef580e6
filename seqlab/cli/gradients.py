"""`seqlab gradients`, and what `seqlab train vanishing-gradient` shows: the gradient through time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, tell
from seqlab.cli.pictures import Album, Formats, Title

if TYPE_CHECKING:
    from seqlab.analysis.gradients import Curve, ModelGradient
    from seqlab.analysis.trained_gradients import Moment
    from seqlab.runs import Run
    from seqlab.session import Session


SHOWN_LAGS = (1, 10, 50, 100)
DECADES = 15
"""Powers of ten that the lines of blocks span at most."""


def gradients(
    run: options.NamedRun = "latest",
    at: Annotated[
        str | None,
        typer.Option(help="Further points of training, such as 100,500: it is trained again up to there."),
    ] = None,
    lags: Annotated[int, typer.Option(min=1, max=10_000, help="Greatest lag, in steps.")] = 200,
    sequences: Annotated[int, typer.Option(min=1, max=1000, help="Test sequences to measure on.")] = 3,
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    title: Title = None,
    formats: Formats = None,
    output: options.PictureFolder = None,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Everything as CSV, a line for each lag.")] = False,
) -> None:
    """Measure how far back a run's network feels, at its start and trained, on its own task.

    Examples: seqlab gradients / seqlab gradients adding-lstm --at 50,200 --lags 100
    """
    from seqlab.errors import UsageError

    if as_json and as_csv:
        raise UsageError("Both --json and --csv are given.", hint="Leave one out.")
    from seqlab.analysis.trained_gradients import to_csv
    from seqlab.figures.gradients import run_figure
    from seqlab.runs import replace_file
    from seqlab.session import reopen

    found = options.the_run(run)
    options.admit_plugins(found, model, task, anyway=anyway)
    session = reopen(found, model, task, anyway=anyway)
    end = _end(found, session)
    moments = _moments(found, session, _steps(at, end), lags, sequences, quiet)
    folder = found.figures if output is None else output
    figure = run_figure(moments, found.id, session.experiment.model.name)
    paths = Album(folder, formats, title).keep({"gradients": figure})
    table = to_csv(moments)
    replace_file(folder / "gradients.csv", table)
    if as_json:
        measured = [
            {"label": moment.label, "layers": [layer.to_dict() for layer in moment.layers]}
            for moment in moments
        ]
        return show_json({"run": found.id, "moments": measured, "figures": paths})
    if as_csv:
        return print(table, end="")
    _say(moments)
    for path in [*paths, str(folder / "gradients.csv")]:
        print(path)
    between = (
        f"seqlab gradients --at {end // 10},{end // 2} for points between, or " if not at and end > 9 else ""
    )
    tell(f"Next: {between}seqlab train cures.")
    return None


def _end(run: Run, session: Session) -> int:
    """Return the step at which a run ended, or would have ended."""
    summary = run.summary()
    return int(summary["steps"]) if summary else session.experiment.training.steps


def _steps(text: str | None, end: int) -> list[int]:
    """Read the steps of --at, none of them behind the end of the run."""
    from seqlab.errors import UsageError

    try:
        steps = [int(word) for word in (text or "").split(",") if word.strip()]
    except ValueError:
        steps = [-1]
    if any(step < 0 for step in steps):
        raise UsageError(f"--at {text!r} names no steps.", hint="Write for example --at 100,500")
    if steps and max(steps) > end:
        raise UsageError(
            f"--at {max(steps)} lies behind the end: this run has {end:,} steps.",
            hint=f"Write for example --at {end // 2}",
        )
    return sorted(set(steps) - {0})


def _moments(
    run: Run, session: Session, steps: list[int], lags: int, sequences: int, quiet: bool
) -> list[Moment]:
    """Measure a run at its start, at the steps between, and with its best weights."""
    from seqlab.analysis.states import network_of
    from seqlab.analysis.trained_gradients import Moment, check_network, measure_network, train_again
    from seqlab.session.trained import load_best

    name = session.experiment.model.name
    network = network_of(session.model, name)
    check_network(network, name)

    def measured(label: str) -> Moment:
        if not quiet:
            tell(f"measuring: {label}")
        layers = measure_network(
            network, session.task, lags=lags, sequences=sequences, seed=session.experiment.seed
        )
        return Moment(label, layers)

    moments = [
        measured("start" if step == 0 else f"step {step:,}") for step, _ in train_again(session, [0, *steps])
    ]
    if run.best_weights.is_file():
        load_best(run, network)
        moments.append(measured("trained (best weights)"))
    return moments


def _say(moments: list[Moment]) -> None:
    """Print norms at some lags, rates and bounds, and each curve as a line of blocks, all in one scale."""
    from seqlab.analysis.gradients import zeros_in_words
    from seqlab.cli.plot import blocks
    from seqlab.figures.curves import sparkline

    measured = moments[0].layers[0].spectral.logs.shape[1]
    lags = [*(lag for lag in SHOWN_LAGS if lag < measured), measured]
    measured_logs = [
        curve.mean_log for moment in moments for layer in moment.layers for curve in _kinds(layer).values()
    ]
    low, high = _decades(measured_logs)
    rows = []
    for moment in moments:
        for layer in moment.layers:
            for kind, curve in _kinds(layer).items():
                values = [f"{curve.mean[lag - 1]:.2g}" for lag in lags]
                shape = sparkline(list(curve.mean_log), 24, blocks(), (low, high))
                rows.append([moment.label, layer.name, kind, *values, f"{curve.rate:.3g}", shape])
    columns = [
        "at",
        "layer",
        "norm of",
        *(f"lag {lag}" for lag in lags),
        "rate per step",
        f"1e{low} to 1e{high}",
    ]
    show_table(columns, rows)
    for moment in moments:
        for layer in moment.layers:
            if layer.spectral_radius and layer.sigma_max:
                print(
                    f"{moment.label}, {layer.name}: spectral radius {layer.spectral_radius[0]:.3f}, "
                    f"greatest singular value {layer.sigma_max[0]:.3f}"
                )
    for moment in moments:
        for layer in moment.layers:
            if told := zeros_in_words(f"{moment.label}, {layer.name}", layer.hidden, "sequences"):
                say(told)
    held = all(layer.within_bounds for moment in moments for layer in moment.layers)
    say(f"\nThe bounds from the singular values {'hold' if held else 'ARE BROKEN'} at every lag.\n")


def _decades(logs: Sequence[Any]) -> tuple[int, int]:
    """Return the powers of ten between which curves lie, as far as a line of blocks can show them.

    >>> _decades([[-4.2, 1.5], [float("-inf")]]), _decades([[-40.0, 0.0]])
    ((-5, 2), (-15, 0))
    """
    finite = [float(value) for curve in logs for value in curve if math.isfinite(value)] or [0.0]
    high = math.ceil(max(finite))
    return max(math.floor(min(finite)), high - DECADES), max(high, math.floor(min(finite)) + 1)


def _kinds(layer: ModelGradient) -> dict[str, Curve]:
    """Return the curves that are printed, by what they are the norm of."""
    kinds = {
        "d s(T) / d s(T-L)": layer.spectral if len(layer.parts) > 1 else None,
        "d h(T) / d h(T-L)": layer.hidden,
        "d Loss / d h(T-L)": layer.loss_hidden,
        "forget gates": layer.path_mean,
        "bound": layer.closed_bound,
    }
    return {kind: curve for kind, curve in kinds.items() if curve is not None}
