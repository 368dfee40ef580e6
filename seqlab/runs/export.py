"""A run's metrics in the formats of other programs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from seqlab.errors import UsageError
from seqlab.files import replace_file, write_output
from seqlab.runs.folder import Run
from seqlab.runs.summary import figures, is_number


def by_step(run: Run) -> dict[int, dict[str, Any]]:
    """Return what was recorded at each step, training and validation together."""
    found: dict[int, dict[str, Any]] = {}
    for record in run.metrics():
        found.setdefault(int(record.get("step", 0)), {}).update(record)
    return found


def to_csv(run: Run, path: Path) -> Path:
    """Write a table with a row for each step that was recorded; an empty field where there is no number."""
    rows = by_step(run).values()
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    own = run.path in path.parents  # there a link would lead out of a folder that may be somebody else's
    (replace_file if own else write_output)(path, text.getvalue())
    return path


def to_tensorboard(run: Run, folder: Path) -> Path:
    """Write TensorBoard's event file: a scalar for each metric, and the settings as hyperparameters.

    Metrics carry no times, so each step's is set between the run's start and end in proportion.

    Raises:
        UsageError: when the package tensorboard is not installed, or the folder holds an export already.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise _not_installed("tensorboard") from None
    _make_empty(folder)
    steps = by_step(run)
    start, pace = _times(run, max(steps, default=0))
    writer = EventFileWriter(str(folder))
    try:
        settings = {key: value for key, value in run.settings().items() if _is_plain(value)}
        hyperparameters = hparams_pb(settings, trial_id=run.id, start_time_secs=start)
        writer.add_event(Event(wall_time=start, summary=hyperparameters))
        for step, record in steps.items():
            values = [Summary.Value(tag=_tag(key), simple_value=value) for key, value in _numbers(record)]
            writer.add_event(Event(wall_time=start + pace * step, step=step, summary=Summary(value=values)))
    finally:
        writer.close()
    return folder


def to_wandb(run: Run, folder: Path) -> Path:
    """Write an offline run of Weights & Biases, to be sent with ``wandb sync``; nothing is sent here.

    Raises:
        UsageError: when the package wandb is not installed, or the folder holds an export already.
    """
    for name in ("WANDB_ERROR_REPORTING", "WANDB_DISABLE_CODE"):  # read when wandb is imported
        os.environ.setdefault(name, "false" if name.endswith("REPORTING") else "true")
    try:
        import wandb
    except ImportError:
        raise _not_installed("wandb") from None
    _make_empty(folder)
    info = run.info()
    quiet = wandb.Settings(
        silent=True, console="off", disable_git=True, x_disable_stats=True, x_disable_meta=True
    )
    offline = wandb.init(
        mode="offline",
        dir=str(folder),
        project="seqlab",
        group=info.experiment,
        name=run.id,
        config=run.settings(),
        settings=quiet,
        reinit="create_new",
    )
    for step, record in by_step(run).items():
        offline.log({_tag(key): value for key, value in _numbers(record)}, step=step)
    offline.summary.update(figures(run.summary()))
    offline.finish()
    return folder


def _numbers(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(key, float(value)) for key, value in record.items() if key != "step" and is_number(value)]


def _tag(key: str) -> str:
    """Return a metric's name as other programs group them: ``validation/loss``, ``training/loss``."""
    split = key.removeprefix("validation_")
    return f"validation/{split}" if split != key else f"training/{key}"


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _times(run: Run, last: int) -> tuple[float, float]:
    """Return when a run started, in seconds since 1970, and the seconds of a step."""
    info, summary = run.info(), run.summary() or {}
    start = datetime.fromisoformat(info.started or info.created).timestamp()
    seconds = summary.get("training_seconds")
    return start, float(seconds) / last if is_number(seconds) and last else 0.0


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", hint="Move it away, or name another with --output.")
    folder.mkdir(parents=True, exist_ok=True)


def _not_installed(package: str) -> UsageError:
    return UsageError(
        f"The package {package} is not installed.", hint=f"Install it: pip install 'seqlab[{package}]'"
    )
