"""`seqlab schema`: the JSON schema of settings files, for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from seqlab.registry import Kind


def schema(
    experiment: Annotated[
        str | None,
        typer.Argument(
            help="Only for settings of this experiment's kind.",
            autocompletion=options.complete_experiment,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Only with this model: a name, or your own my_cell.py.",
            autocompletion=options.complete_model,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="Only with this task: a name, or your own file.", autocompletion=options.complete_task
        ),
    ] = None,
) -> None:
    """Print the JSON schema of settings files, with the options of every model and task.

    Example: seqlab schema > seqlab.json, and above your settings: # yaml-language-server: $schema=seqlab.json
    """
    from seqlab.settings import read_experiment

    kind = str(read_experiment(experiment).data.get("kind", "train")) if experiment is not None else None
    show_json(settings_schema(kind, model=model, task=task))


def settings_schema(
    kind: str | None = None, *, model: str | None = None, task: str | None = None
) -> dict[str, Any]:
    """Return the JSON schema of settings files.

    Args:
        kind: of one kind of experiment alone, such as ``train``.
        model: with this model alone.
        task: with this task alone.
    """
    from pydantic.json_schema import models_json_schema

    from seqlab.settings import Component, kind_names, settings_of

    components = {"model": _components("model", model), "task": _components("task", task)}
    narrowed = {"model": model is not None, "task": task is not None}
    kinds = [settings_of(name) for name in ([kind] if kind else kind_names())]
    every = [*kinds, *(cls for of_kind in components.values() for cls in of_kind.values())]
    references, schema = models_json_schema(
        [(cls, "validation") for cls in every], title="Settings of seqlab experiments"
    )
    definitions = schema["$defs"]
    for of_kind in components.values():
        for name, cls in of_kind.items():
            _name(definitions[_target(references[cls, "validation"])], name)
    for cls in kinds:
        experiment = definitions[_target(references[cls, "validation"])]
        experiment["required"].remove("experiment")  # a file without it is called by its own name
        for key, of_kind in components.items():
            if key in cls.model_fields and cls.model_fields[key].annotation is Component:
                choices = [references[cls, "validation"] for cls in of_kind.values()]
                said = {"description": experiment["properties"][key]["description"]}
                offered = choices if narrowed[key] else [*choices, _PLUGIN]
                experiment["properties"][key] = {"anyOf": offered, **said}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [references[cls, "validation"] for cls in kinds],
    }


_PLUGIN: Mapping[str, Any] = {
    "title": "from a file of your own",
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": r"\.py(:\w+)?$"}},
    "required": ["name"],
}


def _components(kind: Kind, reference: str | None) -> dict[str, type[BaseModel]]:
    """Return the options of the wanted component, or of every registered one, by name."""
    from seqlab import plugins, registry
    from seqlab.constructors import options_model

    if reference is not None and plugins.is_plugin(reference):
        plugins.admit(reference)
    wanted = registry.names(kind) if reference is None else [plugins.absolute(reference)]
    return {name: options_model(registry.load(kind, name)) for name in wanted}


def _name(definition: dict[str, Any], name: str) -> None:
    """Add the name to the options of a component."""
    definition["properties"] = {"name": {"const": name}, **definition.get("properties", {})}
    definition["required"] = ["name", *definition.get("required", [])]


def _target(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
