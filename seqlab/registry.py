"""Models and tasks by name: the name is the file's.

``seqlab/models/recurrent/gru.py`` is the model ``gru`` of the family ``recurrent``,
``seqlab/tasks/lags/temporal_order.py`` the task ``temporal-order`` of the family ``lags``. Nothing is
registered anywhere else: names are listed from the folders, summaries are read from the source, and a module
is imported only when its component is used. A file whose name starts with ``_`` is no component.

Installed packages offer components of their own through the entry points ``seqlab.models`` and
``seqlab.tasks``. A user's own file (:mod:`seqlab.plugins`) stands wherever a name does.

The options of a component are the keyword arguments of its constructor; their annotations and defaults are
the schema against which settings are checked.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from seqlab import settings
from seqlab.constructors import keyword_fields, options_model
from seqlab.errors import PluginError, SettingsError, UnknownNameError, nearest
from seqlab.plugins import absolute, admitted, file_hash, is_plugin, parts

if TYPE_CHECKING:  # pydantic is imported where it is used: listing names does without
    from collections.abc import Mapping

    from seqlab.settings import Component, Document, TrainExperiment

Kind = Literal["model", "task"]
_FOLDERS: dict[Kind, str] = {"model": "models", "task": "tasks"}
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Entry:
    """A registered component: its name, its family and the first line of its documentation."""

    kind: Kind
    name: str
    family: str
    summary: str


def names(kind: Kind) -> list[str]:
    """Return the registered names of a kind, sorted.

    >>> "lstm" in names("model"), "temporal-order" in names("task")
    (True, True)
    """
    return sorted({*_files(kind), *_offered(kind)})


def entries(kind: Kind) -> list[Entry]:
    """Return every component of a kind, family by family, without importing any.

    The family of what an installed package offers is the package.
    """
    found = [
        Entry(kind, name, file.parent.name, _summary(file)) for name, file in sorted(_files(kind).items())
    ]
    offered = [
        Entry(kind, name, point.dist.name if point.dist else "installed", f"offered by {point.value}")
        for name, point in sorted(_offered(kind).items())
    ]
    return [*sorted(found, key=lambda entry: entry.family), *offered]


def source_file(kind: Kind, name: str) -> Path | None:
    """Return the file of a registered component; None where there is none of that name.

    >>> source_file("model", "gru").parent.name
    'recurrent'
    """
    return _files(kind).get(name)


def component_hash(kind: Kind, name: str) -> str | None:
    """Return what a component that is no part of seqlab is known by; None for one that is.

    It is the hash of the file that holds it and of its neighbours, with the version of a package that offers
    it.
    """
    file = component_file(kind, name)
    if file is None or file == source_file(kind, name):
        return None
    dist = None if is_plugin(name) else _offered(kind)[name].dist
    return file_hash(file) + (f" of {dist.name} {dist.version}" if dist else "")


def component_file(kind: Kind, name: str) -> Path | None:
    """Return the file that holds a component: seqlab's, a user's own, or that of an installed package."""
    if is_plugin(name):
        return parts(name)[0]
    own = source_file(kind, name)
    if own is not None or name not in _offered(kind):
        return own
    try:
        spec = importlib.util.find_spec(_offered(kind)[name].module)
    except ImportError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def load(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component.

    Args:
        kind: ``"model"`` or ``"task"``.
        name: a registered name or an admitted plug-in.

    Raises:
        UnknownNameError: when nothing has that name.
        PluginError: when a plug-in was not named on the command line, holds no or several components, or
            one that lacks what it must have.
    """
    found = _load(kind, name)
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        place = component_file(kind, name) or found.__module__
        raise PluginError(
            f"{place}: the {kind} {found.__name__} has no {' and no '.join(map(repr, missing))}.",
            hint=f"docs/adding-a-{kind}.md says what each does.",
        )
    return found


def _load(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component, whole or not."""
    if is_plugin(name):
        module = admitted(name)
        if module is None:
            raise PluginError(
                f"{name} is a Python file; it runs only when it is named on the command line.",
                hint=f"If you trust it, add: --{kind} {name}",
            )
        return _class_in(module, kind, parts(name)[1])
    file = source_file(kind, name)
    if file is None:
        offered = _offered(kind).get(name)
        if offered is None:
            raise UnknownNameError(kind, name, names(kind))
        return _class_offered(kind, offered)
    place = ".".join(("seqlab", *file.relative_to(_PACKAGE).with_suffix("").parts))
    return _class_in(importlib.import_module(place), kind, None)


def check_options(
    kind: Kind, component: Component, document: Document, prefix: str | None = None
) -> Component:
    """Check a component's options against its constructor and fill in the defaults.

    A plug-in is recorded with its absolute path, so that a run folder finds it again from anywhere.

    Args:
        kind: ``"model"`` or ``"task"``.
        component: its name and options.
        document: where they were written.
        prefix: the dotted key at which they stand there; None for ``kind``.

    Raises:
        SettingsError: naming file, line, key, value, what is allowed and the nearest right key.
        PluginError: as :func:`load` and :func:`options_model` do.
    """
    from pydantic import ValidationError

    place = document.where(prefix or f"{kind}.name")
    try:
        schema = options_model(load(kind, component.name))
    except UnknownNameError as error:
        raise SettingsError(f"{place}: {error.message}", hint=error.hint) from None
    except PluginError as error:
        raise PluginError(f"{place}: {error.message}", hint=error.hint) from error
    try:
        filled = schema.model_validate_json(json.dumps(component.options))
    except ValidationError as error:
        raise settings.explain(error, document, schema, prefix=prefix or kind) from None
    complete = settings.Component(name=absolute(component.name), **filled.model_dump())
    if kind == "model":
        check_size(complete, f"{document.where(f'{prefix or kind}.hidden_size')}: ")
    return complete


def check_size(model: Component, place: str = "") -> None:
    """Refuse a ``hidden_size`` that a model does not take, as one that cannot be divided among its heads.

    Raises:
        SettingsError: saying where it was written, with the nearest size.
    """
    size = model.options.get("hidden_size")
    nearest = size and load("model", model.name).nearest_size(**model.options)
    if nearest != size:
        raise SettingsError(
            f"{place}model.hidden_size is {size}, which {model.name} does not take.",
            hint=f"Set model.hidden_size={nearest}.",
        )


def resolve(experiment: TrainExperiment, document: Document) -> TrainExperiment:
    """Return the experiment with every option of its task and model checked and filled in.

    What it advises for other models is checked, too, as are the task's options in its trials; these stay as
    they were written.
    """
    task = check_options("task", experiment.task, document)
    for name, trial in experiment.trials.items():
        changed = settings.Component(name=task.name, **{**task.options, **trial.task})
        check_options("task", changed, document, f"trials.{name}.task")
    for name, advised in experiment.models.items():
        check_options("model", settings.Component(name=name, **advised), document, f"models.{name}")
    return experiment.model_copy(
        update={
            "task": task,
            "model": check_options("model", experiment.model, document),
        }
    )


def parse_reference(text: str) -> Component:
    """Read a model or task as it is named on the command line: ``lstm`` or ``lstm[hidden_size=8,layers=2]``.

    >>> parse_reference("lstm[hidden_size=8]").options
    {'hidden_size': 8}

    Raises:
        SettingsError: when it is not a name with settings.
    """
    match = re.fullmatch(r"([^\[\]]+)(?:\[(.*)\])?", text.strip(), re.DOTALL)
    if match is None:
        raise SettingsError(
            f"{text!r} is not a name with settings.", hint="Write it as lstm[hidden_size=8,layers=2]."
        )
    words = re.findall(r"(?:\[[^\]]*\]|[^,\[])+", match[2] or "")  # the commas of a list separate no settings
    chosen = settings.once(settings.parse_override(word.strip()) for word in words if word.strip())
    if "name" in chosen:
        raise SettingsError(f"{text!r} names two components.", hint=f"Write {chosen['name']} alone.")
    return settings.Component(name=match[1].strip(), **chosen)


def replace_component(kind: Kind, old: Component, new: Component) -> Component:
    """Put ``new`` in the place of ``old``: the size stays, what belonged to the old component goes.

    With the same name all old options stay. Otherwise those of the network around the cell or mixer stay
    (hidden_size, or the nearest that the new one takes, layers, dropout, bidirectional), and the new one
    starts as it does by default.
    """
    cls = load(kind, new.name)
    network = getattr(cls, "network", None)
    stays = keyword_fields(network) if network else {}
    if absolute(new.name) == absolute(old.name):
        stays = old.options
    kept = {key: value for key, value in old.options.items() if key in stays}
    if "hidden_size" in kept and stays is not old.options:
        kept["hidden_size"] = cls.nearest_size(**{**kept, **new.options, "hidden_size": kept["hidden_size"]})
    return settings.Component(name=new.name, **{**kept, **new.options})


@cache
def _offered(kind: Kind) -> dict[str, metadata.EntryPoint]:
    """Return what installed packages offer, by name; one of seqlab's own of that name stands before it."""
    points = metadata.entry_points(group=f"seqlab.{_FOLDERS[kind]}")
    return {point.name: point for point in points if point.name not in _files(kind)}


@cache
def offering_packages() -> frozenset[str]:
    """Return the packages that offer models or tasks, by the names under which they are imported."""
    kinds: tuple[Kind, ...] = ("model", "task")
    return frozenset(
        point.module.partition(".")[0] for kind in kinds for point in _offered(kind).values()
    ) - {"seqlab"}


def references(name: str) -> list[tuple[Kind, str]]:
    """Return what a name stands for: all models and tasks of an admitted file, or those of a registered name.

    Raises:
        UnknownNameError: when nothing has that name.
        PluginError: when a file holds none.
    """
    kinds: tuple[Kind, ...] = ("model", "task")
    if not is_plugin(name):
        found = [(kind, name) for kind in kinds if name in names(kind)]
        if not found:
            raise UnknownNameError("name", name, [known for kind in kinds for known in names(kind)])
        return found
    path, wanted = parts(name)
    module = admitted(name)
    assert module is not None
    classes = {kind: _components_in(module, kind) for kind in kinds}
    held = [(kind, f"{path}:{cls}") for kind in kinds for cls in classes[kind] if not cls.startswith("_")]
    chosen = [(kind, reference) for kind, reference in held if wanted in (None, parts(reference)[1])]
    if not chosen:
        known = ", ".join(str(parts(reference)[1]) for _, reference in held)
        raise PluginError(
            f"{path} holds no {f'model or task {wanted!r}' if wanted else 'model and no task'}.",
            hint=f"It holds {known}."
            if known
            else "A model or a task is a class derived from one of seqlab's.",
        )
    return chosen


def _class_offered(kind: Kind, point: metadata.EntryPoint) -> type[Any]:
    """Import what an installed package offers: a class, or a module that holds one."""
    try:
        found = point.load()
    except Exception as error:
        raise PluginError(
            f"The {kind} {point.name} of {point.value} cannot be imported: {type(error).__name__}: {error}",
            hint=f"Is the package {point.dist.name if point.dist else point.module} installed whole?",
        ) from error
    if isinstance(found, ModuleType):
        return _class_in(found, kind, None)
    if getattr(found, "component", None) != kind:
        raise PluginError(f"{point.value}, which is offered as the {kind} {point.name}, is no {kind}.")
    return found  # type: ignore[no-any-return]


@cache
def _files(kind: Kind) -> Mapping[str, Path]:
    """Return the file of every component by its name."""
    files = (_PACKAGE / _FOLDERS[kind]).glob("*/*.py")
    return {file.stem.replace("_", "-"): file for file in files if not file.stem.startswith("_")}


def _summary(path: Path) -> str:
    """Return the first line of a module's docstring, with which every module begins."""
    found = re.match(r'[rR]?"""(.*)', path.read_text(encoding="utf-8"))
    return found[1].removesuffix('"""').rstrip(". ") if found else ""


def _components_in(module: ModuleType, kind: Kind) -> dict[str, type[Any]]:
    """Return all components of a kind that a module defines, by the names of their classes."""
    return {
        cls.__name__: cls
        for cls in vars(module).values()
        if isinstance(cls, type)
        and cls.__module__ == module.__name__
        and getattr(cls, "component", None) == kind
    }


def _class_in(module: ModuleType, kind: Kind, wanted: str | None) -> type[Any]:
    """Return the one component that a module defines, or the wanted one of several."""
    found = _components_in(module, kind)
    if wanted is not None and wanted not in found:
        near = nearest(wanted, found)
        raise PluginError(
            f"{module.__file__} holds no {kind} {wanted!r}, but {', '.join(found) or 'none at all'}.",
            hint=f"Did you mean {near!r}?" if near else None,
        )
    if wanted is not None:
        return found[wanted]
    public = {key: cls for key, cls in found.items() if not key.startswith("_")}
    if len(public) == 1:
        return next(iter(public.values()))
    if public:
        choices = ", ".join(f"{module.__file__}:{key}" for key in public)
        raise PluginError(f"{module.__file__} holds several {kind}s.", hint=f"Name one of them: {choices}")
    base = {"model": "seqlab.models.Cell or seqlab.models.SequenceModel", "task": "seqlab.tasks.Task"}[kind]
    raise PluginError(f"{module.__file__} holds no {kind}.", hint=f"A {kind} is a class derived from {base}.")
