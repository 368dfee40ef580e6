"""The options of a model or a task: the arguments of its constructor, and what its docstring says of them."""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Any

from seqlab.errors import PluginError

if TYPE_CHECKING:  # pydantic is imported where it is used: listing names does without
    from pydantic import BaseModel

_SECTION = re.compile(r"^(\w+):$", re.MULTILINE)
_UNINDENTED = re.compile(r"^\S", re.MULTILINE)
_ENTRY = re.compile(r"^    (\*{0,2}\w+): ", re.MULTILINE)


def options_model(component: type[Any]) -> type[BaseModel]:
    """Return the settings of a component as a pydantic model.

    They are the keyword-only arguments of its constructor and, for a cell, of the network built around it.

    Raises:
        PluginError: when the annotations of a user's own class are none that settings can have.
    """
    from pydantic import ConfigDict, PydanticUserError, create_model

    config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )
    network = getattr(component, "network", None)
    try:
        fields = keyword_fields(component) | (keyword_fields(network) if network else {})
        return create_model(component.__name__, __config__=config, **fields)
    except (NameError, TypeError, PydanticUserError) as error:
        raise PluginError(
            f"The settings of {component.__name__} cannot be read from its constructor: "
            f"{str(error).partition(chr(10))[0]}",
            hint="Annotate its keyword-only arguments with int, float, bool, str, Literal or list.",
        ) from error


def argument_sentences(cls: type) -> dict[str, str]:
    """Return by argument what the docstring of a class says below ``Args:``, in one line each.

    >>> class Leak:
    ...     '''A leak.
    ...
    ...     Args:
    ...         share: of what is kept,
    ...             from 0 to 1.
    ...         steps: how many.
    ...
    ...     What follows is of no argument.
    ...     '''
    >>> argument_sentences(Leak)
    {'share': 'of what is kept, from 0 to 1', 'steps': 'how many'}
    """
    sections = _SECTION.split(inspect.cleandoc(vars(cls).get("__doc__") or ""))
    body = dict(zip(sections[1::2], sections[2::2], strict=True)).get("Args", "")
    entries = _ENTRY.split(_UNINDENTED.split(body, maxsplit=1)[0])
    return {
        name: " ".join(text.split()).removesuffix(".").replace("``", "")
        for name, text in zip(entries[1::2], entries[2::2], strict=True)
    }


def keyword_fields(component: type[Any]) -> dict[str, Any]:
    """Collect keyword-only arguments, up the classes as far as each passes ``**options`` on to its base.

    What is said of them in the docstring is their description.
    """
    from pydantic import Field

    found: dict[str, Any] = {}
    sentences: dict[str, str] = {}
    for cls in component.__mro__[:-1]:
        sentences = argument_sentences(cls) | sentences
    for cls in component.__mro__:
        if "__init__" not in vars(cls):
            continue
        constructor = vars(cls)["__init__"]
        hints = typing.get_type_hints(constructor, include_extras=True)
        parameters = inspect.signature(constructor).parameters.values()
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY:
                default = ... if parameter.default is parameter.empty else parameter.default
                hint = hints.get(parameter.name, Any)
                if parameter.name in sentences:
                    hint = typing.Annotated[hint, Field(description=sentences[parameter.name])]
                found.setdefault(parameter.name, (hint, default))
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found
