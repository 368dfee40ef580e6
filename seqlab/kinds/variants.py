"""One model learns one task under several settings, laid over each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from seqlab.kinds import Asked
from seqlab.settings import Experiment, Presets

if TYPE_CHECKING:
    from seqlab.comparison.entries import Entry

_DRAWN = ("sequences", "loss", "grad_norm", "validation_loss")
"""What the picture shows of a run's records."""


class VariantsExperiment(Experiment):
    """One model learns one task under several settings: losses and gradient norms over each other."""

    kind: Literal["variants"]
    on: str = Field(description="the experiment whose task and training all share")
    learner: str = Field(description="the model, as on the command line: lstm, lstm[hidden_size=8]")
    seed: int = Field(default=1, ge=0, le=2**32 - 1, description="of first weights, data and dropout")
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    variants: dict[str, dict[str, Any]] = Field(
        min_length=1, description="label: key: value, in which they differ"
    )
    presets: Presets = Field(default_factory=dict)


SETTINGS = VariantsExperiment


def run(settings: VariantsExperiment, asked: Asked) -> None:
    """Train one model under several settings, and lay loss and gradient norm over each other."""
    from seqlab.cli.console import show_json, show_table, tell
    from seqlab.cli.study import plugins_of, train_entries
    from seqlab.comparison.entries import Entry, one_thread
    from seqlab.configure import admit_named, leaves, load_training
    from seqlab.engines import take_engine
    from seqlab.errors import RunFailedError
    from seqlab.figures.curves import curves
    from seqlab.figures.style import save
    from seqlab.runs import create_report, guessed
    from seqlab.tasks import build_task

    admit_named("learner", [settings.learner], asked.document)
    entries = []
    for label, own in settings.variants.items():
        words = [
            f"{key}={json.dumps(value)}" for key, value in (leaves(settings.settings) | leaves(own)).items()
        ]
        experiment = load_training(
            asked.beside(settings.on), overrides=words, model=settings.learner, seed=settings.seed
        )
        settled, _ = take_engine(experiment, build_task(experiment.task))
        entries.append(Entry(label, one_thread(settled)))
    finished = train_entries(entries, plugins_of([settings.learner]), asked.quiet)
    recorded = {item.label: [] if item.run is None else item.run.metrics() for item in finished}
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
    made = next(item.run for item in finished if item.run is not None)
    figure = curves(
        drawn,
        models=[settings.learner] * len(drawn),
        loss_unit=unit,
        guess=guessed(made.info()),
        smooth=0,  # a single step is what there is to see
        title=f"{settings.experiment}: {settings.learner} on {settings.on}, seed {settings.seed}",
    )
    paths = save(figure, folder / "curves")
    rows = [_variant(item, recorded[item.label]) for item in finished]
    if asked.as_json:
        return show_json({"variants": rows, "figures": [str(path) for path in paths]})
    show_table(
        list(rows[0]), [["" if value is None else _word(value) for value in row.values()] for row in rows]
    )
    print(f"\n{paths[0]}")
    tell(f"Next: seqlab gradients {made.id}")
    return None


def _variant(item: Entry, records: Sequence[dict[str, object]]) -> dict[str, str | float | None]:
    """Return what there is to say of one variant: its greatest and last loss, that held out, its gradient."""
    losses = [value for record in records if isinstance(value := record.get("loss"), float)]
    norms = [value for record in records if isinstance(value := record.get("grad_norm"), float)]
    return {
        "variant": item.label,
        "run": None if item.run is None else item.run.id,
        "steps": float(len(losses)),
        "greatest loss": max(losses, default=None),
        "last loss": losses[-1] if losses else None,
        "held-out loss": ((item.summary or {}).get("held_out") or {}).get("loss"),
        "greatest gradient norm": max(norms, default=None),
        "end": "finished" if item.failure is None else item.failure.splitlines()[0],
    }


def _word(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
