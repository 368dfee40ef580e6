"""What can be set, and to what it is set by default, at once: kept in the cache, since asking imports torch.

The options of a component are the keyword-only arguments of its constructor (:mod:`seqlab.registry`). Those
of all components lie in one file of the cache, whose name is a hash of all that decides them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab import registry
from seqlab.constructors import options_model
from seqlab.errors import PluginError, SeqlabError
from seqlab.files import cache_folder, replace_file

if TYPE_CHECKING:
    from pydantic import BaseModel

    from seqlab.registry import Kind

_KINDS: tuple[Kind, ...] = ("model", "task")


def component_options(kind: Kind, name: str) -> dict[str, Any]:
    """Return the options of a registered component with their defaults; of an unknown one, none.

    >>> component_options("task", "temporal-order")
    {'difficulty': 'easy'}
    """
    return dict(known()[kind].get(name, {}))


def network_options() -> dict[str, Any]:
    """Return the options of the network that is built around a cell.

    >>> network_options()["layers"]
    1
    """
    return known()["network"]


def setting_keys(
    experiment: str | None = None, *, model: str | None = None, task: str | None = None
) -> list[str]:
    """Return the dotted keys of settings that can be given as ``key=value``.

    Args:
        experiment: whose task and model are meant, where the next two do not say otherwise.
        model: a model, named as on the command line.
        task: a task.

    Returns:
        The keys of the experiment's task and model; of every task and model, where none is known.
    """
    from seqlab.settings import Compute, MixedIn, Training, read_experiment

    data: Mapping[str, Any] = {}
    with suppress(SeqlabError):
        data = read_experiment(experiment).data if experiment else {}
    sections: dict[str, type[BaseModel]] = {"training": Training, "mixture": MixedIn, "compute": Compute}
    keys = ["seed", *(f"{part}.{name}" for part, cls in sections.items() for name in cls.model_fields)]
    for kind, reference in zip(_KINDS, (model, task), strict=True):
        name = (reference or str(data.get(kind, {}).get("name", ""))).partition("[")[0]
        names = [name] if name else registry.names(kind)
        keys += sorted({f"{kind}.{option}" for each in names for option in component_options(kind, each)})
    return keys


@cache
def known() -> dict[str, dict[str, Any]]:
    """Return the options of every component by kind and name, and as ``network`` those around a cell.

    They are read from the cache. Where they do not lie there, every component is imported; one of a package
    that cannot be has none.
    """
    path = cache_folder() / f"options-{_decided_by()}.json"
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError):  # it is not there, or damaged
        found: dict[str, Any] = {
            kind: {name: _options(kind, name) for name in registry.names(kind)} for kind in _KINDS
        }
        found["network"] = _defaults(registry.load("model", "rnn").network)
        text = json.dumps(found, default=str)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, text)
        return dict(json.loads(text))  # alike, wherever it comes from


def _decided_by() -> str:
    """Return the hash of the source of models and tasks, and of what installed packages offer."""
    digest = hashlib.sha256()
    for kind in _KINDS:
        for file in sorted((Path(__file__).parent / f"{kind}s").rglob("*.py")):
            digest.update(file.read_bytes())
        for name in registry.names(kind):
            digest.update(f"{name} {registry.component_hash(kind, name)}\n".encode())
    return digest.hexdigest()[:16]


def _options(kind: Kind, name: str) -> dict[str, Any]:
    with suppress(PluginError):  # it is said where such a component is used
        return _defaults(registry.load(kind, name))
    return {}


def _defaults(component: type[Any]) -> dict[str, Any]:
    """Return options with their defaults, None where there is none."""
    fields = options_model(component).model_fields
    return {name: None if field.is_required() else field.default for name, field in fields.items()}
