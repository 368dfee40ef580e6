"""From a name, overrides and another model to a checked experiment: what every way of starting a run shares.

What comes later stands over what came earlier: the file, another task, the preset, the difficulty, another
model, single settings, the seed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqlab.registry import Kind
    from seqlab.settings import Document, Experiment, TrainExperiment
    from seqlab.settings.describing import Described

_COMPONENTS: tuple[Kind, ...] = ("task", "model")
_DESCRIBING = frozenset({"kind", "experiment", "summary", "presets", "models"})
"""The settings that name an experiment and do nothing."""


def load_settings(
    name: str | None,
    *,
    config: Path | None = None,
    overrides: Sequence[str] = (),
    model: str | None = None,
    difficulty: str | None = None,
    preset: str | None = None,
    seed: int | None = None,
    task: str | None = None,
) -> tuple[Experiment, Document]:
    """Read an experiment, lay over it what the user says, and check it.

    Args:
        name: of a shipped experiment, or the path of a settings file (.yaml); None with ``config``, or with a
            ``task`` alone, which is then learned by an lstm with the settings that there are by default.
        config: the user's own settings file.
        overrides: ``key.path=value`` words.
        model: another model: ``lstm``, ``lstm[hidden_size=8]``, ``my_cell.py`` or ``my_cell.py:Class``. The
            size stays, what belonged to the old model alone goes. A file is loaded: the user named it.
        difficulty: of the task; the preset of that name is laid over, too, where there is one.
        preset: a group of settings from the file; one named as a level of the task is that level. Together
            with another level, it is refused.
        seed: of weights, data and dropout.
        task: another task, named as a model is.

    Returns:
        The checked experiment, with every option of its task and model; and the document, which knows what
        was overridden.

    Raises:
        UsageError: naming file, line, key, value, what is allowed and the nearest right name.

    >>> load_settings("hello", overrides=["training.steps=3"], model="lstm")[0].model.options["hidden_size"]
    8
    """
    from seqlab.levels import check_level, levels, set_difficulty
    from seqlab.registry import parse_reference, resolve
    from seqlab.settings import TrainExperiment, apply_overrides, apply_preset, check

    if name is not None and "=" in name and (config is not None or task is not None):
        overrides, name = [name, *overrides], None  # every word is a setting
    document = _bare(task) if task is not None and name is None and config is None else _read(name, config)
    if task is not None:
        document = _replace_component(document, "task", task)
    level = None
    if preset is not None:
        document = apply_preset(document, preset)
        level = leaves(document.data["presets"][preset]).get("task.difficulty")
        if preset in levels(document):
            level, document = preset, document.override("task.difficulty", preset)
        named = parse_reference(task).options if task is not None else {}
        check_level(preset, level, named.get("difficulty", level))
    if difficulty is not None:
        document = set_difficulty(document, difficulty)
    if model is not None:
        document = _replace_component(document, "model", model)
    document = apply_overrides(document, overrides)
    _check_sections(document, overrides)
    if document.is_overridden("training.steps") and not document.is_overridden("training.passes"):
        document = document.override("training.passes", None)
    if seed is not None:
        document = document.override("seed", seed)
    experiment = check(document)
    if isinstance(experiment, TrainExperiment):
        experiment = resolve(experiment, document)
        check_level(preset, level, experiment.task.options.get("difficulty"))
    return experiment, document


def load_training(
    name: str | None,
    *,
    overrides: Sequence[str] = (),
    model: str | None = None,
    task: str | None = None,
    difficulty: str | None = None,
    preset: str | None = None,
    seed: int | None = None,
) -> TrainExperiment:
    """Read an experiment that others are made of; the arguments are those of :func:`load_settings`.

    Raises:
        UsageError: when it is not one in which one model learns one task, and as from :func:`load_settings`.

    >>> load_training("cures", model="lstm")
    Traceback (most recent call last):
    ...
    seqlab.errors.UsageError: cures is not an experiment in which one model learns one task.
    It is run by itself: seqlab train cures
    """
    from seqlab.errors import UsageError
    from seqlab.settings import TrainExperiment

    if name is not None and _read(name, None).data.get("kind", "train") != "train":
        # else --model would be blamed
        raise UsageError(
            f"{name} is not an experiment in which one model learns one task.",
            hint=f"It is run by itself: seqlab train {name}",
        )
    experiment, _ = load_settings(
        name, overrides=overrides, model=model, task=task, difficulty=difficulty, preset=preset, seed=seed
    )
    assert isinstance(experiment, TrainExperiment)
    return experiment


def describe(experiment: Experiment) -> list[Described]:
    """Return every setting of an experiment with its sentence, those of its task and model too.

    >>> {one.key: one.sentence for one in describe(load_settings("hello")[0])}["model.hidden_size"]
    'units of each layer'
    """
    from seqlab.constructors import options_model
    from seqlab.registry import load
    from seqlab.settings.describing import described

    found = []
    for setting in described(type(experiment)):
        found.append(setting)
        for kind in _COMPONENTS:
            if setting.key == f"{kind}.name":
                found += described(options_model(load(kind, getattr(experiment, kind).name)), kind)
    return found


def admit_named(key: str, references: Sequence[str], document: Document) -> None:
    """Load the user's own files among what a setting names, where the command line says so.

    Args:
        key: of the setting: ``models``, ``task``.
        references: models or tasks, as on the command line.
        document: where they were written.

    Raises:
        PluginError: when it is the settings file that names one.
    """
    from seqlab.errors import PluginError
    from seqlab.plugins import admit, is_plugin
    from seqlab.registry import parse_reference

    for name in (parse_reference(reference).name for reference in references):
        if not is_plugin(name):
            continue
        if not document.is_overridden(key):
            listed = f"[{', '.join(references)}]" if key.endswith("s") else references[0]
            raise PluginError(
                f"{document.where(key)}: {name} is a Python file; it runs only when the command line "
                "names it.",
                hint=f"If you trust it, write: '{key}={listed}'",
            )
        admit(name)


def changes(settings: Mapping[str, Any]) -> dict[str, tuple[Any, Any]] | None:
    """Return which settings of a run differ from its experiment's own, without importing task or model.

    Where the experiment leaves it to the machine (``auto``, null threads), what was taken is no difference.

    Args:
        settings: of a run, all filled in.

    Returns:
        By dotted key what the experiment says and what the run had; None when there is no such experiment.
    """
    from seqlab.settings import check, experiment_names, read_experiment

    name = settings.get("experiment")
    if name not in experiment_names():
        return None
    own = check(read_experiment(str(name))).model_dump(mode="json")
    defaults = leaves({key: value for key, value in own.items() if key not in _DESCRIBING})
    for kind in _COMPONENTS:
        if isinstance(own.get(kind), Mapping) and isinstance(settings.get(kind), Mapping):
            advised = own["models"].get(settings[kind]["name"], {}) if kind == "model" else {}
            defaults |= leaves({kind: _component_defaults(kind, own[kind], settings[kind], advised)})
    found = leaves({key: value for key, value in settings.items() if key not in _DESCRIBING})
    return {
        key: (defaults.get(key), value)
        for key, value in found.items()
        if defaults.get(key) not in (value, "auto")
        and not (key.startswith("compute.") and defaults.get(key) is None)
    }


def leaves(data: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values of nested mappings by dotted key.

    >>> leaves({"seed": 1, "model": {"name": "lstm"}})
    {'seed': 1, 'model.name': 'lstm'}
    """
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            found |= leaves(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _component_defaults(
    kind: Kind, own: Mapping[str, Any], chosen: Mapping[str, Any], advised: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a run has that only names ``chosen``, as :func:`seqlab.registry.replace_component` does."""
    from seqlab.defaults import component_options, network_options

    if own["name"] == chosen["name"]:
        return {**component_options(kind, own["name"]), **own}
    stays = network_options() if kind == "model" else {}
    size = {key: value for key, value in own.items() if key in stays}
    return {**stays, **component_options(kind, chosen["name"]), **size, **advised, "name": own["name"]}


def _read(name: str | None, config: Path | None) -> Document:
    """Read the one that is given: the named experiment or the settings file."""
    from seqlab.errors import UsageError
    from seqlab.settings import experiment_names, read_experiment, read_experiment_file

    if name is not None and config is not None:
        raise UsageError(
            f"Both the experiment {name!r} and the settings file {config} are given.", hint="Leave one out."
        )
    if config is not None:
        return read_experiment_file(config)
    if name is None or "=" in name:
        raise UsageError(
            "No experiment is named.",
            hint=f"Name one of {', '.join(experiment_names())}; or give --config FILE, settings of your own.",
        )
    if name.endswith((".yaml", ".yml")):
        return read_experiment_file(Path(name))
    if name.endswith(".py"):
        raise UsageError(
            f"{name!r} is no experiment's name.", hint=f"A task of your own is given as --task {name}"
        )
    if os.sep in name:
        raise UsageError(f"{name!r} is no experiment's name.", hint="A settings file ends in .yaml.")
    _refuse_component(name)
    return read_experiment(name)


def _refuse_component(name: str) -> None:
    """Refuse the name of a task or a model where that of an experiment is wanted."""
    from seqlab.errors import UsageError
    from seqlab.registry import names
    from seqlab.settings import experiment_names

    instead: tuple[tuple[Kind, str], ...] = (("task", "--task"), ("model", "temporal-order --model"))
    for kind, words in instead:
        if name not in experiment_names() and name in names(kind):
            raise UsageError(f"{name!r} is a {kind}, no experiment.", hint=f"Write {words} {name}")


def _bare(task: str) -> Document:
    """Return the settings of an experiment of which nothing is said but the task."""
    from seqlab.plugins import is_plugin, parts
    from seqlab.registry import parse_reference
    from seqlab.settings import COMMAND_LINE, Document, experiment_names

    name = parse_reference(task).name
    short = re.sub(r"[^\w.-]+|^\W+", "-", parts(name)[0].stem if is_plugin(name) else name).strip("-.")
    if is_plugin(name) and short in experiment_names():
        short += "-own"  # what is called like an experiment of seqlab's is told from it
    return Document({"experiment": short, "model": {"name": "lstm"}}, COMMAND_LINE)


def _check_sections(document: Document, words: Sequence[str]) -> None:
    """Refuse a word whose key begins with no section of the settings: ``hidden_size=3``, ``lr=0.1``.

    Raises:
        SettingsError: with the whole key of what was probably meant.
    """
    from seqlab.defaults import setting_keys
    from seqlab.errors import SettingsError
    from seqlab.settings import COMMAND_LINE, kind_names, parse_override, settings_of
    from seqlab.settings.usual import nearest_setting

    kind = str(document.data.get("kind", "train"))
    fields = settings_of(kind).model_fields if kind in kind_names() else {}
    for key, _ in map(parse_override, words):
        head = key.partition(".")[0]
        laid = head in _COMPONENTS and head != key and "settings" in fields  # over a comparison's experiments
        if not fields or (head in fields and not laid):
            continue
        parts = map(document.data.get, ("model", "task"))
        model, task = (str(it["name"]) if isinstance(it, Mapping) and "name" in it else None for it in parts)
        known = setting_keys(model=model, task=task)
        if "training" not in fields:
            over = ["settings." + it for it in known if it.startswith("training.") and "settings" in fields]
            known = over if head == "training" or not nearest_setting(key, fields) else list(fields)
        near = f"settings.{key}" if laid else nearest_setting(key, known)
        if key in ("task.name", "model.name"):
            near = next((it for it in ("task", "models") if it in fields and it.startswith(head)), None)
        hint = f"Did you mean {near}=...?" if near else f"Known here: {', '.join(fields)}."
        raise SettingsError(f"On {COMMAND_LINE}: there is no setting {key!r}.", hint=hint)


def _replace_component(document: Document, kind: Kind, reference: str) -> Document:
    """Put another model or task in the place of the document's, loading the user's file if it is one.

    Another model than the document's own takes the options that the document has for it under ``models``.
    """
    from seqlab.errors import UsageError
    from seqlab.plugins import absolute, admit, is_plugin
    from seqlab.registry import parse_reference, replace_component
    from seqlab.settings import Component, kind_names, settings_of

    new = parse_reference(reference)
    if is_plugin(new.name):
        admit(new.name)
    form = str(document.data.get("kind", "train"))
    if form != "train":
        if form in kind_names() and kind in settings_of(form).model_fields:
            return document.override(kind, reference)  # handed on to the experiment that it is about
        raise UsageError(
            f"--{kind} is for experiments that train one model; {document.source} has a list of them.",
            hint="Write models=[rnn,lstm] instead." if kind == "model" else "Leave it out.",
        )
    component = Component(name=absolute(new.name), **new.options)
    old = document.data.get(kind)
    if isinstance(old, Mapping) and isinstance(old.get("name"), str):
        if kind == "model" and new.name != old["name"]:
            component = Component(name=component.name, **{**_advised(document, new.name), **new.options})
        component = replace_component(kind, Component(**old), component)
    said = [f"{kind}.name", *(f"{kind}.{key}" for key in new.options)]
    data = {**document.data, kind: {"name": component.name, **component.options}}
    return replace(document, data=data, overridden=(*document.overridden, *said))


def _advised(document: Document, model: str) -> Mapping[str, Any]:
    """Return the options that a document has for a model which takes the place of its own."""
    models = document.data.get("models")
    options = models.get(model) if isinstance(models, Mapping) else None
    return options if isinstance(options, Mapping) else {}
