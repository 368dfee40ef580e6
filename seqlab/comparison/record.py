"""The folder of a comparison: what is kept of it, and how it is found again. No torch is needed to look."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.configure import leaves
from seqlab.errors import RunFolderError, UnknownNameError
from seqlab.files import read_json, sealed, to_json, unsealed
from seqlab.outside import path_of
from seqlab.runs import create_report, replace_file, runs_dir, short_model
from seqlab.runs.info import git_commit, now, versions
from seqlab.runs.machine import machine

if TYPE_CHECKING:
    from seqlab.comparison.design import Design
    from seqlab.comparison.entries import Entry
    from seqlab.comparison.outcome import Comparison

FILE = "comparison.json"
REPORTS = "reports"
_NOT_SHARED = ("experiment", "summary", "presets", "models", "seed", "kind")
"""Keys of the settings that do not say how a run was made."""


def create_folder(design: Design) -> Path:
    """Make the folder of a comparison among the reports."""
    names = "-".join(dict.fromkeys(short_model(model.partition("[")[0]) for model in design.models))
    return create_report(design.name or f"{design.subject}-{names}")


def write(
    folder: Path,
    design: Design,
    finished: Sequence[Entry],
    result: Comparison,
    figures: Sequence[Mapping[str, str]],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Write ``comparison.json`` and ``comparison.csv``, and return what the former holds.

    Args:
        folder: of the comparison.
        design: what was asked for.
        finished: its runs.
        result: what came of them.
        figures: for each picture its name, caption, and the names of its files.
        notes: what there is to say about who takes part.
    """
    from seqlab.comparison.verdict import verdict  # which import what looking does without
    from seqlab.comparison.wording import table

    shared, differing = _settings(finished)
    facts = {
        "name": design.name or design.subject,
        "question": design.question or _question(design),
        "command": design.command,
        "created": now(),
        "on": design.on,
        "task": design.task,
        "difficulties": list(design.difficulties),
        "seeds": list(design.seeds),
        **result.to_dict(),
        "verdict": verdict(result),
        "table": table(result),
        "notes": list(notes),
        "settings": shared,
        "differing": differing,
        "runs": [_run(item, folder, result.metric_name) for item in finished],
        "figures": list(figures),
        "environment": {"versions": versions(), "machine": machine(), "git_commit": git_commit()},
    }
    replace_file(folder / FILE, to_json(sealed(facts), indent=2) + "\n")
    replace_file(folder / "comparison.csv", result.to_csv())
    return facts


def names() -> list[str]:
    """Return the names of all comparisons' folders, sorted."""
    return sorted(path.parent.name for path in (runs_dir() / REPORTS).glob(f"*/{FILE}"))


def find(reference: str | None) -> Path:
    """Return the folder of a comparison.

    Args:
        reference: the folder's name, its beginning, or its path; None for the newest.

    Raises:
        UnknownNameError: when there is no such comparison.
        RunFolderError: when several begin so, or there is none at all.
    """
    parent, known = runs_dir() / REPORTS, names()
    if reference is None:
        if not known:
            raise RunFolderError(
                f"There is no comparison in {parent}.", hint="`seqlab compare rnn lstm` makes one."
            )
        return parent / max(known, key=lambda name: _age(parent / name))
    path = path_of(reference)
    if (path / FILE).is_file():
        return path
    meant = [reference] if reference in known else [name for name in known if name.startswith(reference)]
    if not meant:
        raise UnknownNameError("comparison", reference, known)
    if len(meant) > 1:
        listing = "\n  ".join(meant)
        raise RunFolderError(
            f"{reference!r} begins the names of {len(meant)} comparisons:\n  {listing}",
            hint="Type more of it.",
        )
    return parent / meant[0]


def read(folder: Path) -> dict[str, Any]:
    """Return what ``comparison.json`` holds.

    Raises:
        RunFolderError: when it is missing or damaged, or was written by something else.
    """
    try:
        facts = unsealed(read_json(folder / FILE), folder / FILE)
    except FileNotFoundError:
        raise RunFolderError(f"{folder} holds no comparison: it has no {FILE}.") from None
    missing = [key for key in ("question", "table", "verdict", "runs", "figures") if key not in facts]
    if missing:
        raise RunFolderError(f"{folder / FILE} lacks {missing[0]!r}.", hint="Compare again.")
    return facts


def _age(folder: Path) -> tuple[str, int]:
    """Return when a comparison was made: the UTC time in its name, and within a second the file's."""
    return "-".join(folder.name.split("-")[-3:-1]), (folder / FILE).stat().st_mtime_ns


def _question(design: Design) -> str:
    """Word what a comparison asks."""
    *most, last = design.models
    models = f"{', '.join(most)} or {last}" if most else last
    where = f" at {', '.join(design.difficulties)}" if design.difficulties else ""
    if not most:
        return f"How does {models} do on {design.subject}{where}?"
    return f"Which learns {design.subject}{where} best: {models}?"


def _settings(finished: Sequence[Entry]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the settings that all runs share, by dotted key, and those in which each entrant differs."""
    found: dict[tuple[str | None, str], dict[str, Any]] = {}
    for item in finished:
        settings = item.experiment.model_dump(mode="json", exclude=set(_NOT_SHARED))
        found.setdefault((item.level, item.label), leaves(settings))
    everyone = list(found.values())
    shared = {
        key: value
        for key, value in everyone[0].items()
        if all(key in other and other[key] == value for other in everyone)
    }
    differing = [
        {
            "level": level,
            "model": label,
            "settings": {key: value for key, value in own.items() if key not in shared},
        }
        for (level, label), own in found.items()
    ]
    return shared, differing


def _run(item: Entry, folder: Path, metric: str) -> dict[str, Any]:
    """Return what is said of one run; its path is relative to the comparison's folder."""
    summary = item.summary or {}
    held_out = summary.get("held_out") or {}
    figure = None if item.run is None else held_out.get(item.run.info().extra.get("metric"))
    return {
        "model": item.label,
        "level": item.level,
        "seed": item.experiment.seed,
        "status": "finished" if item.failure is None else "failed",
        "failure": item.failure,
        "reused": item.reused,
        "solved": summary.get("solved"),
        "sequences_to_solve": summary.get("sequences_to_solve"),
        metric: figure,
        "id": None if item.run is None else item.run.id,
        "path": None if item.run is None else Path(os.path.relpath(item.run.path, folder)).as_posix(),
    }
