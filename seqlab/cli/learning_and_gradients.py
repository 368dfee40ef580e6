"""What `seqlab train gradient-and-lag` and `seqlab train exploding-gradient` show."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

from seqlab.cli.console import show_json, show_table, stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqlab.comparison.study import Entry, Finished
    from seqlab.settings import LagsExperiment, VariantsExperiment

_DRAWN = ("sequences", "loss", "grad_norm", "validation_loss")
"""What the picture of :func:`run_variants` shows of a run's records."""


def run_lags(settings: LagsExperiment, *, quiet: bool, as_json: bool) -> None:
    """Train every model at every lag, measure the gradients, and show both."""
    from seqlab.comparison.lags import conclude_ladder, entries_of_ladder
    from seqlab.figures.lags import lags_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file

    ladders = [(ladder, entries_of_ladder(settings, ladder)) for ladder in settings.ladders]
    plugins = _plugins(settings.models)
    climbs = [conclude_ladder(ladder, _train(entries, plugins, quiet)) for ladder, entries in ladders]
    folder = create_report(settings.experiment)
    data = {
        "experiment": settings.model_dump(mode="json", exclude={"presets"}),
        "ladders": [climb.to_dict() for climb in climbs],
    }
    replace_file(folder / "lags.json", json.dumps(data, allow_nan=False) + "\n")
    paths = save(lags_figure(climbs), folder / "lags")
    if as_json:
        return show_json({**data, "figures": [str(path) for path in paths]})
    show_table(
        ["task", "model", "lag", "held out", "each seed"],
        [
            [
                climb.on,
                score.model,
                str(score.lag),
                "failed" if score.mean is None else f"{score.mean:.3f}",
                " ".join(f"{value:.3f}" for value in score.values),
            ]
            for climb in climbs
            for score in climb.scores
        ],
    )
    print(f"\n{paths[0]}")
    stderr().print("Next: seqlab gradients RUN, for one of these runs.", markup=False)
    return None


def run_variants(settings: VariantsExperiment, *, quiet: bool, as_json: bool) -> None:
    """Train one model under several settings, and lay loss and gradient norm over each other."""
    from seqlab.comparison.study import Entry, one_thread
    from seqlab.configure import load_training
    from seqlab.engines import take_engine
    from seqlab.errors import RunFailedError
    from seqlab.figures.curves import curves
    from seqlab.figures.style import save
    from seqlab.runs import create_report
    from seqlab.tasks import build_task

    entries = []
    for label, own in settings.variants.items():
        words = [f"{key}={json.dumps(value)}" for key, value in {**settings.settings, **own}.items()]
        experiment = load_training(settings.on, overrides=words, model=settings.learner, seed=settings.seed)
        settled, _ = take_engine(experiment, build_task(experiment.task))
        entries.append(Entry(label, one_thread(settled)))
    finished = _train(entries, _plugins([settings.learner]), quiet)
    recorded = {item.entry.label: [] if item.run is None else item.run.metrics() for item in finished}
    if not any(recorded.values()):
        raise RunFailedError(
            "No run has recorded anything.", hint="`seqlab runs --status failed` lists them."
        )
    folder = create_report(settings.experiment)
    drawn = [
        (label, [{key: record[key] for key in _DRAWN if key in record} for record in records])
        for label, records in recorded.items()
        if records
    ]
    unit = next(item.run.info().extra.get("loss_unit", "nats") for item in finished if item.run is not None)
    paths = save(curves(drawn, loss_unit=unit), folder / "curves")
    rows = [_variant(item, recorded[item.entry.label]) for item in finished]
    if as_json:
        return show_json({"variants": rows, "figures": [str(path) for path in paths]})
    show_table(
        list(rows[0]), [["" if value is None else _word(value) for value in row.values()] for row in rows]
    )
    print(f"\n{paths[0]}")
    stderr().print("Next: seqlab gradients RUN, or the same with another clip_norm.", markup=False)
    return None


def _train(entries: Sequence[Entry], plugins: Sequence[str], quiet: bool) -> list[Finished]:
    """Train what is not trained yet."""
    from seqlab.cli.live import board
    from seqlab.comparison import server
    from seqlab.comparison.study import study

    server.start()
    with board(entries, quiet) as note_update:
        return study(
            entries,
            command=shlex.join(["seqlab", *sys.argv[1:]]),
            plugins=plugins,
            on_update=note_update,
            announce=lambda line: stderr().print(line, soft_wrap=True, markup=False),
        )


def _plugins(models: Sequence[str]) -> list[str]:
    from seqlab.plugins import is_plugin
    from seqlab.registry import parse_reference

    return [name for model in models if is_plugin(name := parse_reference(model).name)]


def _variant(item: Finished, records: Sequence[dict[str, object]]) -> dict[str, str | float | None]:
    """Return what there is to say of one variant: its greatest and last loss, and its greatest gradient."""
    losses = [value for record in records if isinstance(value := record.get("loss"), float)]
    norms = [value for record in records if isinstance(value := record.get("grad_norm"), float)]
    return {
        "variant": item.entry.label,
        "run": None if item.run is None else item.run.id,
        "steps": float(len(losses)),
        "greatest loss": max(losses, default=None),
        "last loss": losses[-1] if losses else None,
        "greatest gradient norm": max(norms, default=None),
        "end": "finished" if item.failure is None else item.failure.splitlines()[0],
    }


def _word(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
