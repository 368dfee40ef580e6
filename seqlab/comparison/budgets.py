"""A time for each run, turned into steps once, so that the same command finds its runs again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqlab.comparison.entrants import Entrant
from seqlab.comparison.entries import one_thread
from seqlab.comparison.study import identity_of
from seqlab.registry import load
from seqlab.runs import replace_file, runs_dir
from seqlab.session.budget import steps_within
from seqlab.settings import TrainExperiment

FILE = ".budgets.json"
"""In the folder of the runs: what was measured, by settings, code and seconds."""


def within_budget(entrants: Sequence[Entrant], seconds: float) -> list[Entrant]:
    """Give each entrant as many steps as it can make in so many seconds, measured with one thread.

    What was measured before in this folder of runs is not measured again: another number of steps would be
    another run. A model that counts is left as it is.

    Raises:
        UsageError: when not even one step fits.
    """
    path = runs_dir() / FILE
    known = _read(path)
    fitted = []
    for entrant in entrants:
        experiment = one_thread(entrant.experiment)
        if getattr(load("model", experiment.model.name), "counts", False):
            fitted.append(entrant)
            continue
        mark = f"{identity_of(experiment).fingerprint} {seconds:g}"
        if mark not in known:
            known[mark] = steps_within(experiment, seconds)
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, json.dumps(known, indent=2) + "\n")
        fitted.append(replace(entrant, experiment=_with_steps(entrant.experiment, known[mark])))
    return fitted


def _with_steps(experiment: TrainExperiment, steps: int) -> TrainExperiment:
    return experiment.model_copy(update={"training": experiment.training.model_copy(update={"steps": steps})})


def _read(path: Path) -> dict[str, int]:
    """Read what was measured; what cannot be read is measured again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = found if isinstance(found, dict) else {}
    return {mark: steps for mark, steps in known.items() if isinstance(steps, int)}
