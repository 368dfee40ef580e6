"""What models and cells give back, held against what is wanted of them; said with the line of its method.

Only types and shapes are looked at, which costs a step of a network about a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from seqlab.contracts import Signal, Spec
from seqlab.errors import PluginError, SettingsError
from seqlab.own_code import form_of, place_of


def require_parts(
    method: Callable[..., object], found: object, names: Sequence[str], old: Sequence[Tensor]
) -> None:
    """Refuse what is no tuple of tensors, one for each part of a state, in the shapes that these have.

    Args:
        method: what gave it.
        found: what it gave.
        names: of the parts.
        old: the parts as they were.
    """
    if isinstance(found, tuple) and len(found) == len(old):
        for new, was in zip(found, old, strict=True):
            if not isinstance(new, Tensor) or new.shape != was.shape:
                break
        else:
            return
    shapes = list(dict.fromkeys(tuple(part.shape) for part in old))
    form = "(B, H) = " if len(shapes[0]) == 2 else ""
    each = f"each {form}{shapes[0]}" if len(shapes) == 1 else f"in shapes {', '.join(map(str, shapes))}"
    raise _refused(method, f"must return {_tuple_of(names)}, {each}", found)


def require_start(method: Callable[..., object], found: object, names: Sequence[str], rows: int) -> None:
    """Refuse a first state that is no tuple of tensors, one for each part, with the row first."""
    if not (
        isinstance(found, tuple)
        and len(found) == len(names)
        and all(isinstance(part, Tensor) and part.shape[:1] == (rows,) for part in found)
    ):
        raise _refused(method, f"must return {_tuple_of(names)}, ({rows}, ...) each", found)


def source_of(model: str, spec: Spec, *, such_as: str = "dates") -> tuple[str, Signal]:
    """Return the one thing that a task gives before the first step, and its name.

    Args:
        model: what it is called.
        spec: of the task.
        such_as: a task that gives one.

    Raises:
        SettingsError: when it gives nothing, or several.
    """
    if len(spec.context) != 1:
        raise SettingsError(
            f"The model {model} reads one source before the first step, not {len(spec.context)}.",
            hint=f"Take a task that gives one, such as {such_as}: seqlab list",
        )
    ((name, signal),) = spec.context.items()
    return name, signal


def require_prepared(method: Callable[..., object], found: object) -> None:
    """Refuse what is no tuple."""
    if not isinstance(found, tuple):
        raise _refused(method, "must return a tuple, which step is given behind the state", found)


def require_reading(method: Callable[..., object], found: object, wanted: tuple[int, ...]) -> None:
    """Refuse what is not a pair of outputs in the wanted shape and a state."""
    pair = isinstance(found, tuple) and len(found) == 2
    if not (pair and isinstance(found[0], Tensor) and found[0].shape == wanted):  # type: ignore[index]
        raise _refused(method, f"must return outputs {wanted} and the state at the end", found)


def require_state(method: Callable[..., object], found: object, rows: int) -> None:
    """Refuse a state of a model that is no tuple of tuples of tensors with the row first."""
    if not isinstance(found, tuple) or not all(
        isinstance(parts, tuple)
        and all(isinstance(part, Tensor) and part.shape[:1] == (rows,) for part in parts)
        for parts in found
    ):
        raise _refused(
            method, f"must return a state that is a tuple of tuples of parts, ({rows}, ...) each", found
        )


def _tuple_of(names: Sequence[str]) -> str:
    several = "part" if len(names) == 1 else "parts"
    return f"a tuple of {len(names)} {several} ({', '.join(names)}{',' * (len(names) == 1)})"


def _refused(method: Callable[..., object], wanted: str, found: object) -> PluginError:
    owner = type(getattr(method, "__self__", None)).__name__
    name = getattr(method, "__name__", "it")
    return PluginError(f"{place_of(method)}: {name} of {owner} {wanted}; it returned {form_of(found)}.")
