"""`seqlab explain` of what is neither a model nor a task: an experiment, or a setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seqlab.cli.console import say, show_json, show_table, tell

if TYPE_CHECKING:
    from seqlab.errors import SeqlabError
    from seqlab.settings.describing import Described


def explain_experiment(name: str, *, as_json: bool) -> None:
    """Print what an experiment is about and what it sets, or as JSON."""
    from seqlab.cli.show import word
    from seqlab.configure import describe, load_settings
    from seqlab.settings import read_experiment

    experiment, _ = load_settings(name)
    written, rows = read_experiment(name).data, what_it_sets(name)
    presets, summary = written.get("presets", {}), str(written.get("summary", ""))
    sentences = {one.key: one.sentence for one in describe(experiment)}
    if as_json:
        return show_json(
            {"name": name, "kind": experiment.kind, "summary": summary, "sets": rows, "presets": presets}
        )
    say(f"{name}, an experiment of kind {experiment.kind}: {summary}\n")
    show_table(
        ("it sets", "to", "what that is"),
        [(key, word(value), sentences.get(key, "")) for key, value in rows.items()],
    )
    if presets:
        say(f"\npresets: {', '.join(presets)}")
    parts = [written.get(kind) for kind in ("task", "model")]
    names = [str(part["name"]) for part in parts if isinstance(part, dict) and "name" in part]
    more = [f"seqlab explain {part}" for part in names if part != name]
    return tell(f"Next: seqlab train {name}, or {', '.join([*more, f'seqlab config {name} --describe'])}.")


def what_it_sets(name: str) -> dict[str, Any]:
    """Return the settings that an experiment makes, by dotted key."""
    from seqlab.configure import leaves
    from seqlab.settings import read_experiment

    beside = ("kind", "experiment", "summary", "presets")
    return leaves({key: value for key, value in read_experiment(name).data.items() if key not in beside})


def explain_setting(name: str, *, as_json: bool) -> bool:
    """Print what the settings of a name are, or as JSON; say whether there are any.

    Args:
        name: a dotted key, its last part, or what it is usually called elsewhere, as lr.
        as_json: whether as JSON.
    """
    from seqlab.cli.show import word

    found: list[tuple[Described, list[str]]] = []
    for owner, one in _settings(name):
        alike = next((owners for other, owners in found if other == one), None)
        if alike is None:
            found.append((one, [owner]))
        else:
            alike.append(owner)
    if not found:
        return False
    if as_json:
        show_json([{**asdict(one), "of": owners} for one, owners in found])
        return True
    show_table(
        ("setting", "of", "what it is", "allowed", "by default"),
        [
            (
                one.key,
                _joined(owners),
                one.sentence,
                one.allowed,
                "" if one.default is None else word(one.default),
            )
            for one, owners in found
        ],
    )
    words = [one.key for one, owners in found if one.sentence and ("kind train" in owners or "." in one.key)]
    if words:
        tell(f"It is set by a word, seqlab train NAME {words[0]}=...; seqlab config NAME shows its value.")
    return True


def is_named(name: str, setting: str) -> bool:
    """Say whether there is a task or an experiment of a name, or a setting."""
    from seqlab.registry import names
    from seqlab.settings import experiment_names

    return name in names("task") or name in experiment_names() or next(_settings(setting), None) is not None


def unknown(name: str) -> SeqlabError:
    """Return the error for a name of nothing, with the nearest that there is."""
    from seqlab.errors import UsageError, nearest
    from seqlab.registry import names
    from seqlab.settings import experiment_names, settings_of
    from seqlab.settings.describing import described

    if name in experiment_names():
        return UsageError(
            f"The experiment {name!r} takes no settings in brackets.",
            hint=f"`seqlab config {name} KEY=VALUE` shows it with others.",
        )
    if name.endswith((".yaml", ".yml")):
        return UsageError(
            f"{name!r} is a file of settings.",
            hint=f"`seqlab config --config {name} --describe` explains them.",
        )
    keys = [one.key for one in described(settings_of("train"))]
    settings = [*keys, *(key.rpartition(".")[2] for key in keys)]
    near = nearest(name, [*names("model"), *names("task"), *experiment_names(), *settings])
    return UsageError(
        f"There is no model, task, experiment or setting {name!r}.",
        hint=f"{f'Did you mean {near!r}? ' if near else ''}`seqlab list` names all but settings.",
    )


def _settings(name: str) -> Iterator[tuple[str, Described]]:
    """Yield the settings of a name, each with whose it is."""
    from seqlab.constructors import options_model
    from seqlab.registry import Kind, load, names
    from seqlab.settings import kind_names, settings_of
    from seqlab.settings.describing import described
    from seqlab.settings.usual import called_elsewhere

    wanted = called_elsewhere(name.rpartition(".")[2]) or name
    for kind in sorted(kind_names(), key=lambda kind: (kind != "train", kind)):
        for one in described(settings_of(kind)):
            if wanted in (one.key, one.key.rpartition(".")[2]):
                yield f"kind {kind}", one
    kinds: tuple[Kind, ...] = ("model", "task")
    for sort in kinds:
        for component in names(sort):
            for one in described(options_model(load(sort, component)), sort):
                if wanted in (one.key, one.key.rpartition(".")[2]):
                    yield component, one


def _joined(owners: list[str], most: int = 6) -> str:
    rest = len(owners) - most
    return ", ".join(owners[:most]) + (f" and {rest} more" if rest > 0 else "")
