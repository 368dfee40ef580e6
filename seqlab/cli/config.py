"""`seqlab config`: every setting of an experiment, and what was overridden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table
from seqlab.configure import leaves

if TYPE_CHECKING:
    from seqlab.settings import Document, Experiment


def config(
    experiment: options.Experiment = None,
    overrides: options.Overrides = None,
    config: options.Config = None,
    model: options.Model = None,
    task: options.Task = None,
    difficulty: options.Difficulty = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    describe: Annotated[bool, typer.Option("--describe", help="Say what each setting is.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The settings and what was overridden as JSON.")
    ] = False,
) -> None:
    """Print every setting of an experiment, the defaults too, as a settings file to start from.

    Examples: seqlab config temporal-order --describe /
    seqlab config temporal-order model.hidden_size=8 > mine.yaml; seqlab train --config mine.yaml
    """
    from seqlab.errors import SeqlabError

    checked, document = options.load_settings(
        experiment,
        config=config,
        overrides=overrides or [],
        model=model,
        task=task,
        difficulty=difficulty,
        preset=preset,
        seed=seed,
    )
    if describe:
        return _show_described(checked, as_json)
    name = None if config is not None else experiment
    try:
        before = options.load_settings(name, config=config)[0].model_dump(mode="json")
    except SeqlabError:  # a file that is complete only together with what the command line adds
        before = {}
    after = checked.model_dump(mode="json")
    changed = _changes(before, after, document)
    if as_json:
        show_json({"settings": after, "overridden": changed})
    else:
        typer.echo(_annotated(after, changed, known=leaves(before)), nl=False)
    return None


def _show_described(experiment: Experiment, as_json: bool) -> None:
    """Show what each setting is, what it holds and what it may hold."""
    from dataclasses import asdict

    from seqlab.configure import describe

    values = experiment.model_dump(mode="json")
    rows = [(one, _at(values, one.key)) for one in describe(experiment)]
    if as_json:
        return show_json([{**asdict(one), "value": value} for one, value in rows])
    show_table(
        ("setting", "value", "what it is", "allowed"),
        [(one.key, _short(value), one.sentence, one.allowed) for one, value in rows],
    )
    return None


def _short(value: Any) -> str:
    """Write a value as it is written in a settings file; of a mapping with much in it, the names."""
    from seqlab.cli.show import word

    if not isinstance(value, Mapping):
        return word(value)
    if any(isinstance(inner, Mapping) for inner in value.values()):
        return ", ".join(value)
    return "{" + ", ".join(f"{key}: {word(inner)}" for key, inner in value.items()) + "}"


def _at(values: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key of nested mappings."""
    found: Any = values
    for part in key.split("."):
        found = found[part] if isinstance(found, Mapping) else None
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return what each setting was that the command line changed; None for one that was not there.

    The options that come with another model are its defaults; only those that were typed count as changed.
    What stands in a mapping that was null or empty has been put there.
    """
    old, new = leaves(before), leaves(after)
    return {
        key: old.get(key)
        for key, value in new.items()
        if (key in old and old[key] != value)
        or (key not in old and (document.is_overridden(key) or key.rpartition(".")[0] in old))
    }


def _annotated(data: Mapping[str, Any], changed: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Return settings as YAML with a comment behind everything that was changed."""
    from seqlab.settings import dump, read_text
    from seqlab.settings.reader import show

    text = dump(data)
    lines = text.splitlines()
    written = read_text(text, source="settings").lines
    for key, was in changed.items():
        comment = f"  # overridden (was {show(was)})" if key in known else "  # overridden"
        lines[written[key] - 1] += comment
    return "\n".join(lines) + "\n"
