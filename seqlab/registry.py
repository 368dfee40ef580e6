"""Models and tasks by name: the name is the file's.

``seqlab/models/gru.py`` is the model ``gru``; ``seqlab/tasks/temporal_order.py`` is the task ``temporal-order``.
Nothing is registered anywhere else: names are listed from the folder, summaries are read from the source,
and a module is imported only when its component is used. A file whose name starts with ``_`` is no component.

A user's own file stands wherever a name does, as ``path/to/my_cell.py`` or ``path/to/my_cell.py:ClassName``.
It is code that runs, so it is loaded only by :func:`admit`, which the command line calls for the files named
there: a settings file or run folder that somebody sent cannot have code run by naming it.

The options of a component are the keyword arguments of its constructor; their annotations and defaults are
the schema against which settings are checked.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import typing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from seqlab.errors import PluginError, SettingsError, UnknownNameError
from seqlab.settings import Component, Document, TrainExperiment, explain, parse_override

Kind = Literal["model", "task"]
_FOLDERS: dict[Kind, str] = {"model": "models", "task": "tasks"}
_PACKAGE = Path(__file__).resolve().parent
_admitted: dict[str, ModuleType] = {}


@dataclass(frozen=True)
class Entry:
    """A registered component: its name and the first line of its documentation."""

    kind: Kind
    name: str
    summary: str


def names(kind: Kind) -> list[str]:
    """Return the registered names of a kind, sorted.

    >>> "lstm" in names("model"), "temporal-order" in names("task")
    (True, True)
    """
    files = (_PACKAGE / _FOLDERS[kind]).glob("*.py")
    return sorted(file.stem.replace("_", "-") for file in files if not file.stem.startswith("_"))


def entries(kind: Kind) -> list[Entry]:
    """Return every component of a kind with its summary, without importing any."""
    return [Entry(kind, name, _summary(_file(kind, name))) for name in names(kind)]


def is_plugin(name: str) -> bool:
    """Say whether a name is a user's own file rather than a registered name."""
    return name.partition(".py:")[0].endswith(".py") or ".py:" in name


def admit(name: str) -> None:
    """Load a user's own file, because the user named it on the command line.

    Raises:
        PluginError: when there is no such file, or importing it fails.
    """
    path = plugin_path(name)
    key = str(path)
    if key in _admitted:
        return
    if not path.is_file():
        raise PluginError(f"There is no file {str(path)!r} to take a component from.")
    module_name = f"seqlab_plugin_{path.stem}_{abs(hash(key)):x}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        line = _line_in(error, path)
        place = f"{path}, line {line}" if line else str(path)
        raise PluginError(f"{place}: {type(error).__name__}: {error}") from error
    _admitted[key] = module


def load(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component.

    Args:
        kind: ``"model"`` or ``"task"``.
        name: a registered name or an admitted plug-in.

    Raises:
        UnknownNameError: when nothing has that name.
        PluginError: when a plug-in was not named on the command line, or holds no or several components.
    """
    if is_plugin(name):
        path = plugin_path(name)
        if str(path) not in _admitted:
            raise PluginError(
                f"{name} is a Python file; it runs only when it is named on the command line.",
                hint=f"If you trust it, add: --{kind} {name}",
            )
        return _class_in(_admitted[str(path)], kind, name.partition(".py:")[2] or None, name)
    if name not in names(kind):
        raise UnknownNameError(kind, name, names(kind))
    module = importlib.import_module(f"seqlab.{_FOLDERS[kind]}.{name.replace('-', '_')}")
    return _class_in(module, kind, None, name)


def options(component: type[Any]) -> type[BaseModel]:
    """Return the settings of a component as a pydantic model.

    They are the keyword-only arguments of its constructor and, for a cell, of the network built around it.
    """
    network = getattr(component, "network", None)
    fields = _keyword_fields(component) | (_keyword_fields(network) if network else {})
    config = ConfigDict(frozen=True, extra="forbid", strict=True)
    return create_model(component.__name__, __config__=config, **fields)


def check_options(kind: Kind, component: Component, document: Document) -> Component:
    """Check a component's options against its constructor and fill in the defaults.

    Raises:
        SettingsError: naming file, line, key, value, what is allowed and the nearest right key.
    """
    try:
        cls = load(kind, component.name)
    except UnknownNameError as error:
        raise SettingsError(f"{document.where(f'{kind}.name')}: {error.message}", hint=error.hint) from None
    schema = options(cls)
    try:
        filled = schema(**component.options)
    except ValidationError as error:
        raise explain(error, document, schema, prefix=kind) from None
    return Component(name=component.name, **filled.model_dump())


def resolve(experiment: TrainExperiment, document: Document) -> TrainExperiment:
    """Return the experiment with every option of its task and model checked and filled in."""
    return experiment.model_copy(
        update={
            "task": check_options("task", experiment.task, document),
            "model": check_options("model", experiment.model, document),
        }
    )


def parse_reference(text: str) -> Component:
    """Read a model or task as it is named on the command line: ``lstm`` or ``lstm[hidden_size=8,layers=2]``.

    >>> parse_reference("lstm[hidden_size=8]").options
    {'hidden_size': 8}
    """
    match = re.fullmatch(r"([^\[\]]+)(?:\[(.*)\])?", text.strip())
    if match is None:
        raise SettingsError(
            f"{text!r} is not a name with settings.", hint="Write it as lstm[hidden_size=8,layers=2]."
        )
    words = [word.strip() for word in (match[2] or "").split(",") if word.strip()]
    return Component(name=match[1], **dict(parse_override(word) for word in words))


def replace_component(kind: Kind, old: Component, new: Component) -> Component:
    """Put ``new`` in the place of ``old``: the size stays, what belonged to the old component goes.

    With the same name all old options stay. Otherwise those of the network around the cell stay (hidden_size,
    layers, dropout, bidirectional), and the new cell starts as it does by default.
    """
    network = getattr(load(kind, new.name), "network", None)
    stays = set(old.options) if new.name == old.name else set(_keyword_fields(network) if network else ())
    kept = {key: value for key, value in old.options.items() if key in stays}
    return Component(**{**kept, **new.options, "name": new.name})


def _keyword_fields(component: type[Any]) -> dict[str, Any]:
    """Collect keyword-only arguments, up the classes as far as each passes ``**options`` on to its base."""
    found: dict[str, Any] = {}
    for cls in component.__mro__:
        if "__init__" not in vars(cls):
            continue
        hints = typing.get_type_hints(cls.__init__, include_extras=True)
        parameters = inspect.signature(cls.__init__).parameters.values()
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY:
                default = ... if parameter.default is parameter.empty else parameter.default
                found.setdefault(parameter.name, (hints.get(parameter.name, Any), default))
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


def _file(kind: Kind, name: str) -> Path:
    return _PACKAGE / _FOLDERS[kind] / f"{name.replace('-', '_')}.py"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].rstrip(".")


def plugin_path(name: str) -> Path:
    return Path(name.partition(".py:")[0].removesuffix(".py") + ".py").expanduser().resolve()


def _class_in(module: ModuleType, kind: Kind, wanted: str | None, name: str) -> type[Any]:
    """Return the one component that a module defines, or the wanted one of several."""
    found = {
        cls.__name__: cls
        for cls in vars(module).values()
        if isinstance(cls, type)
        and cls.__module__ == module.__name__
        and getattr(cls, "component", None) == kind
    }
    if wanted is not None:
        if wanted not in found:
            raise UnknownNameError(f"{kind} of {module.__file__}", wanted, found)
        return found[wanted]
    public = {key: cls for key, cls in found.items() if not key.startswith("_")}
    if len(public) == 1:
        return next(iter(public.values()))
    if public:
        choices = ", ".join(f"{name}:{key}" for key in public)
        raise PluginError(f"{name} holds several {kind}s.", hint=f"Name one of them: {choices}.")
    base = {"model": "seqlab.models.Cell or seqlab.models.SequenceModel", "task": "seqlab.tasks.Task"}[kind]
    raise PluginError(f"{name} holds no {kind}.", hint=f"A {kind} is a class derived from {base}.")


def _line_in(error: BaseException, path: Path) -> int | None:
    """Return the last line of ``path`` that the error passed through."""
    if isinstance(error, SyntaxError):
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
