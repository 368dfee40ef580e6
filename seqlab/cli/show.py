"""`seqlab show`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell

if TYPE_CHECKING:
    from seqlab.runs import Run, RunInfo

SAMPLE_LINES = 4
_TOLD_ELSEWHERE = (
    *(
        "earlier",
        "tags",
        "note",
        "metrics",
        "trials",
        "spec",
        "in_text",
        "sees",
        "forecasts",
        "guess",
        "identity",
        "fingerprint",
        "origin",
        "names",
        "scales",
    ),
)


def show(
    run: options.NamedRun = "latest",
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Show a run: how it stands, its settings, its figures, its files.

    Examples: seqlab show / seqlab show hello-rnn-s1 / seqlab show latest --json
    """

    found = options.the_run(run)
    info = found.info()
    data = _collect(found, info)
    if as_json:
        return show_json(data)
    show_table(("field", "value"), list(_rows(data)), title=found.id)
    if data["answers"]:
        rows = [
            (one["asked"], one["right"], one["written"], "" if one["right"] == one["written"] else "wrong")
            for one in data["answers"]
        ]
        show_table(("asked", "right answer", "written", ""), rows, title="Held-out questions")
    tell(f"Next: {_next(found, info)}")
    return None


def run_words(run: Run) -> str:
    """Return how a run is named on the command line: by its id, or by its path where it lies elsewhere."""
    from seqlab.runs import runs_dir

    here = run.path.resolve().parent == runs_dir().resolve()
    return shlex.quote(run.id if here else str(run.path))


def _collect(run: Run, info: RunInfo) -> dict[str, Any]:
    """Gather all that is told; what cannot be read is told instead of stopping the rest."""
    import dataclasses

    from seqlab.configure import changes
    from seqlab.errors import SeqlabError
    from seqlab.runs import note_of, tags_of
    from seqlab.settings import read_text

    problems, settings, changed, summary, error, so_far = [], None, None, None, None, None
    judgements: dict[str, Any] = {}
    answers: list[dict[str, Any]] = []
    try:
        settings = dict(read_text(run.config_text(), source=str(run.config_path)).data)
        changed = changes(settings)
    except SeqlabError as reason:
        problems.append(reason.message)
    try:
        summary = run.summary()
        error = run.error_text() if info.status == "failed" else None
        so_far = None if summary else _so_far(run)
        judgements, answers = run.judgements(), run.answers()
    except SeqlabError as reason:
        problems.append(reason.message)
    return {
        "id": run.id,
        "path": str(run.path),
        "status": info.status,
        "problems": problems,
        "error": error,
        "info": dataclasses.asdict(info),
        "tags": tags_of(info),
        "note": note_of(info),
        "settings": settings,
        "changed": None if changed is None else {key: own for key, (own, _) in changed.items()},
        "summary": summary,
        "so_far": so_far,
        "judgements": judgements,
        "answers": answers,
        "files": _files(run),
        "samples": _samples(run),
    }


def _so_far(run: Run) -> dict[str, Any]:
    """Return the latest value of everything that a run has recorded."""
    latest: dict[str, Any] = {}
    for record in run.metrics():
        latest.update(record)
    return latest


def _files(run: Run) -> dict[str, int]:
    """Return the run's files and their sizes in bytes."""
    paths = sorted(path for path in run.path.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(run.path).as_posix(): path.stat().st_size for path in paths}


def _samples(run: Run) -> dict[str, str]:
    paths = sorted(run.samples.glob("*.txt"))
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from seqlab.configure import leaves

    info = data["info"]
    yield "run", data["id"]
    yield "path", data["path"]
    yield "status", data["status"]
    for problem in data["problems"]:
        yield "problem", problem
    if data["error"]:
        yield "error", data["error"].strip().splitlines()[-1]
    for key in ("command", "created", "started", "ended", "git_commit", "data_hash"):
        if info[key]:
            yield key, str(info[key])
    if "origin" in info["extra"]:
        yield "started from", ", which started from ".join(info["extra"]["origin"]["lineage"])
    if data["tags"]:
        yield "tags", " ".join(data["tags"])
    for line in (data["note"] or "").splitlines():
        yield "note", line
    for key in ("versions", "machine", "extra"):
        told = {name: value for name, value in info[key].items() if name not in _TOLD_ELSEWHERE}
        if told:
            yield key, ", ".join(f"{name} {word(value)}" for name, value in leaves(told).items())
    settings, changed = leaves(data["settings"] or {}), data["changed"] or {}
    for name, own in changed.items():
        yield f"changed {name}", f"{word(settings[name])} (the experiment has {word(own)})"
    for name, value in settings.items():
        if not name.startswith(("presets", "summary", "models")):
            yield f"settings {name}", word(value)
    for name, value in leaves(data["summary"] or {}).items():
        yield f"summary {name}", word(value)
    for one in info["extra"].get("earlier") or []:
        for name, value in one["held_out"].items():
            yield f"earlier end at step {one['steps']} {name}", word(value)
    for name, value in _guesses(info["extra"].get("guess") or {}):
        yield f"guess {name}", word(value)
    for name, value in leaves(data["so_far"] or {}).items():
        yield f"so far {name}", word(value)
    for name, judged in data["judgements"].items():
        for figure, value in judged["figures"].items():
            yield f"judged {name} {figure}", word(value)
    for name, size in data["files"].items():
        yield f"file {name}", _size(size)
    for name, text in data["samples"].items():
        for line in [line for line in text.splitlines() if line.strip()][:SAMPLE_LINES]:
            yield f"sample {name}", line


def word(value: object) -> str:
    """Write a value as it is written in a settings file; a number to six figures."""
    if isinstance(value, float):
        return f"{value:.6g}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _guesses(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what guessing comes to: of each judgement the best way, then the figures of the others."""
    from seqlab.configure import leaves

    for name, value in leaves(record).items():
        if name.endswith("others"):
            for other in value or ():
                own = name.removesuffix("others") + other["name"]
                yield from ((f"{own}.{figure}", number) for figure, number in other["figures"].items())
        elif value != {}:
            yield name.replace("figures.", ""), value


def _next(run: Run, info: RunInfo) -> str:
    """Return what to type next: to look on, or to go on."""
    from seqlab.plugins import flags

    name = run_words(run)
    own_file = flags(info.model, info.task)
    if info.status in ("failed", "interrupted"):
        if run.last_checkpoint.is_file():
            return f"seqlab resume {name}{own_file}"
        return f"seqlab train --config {shlex.quote(str(run.config_path))}{own_file}"
    if info.status == "finished" and run.answers_path.is_file():
        return f'seqlab answer {name}{own_file} "QUESTION", or seqlab plot {name}'
    if info.status == "finished" and _has(run.samples):
        return f"seqlab sample {name}{flags(info.model, '')}, or seqlab plot {name}"
    return f"seqlab plot {name}"


def _has(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
